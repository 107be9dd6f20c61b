// When an ordinary user's systemd is asked for a scope, and for what. The part of the cgroups that is
// the user's is one of plain files here, and whoever listens at a socket is systemd.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import type { CgroupLayout } from "../planner/facts.ts";
import type { LinuxResources, Spec } from "../spec/mod.ts";
import type { Manager } from "../systemd/ask.ts";
import { attachment, lentWarning, ownScope, placeForScopes } from "./own-scope.ts";

const mount = mkdtempSync(`${tmpdir()}/pivot-own-scope-`);
const root = "/user.slice/user-1.slice/user@1.service";
const manager: Manager = { socket: `${mount}/private`, bus: false, uid: 1, user: true, root };
const stale = { ...manager, socket: `${mount}/nobody` };
const machineBus = `${mount}/machine-bus`;
const servers: Server[] = [];

const listen = (path: string): Promise<void> =>
  new Promise((resolve) => {
    const server = createServer((connection) => connection.destroy());
    servers.push(server);
    server.listen(path, resolve);
  });

beforeAll(async () => {
  mkdirSync(`${mount}${root}/app.slice`, { recursive: true });
  for (const file of ["cgroup.procs", "cgroup.subtree_control"]) {
    writeFileSync(`${mount}${root}/${file}`, "");
  }
  writeFileSync(`${mount}${root}/cgroup.controllers`, "cpu memory pids\n");
  await listen(manager.socket);
  await listen(machineBus);
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(mount, { recursive: true });
});

const own = (path: string): CgroupLayout => ({
  mode: "v2",
  v1: [],
  v2: { mount, own: path, controllers: ["cpu", "memory"], enabled: [], options: [] },
});
const session = own("/user.slice/user-1.slice/session-1.scope");
const specWith = (resources?: LinuxResources, cgroupsPath?: string): Spec => ({
  ociVersion: "1.3.0",
  root: { path: "/r" },
  linux: {
    ...(resources === undefined ? {} : { resources }),
    ...(cgroupsPath === undefined ? {} : { cgroupsPath }),
  },
});
const scopeFor = async (spec: Spec, cgroups = session, who: Manager | null = manager) =>
  ownScope(spec, "x", { cgroups }, await placeForScopes(cgroups, who, machineBus));

test("limits of a login's are in a scope of the user's manager", async () => {
  const scope = await scopeFor(specWith({ memory: { limit: 5n } }));
  expect(scope).toMatchObject({
    path: `${root}/user.slice/pivot-x.scope/container`,
    manager: root,
    user: true,
    ask: { isOuter: true },
  });
});

test("so are those in the manager's own units, but not where one was handed over", async () => {
  const limit = specWith({ memory: { limit: 5n } });
  for (const within of ["app.slice/vte.scope", "app.slice/x.service", "init.scope"]) {
    expect(await scopeFor(limit, own(`${root}/${within}`))).toBeDefined();
  }
  for (const theirs of [`${root}/app.slice/x.service/main`, "/mine/shell", "/"]) {
    expect(await scopeFor(limit, own(theirs))).toBeUndefined();
  }
});

test("nothing is asked for that could not be kept, nor where the configuration says", async () => {
  expect(await scopeFor(specWith())).toBeUndefined();
  expect(await scopeFor(specWith({ blockIO: { weight: 10 } }))).toBeUndefined();
  expect(await scopeFor(specWith({ devices: [{ allow: false }] }))).toBeUndefined();
  expect(await scopeFor(specWith({ pids: { limit: 1n } }, "/web"))).toBeUndefined();
});

test("where nobody listens there is no place: neither at the manager's socket nor at the machine's bus", async () => {
  const place = (who: Manager | null, cgroups = session, bus = machineBus) =>
    placeForScopes(cgroups, who, bus);
  expect(await place(manager)).toEqual({ manager, controllers: ["cpu", "memory", "pids"] });
  expect(await place(null)).toBeNull();
  expect(await place(stale)).toBeNull();
  expect(await place({ ...manager, user: false })).toBeNull();
  expect(await place({ ...manager, root: "/user.slice/user-2.slice/user@2.service" })).toBeNull();
  expect(await place(manager, { ...session, mode: "hybrid" })).toBeNull();
  // The machine's systemd is needed from outside alone.
  const inside = own(`${root}/app.slice/vte.scope`);
  expect(await place(manager, inside, stale.socket)).not.toBeNull();
  expect(await place(manager, session, stale.socket)).toBeNull();
});

test("a further process comes in by systemd, into the cgroup below the scope", async () => {
  const directory = `${mount}${root}/user.slice/pivot-x.scope/container`;
  expect(await attachment(directory, session, manager)).toMatchObject({
    op: "ask_systemd",
    gist: "move the process to pivot-x.scope",
  });
  expect(await attachment(directory, session, stale)).toBeNull();
  expect(await attachment(`${mount}${root}/app.slice/pivot-x`, session, manager)).toBeNull();
  expect(await attachment("/elsewhere/pivot-x.scope/container", session, manager)).toBeNull();
});

test("limits that are given later are told to be systemd's to take, where they are", () => {
  const said = (path: string) => lentWarning([`${mount}${path}`], session, manager);
  expect(said(`${root}/app.slice/pivot-x`)).toContain("start it again");
  expect(said(`${root}/user.slice/pivot-x.scope/container`)).toBeNull();
  expect(said(`${root}/app.slice/x.service/pivot-x`)).toBeNull();
  expect(said("/mine/pivot-x")).toBeNull();
  expect(lentWarning([], session, manager)).toBeNull();
});
