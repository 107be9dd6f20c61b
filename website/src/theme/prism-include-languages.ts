/** Sessions are called `console` in Markdown, and `shell-session` by Prism. */

import Original from "@theme-original/prism-include-languages";
import type { Prism } from "prism-react-renderer";

function includeLanguages(prism: typeof Prism): void {
  Original(prism);
  const { languages } = prism;
  languages["console"] = languages["shell-session"] ?? {};
}

// Docusaurus asks for it by this name.
export { includeLanguages as default };
