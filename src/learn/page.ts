/** The built page: where it is, made first where it is not, and its files in memory. */

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { WishError } from "../container/wish-error.ts";

export type PageFile = { readonly type: string; readonly bytes: Uint8Array };

/** By its path below the page's address: `index.html`, `assets/index-1a2b.js`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const types: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** The `build` directory: of the compiled program, or beside the sources. */
const buildDirectories = (): string[] => [
  dirname(process.execPath),
  new URL("../../build", import.meta.url).pathname,
];

/** Makes the page, in a clone, when it is not there or older than its sources. */
function buildInClone(): void {
  const script = buildDirectories()
    .map((build) => `${dirname(build)}/tools/web.sh`)
    .find((path) => existsSync(path));
  if (script === undefined) return;
  // What it says goes to standard error: each line is one thing that is being done, or why it could
  // not be done. An older page does all the same.
  spawnSync(script, ["fresh"], { stdio: ["ignore", 2, 2] });
}

/**
 * All files of the page. They are read once: nothing that a request names is ever opened.
 *
 * @throws WishError when the page is not built, and cannot be
 */
export function readPage(): PageFiles {
  buildInClone();
  const directory = buildDirectories()
    .map((build) => `${build}/web`)
    .find((path) => existsSync(`${path}/index.html`));
  if (directory === undefined) {
    throw new WishError([
      "the page is not built: npm run build:web does that, in a clone of pivot",
    ]);
  }
  const files = new Map<string, PageFile>();
  for (const entry of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const type = types[entry.slice(entry.lastIndexOf(".") + 1)];
    if (type !== undefined)
      files.set(entry, { type, bytes: readFileSync(`${directory}/${entry}`) });
  }
  return files;
}
