// Reading whole documents: what engines and peers write, what is accepted, and what comes of it.

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Spec } from "./mod.ts";
import {
  formatProblem,
  parseProcess,
  parseResources,
  parseSpec,
  parseSpecValue,
  writeJson,
} from "./mod.ts";
import { complete } from "./testdata/complete.ts";
import { dockerConfig } from "./testdata/docker-config.ts";
import { linesOf, withSections } from "./testdata/sections.ts";

function read(text: string): Spec {
  const parsed = parseSpec(text);
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join("\n"));
  expect(parsed.warnings).toEqual([]);
  return parsed.spec;
}

function testdata(name: string): string {
  return readFileSync(new URL(`./testdata/${name}`, import.meta.url), "utf8");
}

test("what `runc spec` and `crun spec` print", () => {
  for (const name of ["runc", "crun"]) {
    const spec = read(testdata(`${name}-spec.json`));
    expect(spec.hostname).toBe(name);
    expect(spec.root).toEqual({ path: "rootfs", readonly: true });
    expect(spec.mounts?.map((mount) => mount.destination)).toEqual([
      "/proc",
      "/dev",
      "/dev/pts",
      "/dev/shm",
      "/dev/mqueue",
      "/sys",
      "/sys/fs/cgroup",
    ]);
    expect(spec.process?.rlimits).toEqual([{ type: "RLIMIT_NOFILE", hard: 1024n, soft: 1024n }]);
    expect(spec.linux?.namespaces).toHaveLength(5);
  }
});

for (const peer of ["runc", "crun"]) {
  const installed = Bun.which(peer) !== null;
  const name = `what the ${peer} of this machine prints`;
  test.skipIf(!installed)(installed ? name : `${name}: skipped, ${peer} is not installed`, () => {
    const bundle = mkdtempSync(join(tmpdir(), "pivot-spec-"));
    try {
      expect(Bun.spawnSync([peer, "spec"], { cwd: bundle }).exitCode).toBe(0);
      const text = readFileSync(join(bundle, "config.json"), "utf8");
      // Nothing is lost: each field that is set is one that is known.
      expect(JSON.parse(writeJson(read(text)))).toEqual(JSON.parse(text));
    } finally {
      rmSync(bundle, { recursive: true });
    }
  });
}

test("what docker writes, with nothing lost", () => {
  const text = dockerConfig();
  expect(JSON.parse(writeJson(read(text)))).toEqual(JSON.parse(text));
});

test("a configuration with every field comes back as it was, 64-bit numbers too", () => {
  for (const indent of [0, 2]) {
    const spec = read(writeJson(complete, indent));
    expect(spec).toEqual(complete);
    expect(writeJson(spec, indent)).toBe(writeJson(complete, indent));
  }
  const parsed = parseSpecValue(complete);
  expect(parsed).toEqual({ ok: true, warnings: [], spec: complete });
});

function warningsOf(text: string): string[] {
  const parsed = parseSpec(text);
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join("\n"));
  return parsed.warnings.map(formatProblem);
}

test("a document that is no object", () => {
  expect(linesOf("[]")).toEqual(["the document: expected an object, received an empty array"]);
  expect(linesOf("null")).toEqual(["the document: expected an object, received null"]);
  expect(linesOf("1.5")).toEqual(["the document: expected an object, received the number 1.5"]);
  expect(linesOf("{")).toHaveLength(1);
});

const accepted: readonly (readonly [why: string, sections: string])[] = [
  [
    "unknown fields",
    '"new": {"linux": 1}, "linux": {"future": [1.5, null], "resources": {"x": {}}}',
  ],
  [
    "other platforms",
    '"windows": {"layerFolders": 1}, "vm": [], "solaris": "a", "zos": 1, "freebsd": null',
  ],
  ["null is absent", '"mounts": null, "process": null, "linux": {"sysctl": null, "seccomp": null}'],
  ["a relative mount destination", '"mounts": [{"destination": "data"}]'],
  ["a later minor version", '"ociVersion": "1.99.0-rc.1+build"'],
  ["a FIFO without numbers", '"linux": {"devices": [{"path": "/dev/p", "type": "p"}]}'],
  [
    "an errno of 0 and EPERM by default",
    '"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 0}}',
  ],
  ["no limit of tasks given", '"linux": {"resources": {"pids": {}}}'],
  [
    "any quota with a burst if there is no limit",
    '"linux": {"resources": {"cpu": {"quota": -1, "burst": 9}}}',
  ],
  ["no memory nodes", '"linux": {"memoryPolicy": {"mode": "MPOL_DEFAULT", "nodes": ""}}'],
  ["the root of resctrl", '"linux": {"intelRdt": {"closID": "/"}}'],
  [
    "the whole range of ids",
    '"linux": {"uidMappings": [{"containerID": 0, "hostID": 0, "size": 4294967295}]}',
  ],
  ["__proto__ as a key", '"annotations": {"__proto__": "x"}, "__proto__": {"process": 1}'],
];

