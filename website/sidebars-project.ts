/** What stands at the side of the pages that lie above docs/: the way back, and each other. */

import type { SidebarsConfig } from "@docusaurus/plugin-content-docs";

const sidebars: SidebarsConfig = {
  project: [
    { type: "link", label: "pivot", href: "/" },
    "ARCHITECTURE",
    { type: "link", label: "Decisions", href: "/design/decisions/" },
    { type: "link", label: "Benchmarks", href: "/benchmarks/" },
    "CHANGELOG",
  ],
};

export { sidebars as default };
