// The default configuration: what it is beside that of runc and crun, and whether they run it.

import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { readCgroupLayout } from "../host/cgroups.ts";
import { parseSpec, type Spec } from "../spec/mod.ts";
import { defaultConfig, writeConfig } from "./default-config.ts";
import { makeBusyboxRoot } from "./testing/bundle.ts";

const scratch = mkdtempSync(`${tmpdir()}/pivot-default-config-`);
afterAll(() => rmSync(scratch, { recursive: true }));

const rootful = { rootless: null, cgroupNamespace: false };
const layout = readCgroupLayout();
const isRoot = process.getuid?.() === 0;

const have = (program: string): boolean =>
  spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

for (const [name, options] of Object.entries({
  root: rootful,
  "root, with cgroups of version 2": { rootless: null, cgroupNamespace: true },
  rootless: { rootless: { uid: 1000, gid: 100 }, cgroupNamespace: true },
})) {
  test(`it is read without a warning, and is what was written (${name})`, () => {
    const spec = defaultConfig(options);
    const parsed = parseSpec(writeConfig(spec));
    expect(parsed).toEqual({ ok: true, warnings: [], spec });
  });
}

test("version 2 of cgroups brings a namespace of its own for them", () => {
  const types = (cgroupNamespace: boolean) =>
    defaultConfig({ rootless: null, cgroupNamespace }).linux?.namespaces?.map(({ type }) => type);
  expect(types(true)).toEqual(["pid", "network", "ipc", "uts", "mount", "cgroup"]);
  expect(types(false)).toEqual(["pid", "network", "ipc", "uts", "mount"]);
});

test("the text is indented by tabs", () => {
  expect(writeConfig(defaultConfig(rootful)).split("\n").slice(0, 7)).toEqual([
    "{",
    '\t"ociVersion": "1.0.2",',
    '\t"process": {',
    '\t\t"terminal": true,',
    '\t\t"user": {',
    '\t\t\t"uid": 0,',
    '\t\t\t"gid": 0',
  ]);
});

/** What a peer writes, as a value. */
function peerConfig(program: string, ...flags: string[]): Spec {
  const bundle = mkdtempSync(`${scratch}/peer-`);
  const { status, stderr } = spawnSync(program, ["spec", ...flags], {
    cwd: bundle,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(readFileSync(`${bundle}/config.json`, "utf8")) as Spec;
}

/** Without what each runtime names after itself, and the ambient set, which newer ones leave empty. */
function comparable(spec: Spec): unknown {
  const plain = JSON.parse(writeConfig(spec));
  const { ambient: _, inheritable: __, ...capabilities } = plain.process.capabilities;
  return {
    ...plain,
    ociVersion: "",
    hostname: "",
    process: { ...plain.process, capabilities },
  };
}

const withoutRunc = have("runc") ? "" : " (skipped: runc is not installed)";
const options = { rootless: null, cgroupNamespace: layout.mode === "v2" };

test.skipIf(withoutRunc !== "")(`it is that of runc${withoutRunc}`, () => {
  expect(comparable(defaultConfig(options))).toEqual(comparable(peerConfig("runc")));
  const ids = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  expect(comparable(defaultConfig({ ...options, rootless: ids }))).toEqual(
    comparable(peerConfig("runc", "--rootless")),
  );
});

/** A bundle with a busybox root and our configuration, but a command that ends and no terminal. */
function makeBundle(): string {
  const directory = mkdtempSync(`${scratch}/bundle-`);
  mkdirSync(`${directory}/rootfs`);
  makeBusyboxRoot(`${directory}/rootfs`);
  const spec = defaultConfig(options);
  const given = spec.process;
  if (given === undefined) throw new Error("the default configuration has no process");
  const args = ["sh", "-c", "echo $(hostname) $(id -u) $(grep NoNewPrivs /proc/self/status)"];
  const text = writeConfig({ ...spec, process: { ...given, terminal: false, args } });
  writeFileSync(`${directory}/config.json`, text);
  return directory;
}

const peers: Readonly<Record<string, (bundle: string) => [string, ...string[]]>> = {
  runc: (from) => ["runc", "--root", `${scratch}/runc`, "run", "-b", from, `pivot-${process.pid}`],
  crun: (from) => {
    const run = `crun --root ${scratch}/crun run -b ${from} pivot-${process.pid}`;
    // crun takes no hybrid cgroups; version 2 is hidden from it alone.
    const hide = `umount -l ${layout.v2?.mount ?? ""}; exec ${run}`;
    return ["unshare", "-m", "sh", "-c", layout.mode === "hybrid" ? hide : run];
  },
};

describe.skipIf(!isRoot)(`peers run it${isRoot ? "" : " (skipped: only root may)"}`, () => {
  for (const [name, command] of Object.entries(peers)) {
    const isThere = have(name);
    test.skipIf(!isThere)(`${name}${isThere ? "" : " (skipped: not installed)"}`, () => {
      const [program, ...args] = command(makeBundle());
      const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
      expect({ stdout, stderr }).toEqual({ stdout: "pivot 0 NoNewPrivs: 1\n", stderr: "" });
    });
  }
});
