/** Mount tables, traces, scripts and addresses become what the page shows. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { examples } from "../lessons/examples.ts";
import { readAddress, writeAddress } from "./address.ts";
import { changesBetween } from "./changes.ts";
import { readMountTable } from "./mount-table.ts";
import { playScript } from "./playground.ts";
import { readTrace, TraceError } from "./trace.ts";
import { changeWords, groupWords, mountWords, propagationLabel } from "./words.ts";

const root = "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n";
const proc = "2 1 0:5 / /proc rw,nosuid - proc proc rw\n";
const bind = "3 1 8:1 /srv/a\\040b /mnt/a\\040b ro shared:7 master:1 - ext4 /dev/sda1 rw\n";

describe("mount tables", () => {
  test("a line's fields, with blanks as they are", () => {
    expect(readMountTable(root + bind)[1]).toEqual({
      id: 3,
      parent: 1,
      path: "/mnt/a b",
      root: "/srv/a b",
      type: "ext4",
      source: "/dev/sda1",
      readOnly: true,
      group: 7,
      master: 1,
      unbindable: false,
      locked: false,
    });
  });

  test("parents come before children, whatever the order; unknown parents are none", () => {
    const table = readMountTable(proc + bind + root);
    expect(table.map(({ id, parent }) => [id, parent])).toEqual([
      [1, null],
      [2, 1],
      [3, 1],
    ]);
  });

  test("this machine's own table", () => {
    const text = readFileSync("/proc/self/mountinfo", "utf8");
    expect(readMountTable(text)).toHaveLength(text.trim().split("\n").length);
  });

  test("what is none says so", () => {
    expect(() => readMountTable("hello\n")).toThrow("not a line of a mount table: hello");
  });
});

const stepsOfTrace = [
  { number: 1, by: "parent", what: "clone", detail: "clone newns", why: "namespaces" },
  {
    number: 2,
    by: "init",
    what: "mount proc on /proc",
    detail: "mount type=proc",
    why: "mounts[0]",
  },
  { number: 3, by: "init", what: "execute sh", detail: 'exec argv=["sh"]', why: "process.args" },
];
const traceOf = (...lines: readonly unknown[]): string =>
  [{ pivot: "trace", version: 1, id: "a", steps: stepsOfTrace }, ...lines]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
const inside = root.replace(/^1 0/, "11 10");
const begin = { step: 0, parent: { pid: 7, mountinfo: root + proc }, init: null };
const cloned = { step: 1, parent: { pid: 7 }, init: { pid: 8, mountinfo: inside } };

describe("recorded traces", () => {
  test("tables that are left out are those of the line before", () => {
    const mounted = {
      step: 2,
      parent: { pid: 7 },
      init: { pid: 8, mountinfo: `${inside}12 11 0:6 / /proc rw - proc proc rw\n` },
    };
    const frames = readTrace(
      traceOf(begin, cloned, mounted, { end: { exitCode: 0, failure: null } }),
    );
    expect(frames.map(({ world }) => world.map(({ mounts }) => mounts.length))).toEqual([
      [2],
      [2, 1],
      [2, 2],
    ]);
    expect([...(frames[2]?.changes.byMount ?? [])]).toEqual([[12, "new"]]);
    expect(frames[2]?.title).toBe("mount proc on /proc");
    expect(frames[2]?.lines).toEqual([{ by: "init", text: "mount type=proc" }]);
  });

  test("one namespace is drawn once", () => {
    const same = { step: 1, parent: { pid: 7 }, init: { pid: 8, mountinfo: root } };
    expect(readTrace(traceOf(begin, same))[1]?.world).toHaveLength(1);
  });

  test("the step that failed stands at the end, with the kernel's word", () => {
    const failure = { step: 2, errno: "EPERM", text: "Operation not permitted" };
    const frames = readTrace(traceOf(begin, cloned, { end: { exitCode: null, failure } }));
    expect(frames.at(-1)).toMatchObject({
      title: "mount proc on /proc",
      outcome: "failed",
      failure: { errno: "EPERM", rule: "Operation not permitted", cure: null },
    });
  });

  test.each([
    ["", "the trace is empty"],
    ["hello\n", "line 1 of the trace is no JSON: record one with pivot debug --record FILE"],
    ['{"a":1}\n', "this is no trace: record one with pivot debug --record FILE"],
    ['{"pivot":"trace","version":2}\n', "the trace has version 2, and this page reads 1"],
    [traceOf(), "the trace tells of no step"],
    [traceOf({ parent: null, init: null }), 'line 2 of the trace has no number "step"'],
    [traceOf({ step: 0, parent: { mountinfo: 3 } }), 'line 2 of the trace has no text "mountinfo"'],
  ])("%j is refused in a line", (text, message) => {
    expect(() => readTrace(text)).toThrow(TraceError);
    expect(() => readTrace(text)).toThrow(message);
  });
});

describe("the playground", () => {
  test("an example for each thing that is said of it", () => {
    const errnos = examples.map(({ text }) =>
      playScript(text).frames.flatMap(({ failure }) => failure?.errno ?? []),
    );
    expect(examples.flatMap(({ text }) => playScript(text).problems)).toEqual([]);
    expect(errnos).toEqual([
      [],
      [],
      ["ENOTDIR", "ENOENT", "EINVAL", "EINVAL", "EINVAL"],
      ["EINVAL", "EINVAL"],
    ]);
  });

  test("with both at one place, the old root lies on top of the new one", () => {
    const { frames } = playScript(examples[0]?.text ?? "");
    const at = frames.findIndex(({ title }) => title === "pivot_root . .");
    const [namespace] = frames[at]?.world ?? [];
    expect(namespace?.mounts.filter(({ path }) => path === "/").map(({ type }) => type)).toEqual([
      "tmpfs",
      "ext4",
    ]);
    expect(frames.at(-1)?.world[0]?.mounts.map(({ type }) => type)).toEqual(["tmpfs"]);
  });

  test("what cannot be read is told by its line, and the rest goes on", () => {
    const { frames, problems } = playScript("mkdir /a\nmoutn a b\n# nothing\np2: cd /a\n");
    expect(problems).toHaveLength(1);
    expect(problems[0]).toStartWith("line 2: there is no command moutn");
    expect(frames.at(-1)?.world[0]?.processes.map(({ name, cwd }) => [name, cwd.path])).toEqual([
      ["p1", "/"],
      ["p2", "/a"],
    ]);
  });
});

test("an address comes back as it was, and nonsense is the beginning", () => {
  for (const hash of [
    "#chroot",
    "#pivot-root/5",
    "#pivot-root/5/without/2,3",
    "#dev/0/without/1",
  ]) {
    expect(writeAddress(readAddress(hash))).toBe(hash);
  }
  expect(readAddress("#dev/-3/without/x,2.5,1e9")).toEqual({ page: "dev", step: 0, leftOut: [] });
});

test("changes and mounts in words", () => {
  const mounts = readMountTable(root + proc + bind);
  const before = [
    { key: "a", title: "What the host sees", mounts: mounts.slice(0, 2), processes: [] },
  ];
  const moved = mounts.map((mount) => (mount.id === 2 ? { ...mount, path: "/old" } : mount));
  const after = [{ key: "a", title: "What the host sees", mounts: moved.slice(1), processes: [] }];
  const changes = changesBetween(before, after);
  expect(changeWords(changes)).toBe("1 mount moved, 1 mount new, 1 mount gone.");
  expect(moved.map(propagationLabel)).toEqual(["shared:1", "private", "shared:7 master:1"]);
  const [namespace] = after;
  const slave = moved[2];
  if (namespace === undefined || slave === undefined) throw new Error("nothing to tell of");
  expect(mountWords(slave, namespace, changes)).toBe(
    "/mnt/a b: ext4, showing its directory /srv/a b; shared in peer group 7, and slave of peer group 1; read-only; new in this step",
  );
  expect(groupWords(after, 1)).toBe("its members are not shown; received by /mnt/a b (host)");
});