for (const [why, sections] of accepted) {
  test(`accepted: ${why}`, () => {
    expect(linesOf(withSections(sections))).toEqual([]);
    expect(warningsOf(withSections(sections))).toEqual([]);
  });
}

test("maps hold exactly the keys of the document", () => {
  const { annotations = {} } = read(withSections('"annotations": {"__proto__": "x", "b": "y"}'));
  expect(Object.entries(annotations)).toEqual([
    ["__proto__", "x"],
    ["b", "y"],
  ]);
  expect(annotations["constructor"]).toBeUndefined();
});

test("a user that is not given is root", () => {
  const process = read(withSections('"process": {"args": ["sh"], "cwd": "/"}')).process;
  expect(process).toEqual({ args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 } });
});

test("warnings: unknown capabilities and flags are left out, misspelt fields are named", () => {
  const text = withSections(`"Hostname": "a", "process": {"args": ["sh"], "cwd": "/",
    "capabilities": {"bounding": ["CAP_KILL", "CAP_MAKE_COFFEE", "cap_chown", "CAP_BPF"]}},
    "linux": {"personality": {"domain": "LINUX", "flags": ["X"]}, "seccomP": {}}`);
  expect(warningsOf(text)).toEqual([
    'Hostname: expected the spelling "hostname", received another one, which is ignored',
    'process.capabilities.bounding[1]: expected a capability such as "CAP_CHOWN", received the string "CAP_MAKE_COFFEE", which is ignored',
    'process.capabilities.bounding[2]: expected a capability such as "CAP_CHOWN", received the string "cap_chown", which is ignored',
    'linux.personality.flags[0]: expected no flag, since none is defined, received the string "X", which is ignored',
    'linux.seccomP: expected the spelling "seccomp", received another one, which is ignored',
  ]);
  const parsed = parseSpec(text);
  const bounding = parsed.ok && parsed.spec.process?.capabilities?.bounding;
  expect(bounding).toEqual(["CAP_KILL", "CAP_BPF"]);
});

test("a process, and resources, that stand alone", () => {
  const process = parseProcess('{"args": ["ls"], "cwd": "/", "user": {"uid": 1, "gid": 2}}');
  expect(process.ok && process.process.user).toEqual({ uid: 1, gid: 2 });
  const bad = parseProcess('{"args": ["ls"], "cwd": "."}');
  expect(bad.ok ? [] : bad.problems.map(formatProblem)).toEqual([
    'cwd: expected an absolute path, received the string "."',
  ]);
  const resources = parseResources('{"memory": {"limit": 9223372036854771712}}');
  expect(resources.ok && resources.resources.memory?.limit).toBe(9223372036854771712n);
  const negative = parseResources('{"pids": {"limit": "max"}}');
  expect(negative.ok ? [] : negative.problems.map(formatProblem)).toEqual([
    'pids.limit: expected a whole number of tasks, received the string "max"',
  ]);
});

function parseWithLimit(limit: unknown) {
  return parseSpecValue({
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    linux: { resources: { memory: { limit } } },
  });
}

test("a value that is no text: bigints are exact, a rounded number is refused", () => {
  const big = parseWithLimit(9007199254740993n);
  expect(big.ok && big.spec.linux?.resources?.memory?.limit).toBe(9007199254740993n);
  const rounded = parseWithLimit(2 ** 53);
  expect(rounded.ok ? [] : rounded.problems.map(formatProblem)).toEqual([
    "linux.resources.memory.limit: expected a whole number of bytes, received the number 9007199254740992, which may have been rounded (give it as a bigint)",
  ]);
});

test("nothing inherited is read", () => {
  const inherited: object = Object.create({
    hostname: "inherited",
    process: 3,
    root: { path: "b" },
  });
  const spec = { ociVersion: "1.0.0", root: { path: "a" } };
  const parsed = parseSpecValue(Object.assign(inherited, spec));
  expect(parsed.ok && parsed.spec).toEqual(spec);
  const rootless = parseSpecValue(Object.create({ root: { path: "b" } }));
  expect(rootless.ok ? [] : rootless.problems.map(({ path }) => path)).toEqual([
    "ociVersion",
    "root",
  ]);
});
