// Mutated config.json files for the fuzzer. SAFETY: a mutated config can name paths of the host, so
// each string that could be one comes from a list of its own: below the scratch tree (@SCRATCH@), or
// harmless to read. A cgroup's name always has @TAG@ in its last part. There is always a fresh mount
// namespace. Superblocks that the host shares (cgroup) are not mounted, and nothing is remounted.

import fc from "fast-check";
import { baseConfig, type Json, type JsonObject } from "./config.ts";
import {
  destinations,
  hostPaths,
  mountOptions,
  namespaceTypes,
  numbers,
  odd,
  sysctls,
} from "./fuzz-values.ts";

/** A case: config.json as text in latin1, so that it can hold any bytes. */
export type Case = { readonly config: string };

const one = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const anyJson: fc.Arbitrary<Json> = fc.oneof(
  one<Json>([null, true, false, [], {}, [null], [[]], { a: 1 }]),
  one<Json>(odd),
  one<Json>(numbers),
);

const mount = fc.record(
  {
    destination: one<Json>(destinations),
    type: one<Json>([
      "tmpfs",
      "proc",
      "sysfs",
      "devpts",
      "mqueue",
      "bind",
      "none",
      "nosuchfs",
      "",
      "a\0b",
    ]),
    source: one<Json>(hostPaths["source"] ?? []),
    options: fc.array(one<Json>(mountOptions), { maxLength: 5 }),
  },
  { requiredKeys: ["destination"] },
) as fc.Arbitrary<JsonObject>;

const namespace = fc.record(
  { type: one<Json>(namespaceTypes), path: one<Json>(hostPaths["namespacePath"] ?? []) },
  { requiredKeys: ["type"] },
) as fc.Arbitrary<JsonObject>;

const hook = fc.record(
  {
    path: one<Json>(hostPaths["hookPath"] ?? []),
    args: fc.array(one<Json>(odd), { maxLength: 2 }),
    env: fc.array(one<Json>([...odd, "A=1", "=", "A"]), { maxLength: 2 }),
    timeout: one<Json>([-1, 0, 1, 0.5, 2 ** 31]),
  },
  { requiredKeys: ["path"] },
) as fc.Arbitrary<JsonObject>;

const device = fc.record({
  path: one<Json>([...destinations, "/dev/x", "/dev/null", "/dev/a/b"]),
  type: one<Json>(["c", "b", "p", "u", "x", ""]),
  major: one<Json>(numbers),
  minor: one<Json>(numbers),
  fileMode: one<Json>(numbers),
  uid: one<Json>(numbers),
}) as fc.Arbitrary<JsonObject>;

const seccomp = fc.record({
  defaultAction: one<Json>([
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_KILL",
    "SCMP_ACT_NOTIFY",
    "x",
    "",
  ]),
  architectures: fc.array(one<Json>(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "x"]), {
    maxLength: 2,
  }),
  listenerPath: one<Json>(hostPaths["listenerPath"] ?? []),
  syscalls: fc.array(
    fc.record({
      names: fc.array(one<Json>(["mkdir", "read", "execve", "nosuchcall", ""]), { maxLength: 2 }),
      action: one<Json>(["SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", "x"]),
      errnoRet: one<Json>(numbers),
      args: fc.array(
        fc.record({
          index: one<Json>(numbers),
          value: one<Json>(numbers),
          op: one<Json>(["SCMP_CMP_EQ", "x"]),
        }),
        { maxLength: 2 },
      ),
    }),
    { maxLength: 2 },
  ),
}) as fc.Arbitrary<JsonObject>;

type Mutation =
  | { readonly kind: "remove"; readonly where: number }
  | {
      readonly kind: "replace";
      readonly where: number;
      /** Any value; undefined: another one of the same type, by `pick`. */
      readonly by: Json | undefined;
      readonly pick: number;
    }
  | { readonly kind: "repeat"; readonly where: number }
  | { readonly kind: "add"; readonly what: JsonObject };

