/** Writes what makes build/web-package a package: package.json, the styles, what it is. */

import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { version } from "../src/version.ts";

const root = new URL("..", import.meta.url).pathname;
const made = `${root}build/web-package/`;
const web = JSON.parse(readFileSync(`${root}web/package.json`, "utf8")) as {
  readonly name: string;
  readonly license: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

const manifest = {
  name: web.name,
  version,
  description: "Mount namespaces, chroot and pivot_root to step through, as a React component",
  license: web.license,
  type: "module",
  sideEffects: ["*.css"],
  exports: {
    ".": { types: "./types/web/src/index.d.ts", default: "./index.js" },
    "./styles.css": "./styles.css",
  },
  peerDependencies: web.peerDependencies,
};

writeFileSync(`${made}package.json`, `${JSON.stringify(manifest, null, 2)}\n`);
copyFileSync(`${root}web/src/styles.css`, `${made}styles.css`);
copyFileSync(`${root}web/README.md`, `${made}README.md`);
copyFileSync(`${root}LICENSE`, `${made}LICENSE`);
