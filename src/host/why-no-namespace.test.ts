// Why there is no user namespace: each rule that forbids one has its own words and its own cure.

import { expect, test } from "bun:test";
import type { ReadFile } from "./confinement.ts";
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
  expect(why("newuidmap", 1, {}, failed)).toContain("sudo chmod u+s /usr/bin/newuidmap");
});

test("the namespace is there, and has no rights", () => {
  expect(why("maps", 1, appArmor)).toMatch(/^AppArmor allows/);
  expect(why("mounts", 13, appArmor)).toMatch(/^AppArmor allows/);
  expect(why("mounts", 1)).toContain("a security module or a seccomp filter");
  expect(why("mounts", 28)).toContain("user.max_mnt_namespaces");
});

test("a profile of AppArmor is named where it may have been that", () => {
  const label = "/proc/self/attr/apparmor/current";
  const confined = { [label]: "box (enforce)" };
  const byName =
    /^the AppArmor profile box, which this runs under, .*: run pivot outside .*`capability,/;
  expect(why("namespace", 13, confined)).toMatch(byName);
  expect(why("maps", 13, confined)).toMatch(byName);
  expect(why("mounts", 1, confined)).toMatch(byName);
  const denied = "newuidmap: open of uid_map failed: Permission denied";
  expect(why("newuidmap", 1, confined, denied)).toMatch(byName);
  // What has other reasons keeps them.
  expect(why("namespace", 1, { ...confined, "/proc/self/status": "Seccomp:\t2\n" })).toMatch(
    /^a seccomp filter/,
  );
  expect(why("newuidmap", 1, confined, "uid range [1-2) not allowed")).toContain("/etc/subuid");
  expect(why("mounts", 28, confined)).toContain("user.max_mnt_namespaces");
  for (const free of ["unconfined", "box (unconfined)", "box (complain)"]) {
    expect(why("maps", 13, { [label]: free })).toContain("a security module or");
  }
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
