// Debian's nginx, put into an image: the program, what it is linked with, and a page.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const program = "/usr/sbin/nginx";

const has = (path: string): boolean => spawnSync("test", ["-x", path]).status === 0;

/** Why there is none, in words; undefined: there is one. */
export const whyNoNginx: string | undefined = has(program)
  ? undefined
  : "nginx is not installed: apt-get install nginx-light";

/** Workers are another user than the one who binds port 80, as Debian has them. */
const configuration = `daemon off;
worker_processes 2;
user www-data;
pid /run/nginx.pid;
error_log /dev/stderr;
events {}
http {
  access_log /dev/stdout;
  server {
    listen 80;
    listen [::]:80;
    root /srv;
  }
}
`;

const files: Readonly<Record<string, string>> = {
  "etc/nginx/nginx.conf": configuration,
  "etc/passwd": "root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/srv:/bin/false\n",
  "etc/group": "root:x:0:\nwww-data:x:33:\n",
  "srv/index.html": "page\n",
};

/** Absolute paths of the libraries that it names, and of what loads them. */
function libraries(): string[] {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path ?? "");
}

/** A tar of the root, for `pivot import`; what is made lies below the directory. */
export function nginxArchive(directory: string): string {
  const root = `${directory}/nginx`;
  for (const path of [program, ...libraries()]) {
    mkdirSync(dirname(`${root}${path}`), { recursive: true });
    copyFileSync(path, `${root}${path}`);
  }
  for (const path of ["run", "tmp", "dev", "proc", "sys", "var/log/nginx", "var/lib/nginx"]) {
    mkdirSync(`${root}/${path}`, { recursive: true });
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${root}/${path}`), { recursive: true });
    writeFileSync(`${root}/${path}`, text);
  }
  const archive = `${directory}/nginx.tar`;
  const words = ["--owner=0", "--group=0", "-cf", archive, "-C", root, "."];
  const { status, stderr } = spawnSync("tar", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return archive;
}