const add = (value: fc.Arbitrary<JsonObject>): fc.Arbitrary<Mutation> =>
  value.map((what) => ({ kind: "add", what }));

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove" as const), where: fc.nat(500) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("replace" as const),
      where: fc.nat(500),
      by: fc.oneof(fc.constant(undefined), anyJson),
      pick: fc.nat(500),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("repeat" as const), where: fc.nat(500) }) },
  { weight: 4, arbitrary: add(mount.map((each) => ({ mounts: [each] }))) },
  { weight: 2, arbitrary: add(namespace.map((each) => ({ linux: { namespaces: [each] } }))) },
  {
    weight: 1,
    arbitrary: add(
      fc
        .tuple(
          one([
            "prestart",
            "createRuntime",
            "createContainer",
            "startContainer",
            "poststart",
            "poststop",
          ]),
          hook,
        )
        .map(([kind, each]) => ({ hooks: { [kind]: [each] } })),
    ),
  },
  { weight: 2, arbitrary: add(device.map((each) => ({ linux: { devices: [each] } }))) },
  { weight: 1, arbitrary: add(seccomp.map((each) => ({ linux: { seccomp: each } }))) },
  {
    weight: 1,
    arbitrary: add(
      fc
        .tuple(one(sysctls), one(odd))
        .map(([name, value]) => ({ linux: { sysctl: { [name]: value } } })),
    ),
  },
);

/** What is done to the text: never to a part that could become a path. */
const spelling = fc.oneof(
  { weight: 80, arbitrary: fc.constant((text: string) => text) },
  ...[
    (text: string) => text.slice(0, -1),
    (text: string) => `${text}}`,
    (text: string) => `\xef\xbb\xbf${text}`,
    (text: string) => `${text}\0`,
    (text: string) => `/* a comment */${text}`,
    (text: string) => text.replace("{", '{"annotations":{"a":"\xff\xfe"},'),
    (text: string) => text.replace("{", '{"ociVersion":"1.0.2","ociVersion":"1.0.2",'),
    (text: string) => text.replace("{", `{"x":${"[".repeat(30_000)}${"]".repeat(30_000)},`),
    (text: string) => text.replace("{", '{"x":1e99999,"y":-0,"z":01,'),
    (text: string) => text.replace("{", `{"x":${"9".repeat(5000)},`),
    (text: string) => `${text}${" ".repeat(1 << 20)}`,
  ].map((each) => ({ weight: 1, arbitrary: fc.constant(each) })),
);

// ── applying ───────────────────────────────────────────────────────────────────────────────────
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

type Spot = { readonly parent: JsonObject | Json[]; readonly key: string; readonly path: string };

/** Every place of a value, outermost first. */
function spots(value: Json | undefined, path = ""): Spot[] {
  if (typeof value !== "object" || value === null) return [];
  const parent = value as JsonObject | Json[];
  return Object.keys(value).flatMap((key) => [
    { parent, key, path: `${path}/${key}` },
    ...spots((value as JsonObject)[key], `${path}/${key}`),
  ]);
}

/** The list that a string at this place has to come from; undefined: any string will do. */
function listFor(path: string): readonly string[] | undefined {
  if (path === "/root/path") return hostPaths["rootPath"];
  if (path === "/linux/cgroupsPath") return hostPaths["cgroupsPath"];
  if (/^\/mounts\/\d+\/source$/.test(path)) return hostPaths["source"];
  if (/^\/mounts\/\d+\/destination$/.test(path)) return destinations;
  if (/^\/mounts\/\d+\/options\/\d+$/.test(path)) return mountOptions;
  if (/^\/mounts\/\d+\/type$/.test(path)) return ["tmpfs", "bind", "proc", "nosuchfs", ""];
  if (/^\/linux\/namespaces\/\d+\/path$/.test(path)) return hostPaths["namespacePath"];
  if (/^\/linux\/namespaces\/\d+\/type$/.test(path)) return namespaceTypes;
  if (/^\/hooks\/.*\/path$/.test(path)) return hostPaths["hookPath"];
  if (path.endsWith("/listenerPath")) return hostPaths["listenerPath"];
  if (path === "/process/args/0") return hostPaths["program"];
  return undefined;
}

