import { expect, test } from "bun:test";
import { outcome } from "./testing/outcome.ts";
import { mergeTmpfsOptions, parseTmpfs } from "./tmpfs.ts";

test.each([
  ["/run", "/run", ""],
  ["/run/:size=64m", "/run", "size=64m"],
  [
    "/run:rw,size=50%,mode=1777,uid=1000,gid=0,exec",
    "/run",
    "rw,size=50%,mode=1777,uid=1000,gid=0,exec",
  ],
  ["/run:mpol=bind:0-3", "/run", "mpol=bind:0-3"],
])("%s", (given, target, options) => {
  expect(outcome(parseTmpfs(given))).toEqual({ target, options });
});

test.each([
  ["", "a target is required: the path in the container"],
  ["run", "the target run is not an absolute path"],
  ["/", "the target cannot be /, the root itself"],
  ["/run:bind", "invalid tmpfs option bind: it is one such as size=64m, mode=1777 or exec"],
  ["/run:size=big", "invalid tmpfs option size=big: it is one such as size=64m, mode=1777 or exec"],
  ["/run:mode=888", "invalid tmpfs option mode=888: it is one such as size=64m, mode=1777 or exec"],
  [
    "/run:lowerdir=/",
    "invalid tmpfs option lowerdir=/: it is one such as size=64m, mode=1777 or exec",
  ],
  [
    "/run:toString=1",
    "invalid tmpfs option toString=1: it is one such as size=64m, mode=1777 or exec",
  ],
])("%p is refused", (given, reason) => {
  expect(outcome(parseTmpfs(given))).toBe(`invalid argument "${given}" for "--tmpfs": ${reason}`);
});

test.each([
  ["", ["noexec", "nosuid", "nodev", "rprivate"]],
  ["defaults,,", ["noexec", "nosuid", "nodev", "rprivate"]],
  ["exec", ["nosuid", "nodev", "rprivate", "exec"]],
  ["exec,noexec", ["nosuid", "nodev", "rprivate", "noexec"]],
  ["size=1m,ro,size=2m", ["noexec", "nosuid", "nodev", "rprivate", "ro", "size=2m"]],
  ["shared,mode=700", ["noexec", "nosuid", "nodev", "shared", "mode=700"]],
  ["suid,dev,exec,rw", ["rprivate", "suid", "dev", "exec", "rw"]],
])("the options of %p", (given, options) => {
  expect(outcome(mergeTmpfsOptions(given))).toEqual(options);
});
