// The built site on loopback, and what is in it.

import { readdirSync, readFileSync, statSync } from "node:fs";

export const site = new URL("../../build/docs/", import.meta.url).pathname;

/** By their paths below the site: `tutorial/chroot/index.html`. */
export const pages = (): string[] =>
  readdirSync(site, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".html"))
    .sort();

export const read = (page: string): string => readFileSync(site + page, "utf8");

/** The file that a path of the site is served from; null: there is none. */
export function fileAt(path: string): string | null {
  const name = decodeURIComponent(path).replace(/^\//, "");
  for (const each of [name, `${name.replace(/\/$/, "")}/index.html`.replace(/^\//, "")]) {
    if (statSync(site + each, { throwIfNoEntry: false })?.isFile() === true) return each;
  }
  return null;
}

export const serve = (): ReturnType<typeof Bun.serve> =>
  Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch({ url }) {
      const file = fileAt(new URL(url).pathname);
      return file === null
        ? new Response(null, { status: 404 })
        : new Response(Bun.file(site + file));
    },
  });