function merge(into: JsonObject, what: JsonObject): void {
  for (const [key, value] of Object.entries(what)) {
    const there = into[key];
    if (Array.isArray(there) && Array.isArray(value)) there.push(...(value as Json[]));
    else if (isObject(there) && isObject(value)) merge(there, value);
    else into[key] = value;
  }
}

function apply(config: JsonObject, each: Mutation): void {
  if (each.kind === "add") {
    merge(config, structuredClone(each.what));
    return;
  }
  const all = spots(config);
  const spot = all[each.where % Math.max(1, all.length)];
  if (spot === undefined) return;
  const holder = spot.parent as JsonObject;
  if (each.kind === "remove") {
    if (Array.isArray(spot.parent)) spot.parent.splice(Number(spot.key), 1);
    else Reflect.deleteProperty(holder, spot.key);
  } else if (each.kind === "repeat") {
    if (Array.isArray(spot.parent)) spot.parent.push(structuredClone(holder[spot.key] ?? null));
  } else {
    holder[spot.key] = replacement(spot.path, holder[spot.key], each.by, each.pick);
  }
}

/** What stands at a place instead: a string from the list that the place has, if there is one. */
function replacement(
  path: string,
  now: Json | undefined,
  by: Json | undefined,
  pick: number,
): Json {
  const pickFrom = <T>(list: readonly T[], fallback: T): T => list[pick % list.length] ?? fallback;
  const wish = by === undefined ? (now ?? null) : by;
  if (typeof wish === "string") return pickFrom(listFor(path) ?? odd, "");
  if (by !== undefined) return structuredClone(by);
  if (typeof wish === "number") return pickFrom(numbers, 0);
  if (typeof wish === "boolean") return !wish;
  return Array.isArray(wish) ? [] : {};
}

/** Puts back what safety depends on, whatever was done to it. */
function tame(config: JsonObject): void {
  const { linux, root, mounts } = config;
  if (!isObject(linux)) {
    // Without it there would be no namespace at all: a config that cannot be taken for one.
    config["linux"] = 42;
  } else {
    const { namespaces } = linux;
    const list = Array.isArray(namespaces) ? (namespaces as Json[]) : [];
    const others = list.filter((each) => !isObject(each) || each["type"] !== "mount");
    linux["namespaces"] = [...others, { type: "mount" }];
    const { cgroupsPath } = linux;
    if (typeof cgroupsPath === "string" && !cgroupsPath.includes("@TAG@")) {
      linux["cgroupsPath"] = "/@TAG@-tame";
    }
  }
  if (isObject(root) && typeof root["path"] === "string") {
    if (!(hostPaths["rootPath"] ?? []).includes(root["path"])) root["path"] = "@SCRATCH@/rootfs";
  }
  if (!Array.isArray(mounts)) return;
  for (const each of mounts as Json[]) {
    if (isObject(each) && /cgroup/.test(String(each["type"]))) each["type"] = "tmpfs";
  }
}

const whole = (): JsonObject => {
  const config = baseConfig("@SCRATCH@/rootfs", "/@TAG@-base") as unknown as JsonObject;
  merge(config, {
    hostname: "fuzzed",
    annotations: { colour: "red" },
    process: {
      consoleSize: { height: 24, width: 80 },
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 64, hard: 64 }],
      oomScoreAdj: 100,
      user: { additionalGids: [5], umask: 18 },
    },
    mounts: [
      {
        destination: "/home",
        type: "bind",
        source: "@SCRATCH@/shown",
        options: ["rbind", "ro"],
      },
    ],
    linux: {
      maskedPaths: ["/proc/kcore", "/proc/keys"],
      readonlyPaths: ["/proc/sys", "/proc/bus"],
      rootfsPropagation: "private",
      resources: {
        memory: { limit: 64 << 20, swap: 64 << 20 },
        cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: "0" },
        pids: { limit: 50 },
      },
    },
  });
  return config;
};

const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

export const cases: fc.Arbitrary<Case> = fc
  .tuple(fc.array(mutation, { minLength: 1, maxLength: 3 }), spelling)
  .map(([mutations, spell]) => {
    const config = whole();
    for (const each of mutations) apply(config, each);
    tame(config);
    return { config: spell(latin1(JSON.stringify(config))) };
  });
