import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { findUserManager, rootOf, uidOutside } from "./systemd.ts";

test("who a user is outside of a user namespace", () => {
  const map = "         0       1000          1\n         1     100000      65536\n";
  expect(uidOutside(0, map)).toBe(1000);
  expect(uidOutside(5, map)).toBe(100004);
  expect(uidOutside(0, "         0          0 4294967295\n")).toBe(0);
  expect(uidOutside(7, "")).toBe(7);
});

test("the cgroup of the machine's manager is that of its process, without init.scope", () => {
  expect(rootOf("0::/init.scope\n")).toBe("");
  expect(rootOf("0::/machine.slice/box.scope/init.scope\n")).toBe("/machine.slice/box.scope");
  expect(rootOf("9:name=systemd:/init.scope\n4:memory:/init.scope\n0::/init.scope\n")).toBe("");
  expect(rootOf("4:memory:/a\n1:name=systemd:/x/init.scope\n0::/x/init.scope\n")).toBe("/x");
  // Not systemd's way, or older than 226.
  expect(rootOf("0::/\n")).toBe("");
  expect(rootOf("")).toBe("");
});

test("a user's manager: its own socket, else the session's bus, else none", () => {
  const runtime = mkdtempSync(`${tmpdir()}/pivot-manager-`);
  try {
    const env = { XDG_RUNTIME_DIR: runtime };
    const common = { uid: 1234, user: true, root: "/user.slice/user-1234.slice/user@1234.service" };
    expect(findUserManager(1234, env)).toBeNull();
    writeFileSync(`${runtime}/bus`, "");
    expect(findUserManager(1234, env)).toEqual({ ...common, socket: `${runtime}/bus`, bus: true });
    writeFileSync(`${runtime}/other`, "");
    const address = `unix:abstract=x;unix:path=${runtime}/other,guid=0123`;
    expect(findUserManager(1234, { ...env, DBUS_SESSION_BUS_ADDRESS: address })).toMatchObject({
      socket: `${runtime}/other`,
    });
    mkdirSync(`${runtime}/systemd`);
    writeFileSync(`${runtime}/systemd/private`, "");
    expect(findUserManager(1234, env)).toEqual({
      ...common,
      socket: `${runtime}/systemd/private`,
      bus: false,
    });
  } finally {
    rmSync(runtime, { recursive: true });
  }
});
