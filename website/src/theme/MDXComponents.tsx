/** What pages of .mdx can use beside Markdown: <Lesson lesson="chroot" />. */

import Original from "@theme-original/MDXComponents";
import { Lesson } from "../parts/Lesson.tsx";

const components = { ...Original, Lesson };

// Docusaurus asks for it by this name.
export { components as default };
