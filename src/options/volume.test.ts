import { expect, test } from "bun:test";
import { outcome } from "./testing/outcome.ts";
import { parseVolume } from "./volume.ts";

const parsed = (given: string) => outcome(parseVolume(given, "/home/me"));
const bind = { type: "bind", source: "/src", target: "/dst", createSource: true };

test.each([
  ["/src:/dst", bind],
  ["/src:/dst:rw", bind],
  ["/src/:/dst//", bind],
  ["/src:/dst:ro", { ...bind, readonly: true }],
  ["/src:/dst:rro", { ...bind, readonly: true, recursive: "readonly" }],
  ["/src:/dst:ro,z", { ...bind, readonly: true, relabel: "shared" }],
  ["/src:/dst:Z", { ...bind, relabel: "private" }],
  ["/src:/dst:rslave,ro", { ...bind, readonly: true, propagation: "rslave" }],
  ["/src:/dst:shared", { ...bind, propagation: "shared" }],
  ["/src:/dst:cached", bind],
  ["./x:/dst", { ...bind, source: "/home/me/x" }],
  [".:/dst", { ...bind, source: "/home/me" }],
  ["../x:/dst", { ...bind, source: "/home/x" }],
  [".cache:/dst", { ...bind, source: "/home/me/.cache" }],
  ["/:/host", { ...bind, source: "/", target: "/host" }],
])("%s is a path of the host", (given, mount) => {
  expect<unknown>(parsed(given)).toEqual(mount);
});

const volume = { type: "volume", source: "data", target: "/dst" };

test.each([
  ["data:/dst", volume],
  ["data:/dst:ro", { ...volume, readonly: true }],
  ["data:/dst:nocopy,rw", { ...volume, noCopy: true }],
  ["/dst", { type: "volume", target: "/dst" }],
])("%s is a volume", (given, mount) => {
  expect<unknown>(parsed(given)).toEqual(mount);
});

test.each([
  ["", "it looks like SOURCE:TARGET:MODE"],
  ["a:b:c:d", "it looks like SOURCE:TARGET:MODE"],
  [":/dst", "empty section between colons"],
  ["/src::ro", "empty section between colons"],
  ["/src:/dst:", "empty section between colons"],
  ["/src:ro", "a mode needs a source and a target: SOURCE:TARGET:ro"],
  ["/src:ro,z", "a mode needs a source and a target: SOURCE:TARGET:ro,z"],
  ["/src:/dst:readonly", "invalid mode: readonly"],
  ["/src:/dst:ro,,z", "invalid mode: "],
  ["/src:/dst:ro,rw", "of ro, rro and rw one at most"],
  ["/src:/dst:z,Z", "of z and Z one at most"],
  ["/src:/dst:slave,shared", "one propagation at most, and not slave and shared"],
  ["/src:/dst:nocopy", "nocopy is for named volumes: a path is never copied to"],
  ["/src:/dst:rro,rslave", "rro goes with rprivate only: what arrives later would be writable"],
  ["/src:dst", "the target dst is not an absolute path"],
  ["/src:/", "the target cannot be /, the root itself"],
  ["/src:/..", "the target cannot be /, the root itself"],
  ["data", "the target data is not an absolute path"],
  ["data:/dst:rslave", "rslave is for directories of the host, not for volumes"],
  ["~/x:/dst", "~ is for the shell to replace: write it without quotes, or $HOME"],
  [
    "a/b:/dst",
    "a/b is no name for a volume, which has only [a-zA-Z0-9][a-zA-Z0-9_.-]+; a directory of the host is written as /path or ./path",
  ],
])("%p is refused", (given, reason) => {
  expect(parsed(given)).toBe(`invalid argument "${given}" for "-v, --volume": ${reason}`);
});
