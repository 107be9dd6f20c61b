// Why there is no user namespace: each rule that forbids one has its own words and its own cure.

import { expect, test } from "bun:test";
import { enforcedProfile, type ReadFile } from "./confinement.ts";
import { noNamespace, rootlessUser } from "./rootless.ts";
import { whyNoNamespace } from "./why-no-namespace.ts";

const machine =
  (files: Readonly<Record<string, string>>): ReadFile =>
  (path) =>
    files[path] ?? null;

const sysctl = (name: string): string => `/proc/sys/${name.replaceAll(".", "/")}`;
const appArmor = { [sysctl("kernel.apparmor_restrict_unprivileged_userns")]: "1" };

const why = (
  stage: string,
  errno: number,
  files: Readonly<Record<string, string>> = {},
  text = "",
): string => {
  const { says, cure } = whyNoNamespace({ stage, errno, text }, machine(files));
  return `${says}: ${cure}`;
};

test("unshare(2) is refused", () => {
  const files = { [sysctl("kernel.unprivileged_userns_clone")]: "0" };
  expect(why("namespace", 1, files)).toMatch(/root's alone .*: sudo sysctl -w .*_clone=1$/);
  expect(why("namespace", 28, { [sysctl("user.max_user_namespaces")]: "0" })).toMatch(
    /user\.max_user_namespaces=0.*: sudo sysctl -w user\.max_user_namespaces=15000$/,
  );
  expect(why("namespace", 22)).toContain("CONFIG_USER_NS");
  expect(why("namespace", 1, appArmor)).toMatch(/^AppArmor allows/);
  const filtered = { "/proc/self/status": "Name:\tx\nSeccomp:\t2\nNoNewPrivs:\t0\n" };
  expect(why("namespace", 1, filtered)).toMatch(/^a seccomp filter .*seccomp=unconfined/);
  expect(why("namespace", 1, { "/proc/self/status": "Seccomp:\t0\n" })).toContain("chroot(2)");
});

test("newuidmap(1) has no rights, or a range that is not one", () => {
  const status = { "/proc/self/status": "NoNewPrivs:\t1\n" };
  expect(why("newuidmap", 1, status)).toMatch(/^no_new_privs is in force here/);
  const refused = "newuidmap: uid range [1-65537) -> [100000-165536) not allowed\nand more";
  expect(why("newuidmap", 1, {}, refused)).toMatch(
    /not allowed: correct \/etc\/subuid and \/etc\/subgid.*PIVOT_SINGLE_ID=1/,
  );
  const failed = "newuidmap: write to uid_map failed: Operation not permitted";
  const all = { "/proc/self/status": "CapBnd:\t000001ffffffffff\n" };
  expect(why("newuidmap", 1, all, failed)).toContain("sudo chmod u+s /usr/bin/newuidmap");
  const few = { "/proc/self/status": "CapBnd:\t00000000a80425fb\n" };
  expect(why("newuidmap", 1, few, failed)).toMatch(
    /^the container around this takes CAP_SYS_ADMIN away.*--cap-add SYS_ADMIN, or --privileged; /,
  );
});

test("the namespace is there, and has no rights", () => {
  expect(why("maps", 1, appArmor)).toMatch(/^AppArmor allows/);
  expect(why("mounts", 13, appArmor)).toMatch(/^AppArmor allows/);
  expect(why("mounts", 1)).toContain("a security module or a seccomp filter");
  expect(why("mounts", 28)).toContain("user.max_mnt_namespaces");
});

test("a profile around us is named, and what to do about it", () => {
  const label = "/proc/self/attr/apparmor/current";
  const enforced = { [label]: "docker-default (enforce)" };
  const words = /^AppArmor's profile docker-default, .*: .*--security-opt apparmor=unconfined/;
  expect(why("maps", 13, enforced)).toMatch(words);
  expect(why("mounts", 1, enforced)).toMatch(words);
  expect(why("namespace", 13, enforced)).toMatch(words);
  const refused = "newgidmap: open of gid_map failed: Permission denied";
  expect(why("newuidmap", 1, enforced, refused)).toMatch(words);
  // Where a filter stands before it, that is to go first.
  const filtered = { ...enforced, "/proc/self/status": "Seccomp:\t2\n" };
  expect(why("namespace", 1, filtered)).toMatch(/^a seccomp filter/);
  for (const text of [
    "unconfined",
    "x (complain)",
    "x (unconfined)",
    "system_u:system_r:init_t:s0",
  ]) {
    expect(enforcedProfile(machine({ [label]: text }))).toBeNull();
  }
  expect(enforcedProfile(machine({ "/proc/self/attr/current": "a b (enforce)" }))).toBe("a b");
});

test("a directory, and what else there may be", () => {
  expect(why("directory", 20, {}, "/tmp/pivot-run-5")).toMatch(
    /^\/tmp\/pivot-run-5 is not used \(ENOTDIR: .*XDG_RUNTIME_DIR/,
  );
  expect(why("join", 1)).toContain("cannot be entered (join: EPERM");
});

test("what the launcher says in the environment", () => {
  expect(rootlessUser({ PIVOT_ROOTLESS: "1000:100:200" })).toEqual({ uid: 1000, gid: 100 });
  expect(rootlessUser({ PIVOT_ROOTLESS: "1000:100" })).toEqual({ uid: 1000, gid: 100 });
  expect(rootlessUser({ PIVOT_ROOTLESS: "!namespace:1:" })).toBeNull();
  expect(rootlessUser({})).toBeNull();
  expect(noNamespace({ PIVOT_ROOTLESS: "!directory:20:/run/a:b" })).toEqual({
    stage: "directory",
    errno: 20,
    text: "/run/a:b",
  });
  expect(noNamespace({ PIVOT_ROOTLESS: "1:1" })).toBeNull();
});
