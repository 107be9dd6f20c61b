// Known scripts and what comes of them: the kernel's document on shared subtrees, and pivot_root.

import { describe, expect, test } from "bun:test";
import {
  apply,
  expand,
  initialState,
  mountTable,
  parseScript,
  profiles,
  type State,
  showPropagation,
} from "./mod.ts";
import { pivotRoots, type Scenario, sharedSubtrees } from "./testing/scenarios.ts";

/** The state at the end, and `line: errno, rule` of what failed. */
function play(script: string, start = initialState()): { state: State; failed: string[] } {
  let state = start;
  const failed: string[] = [];
  for (const line of parseScript(script)) {
    for (const op of expand(line, state)) {
      const outcome = apply(state, op);
      if (outcome.ok) {
        state = outcome.state;
        continue;
      }
      failed.push(`${line.text}: ${outcome.errno}, ${outcome.rule}`);
      expect(outcome.rule).toMatch(/^[A-Z/.a-z].*\.$/);
      expect(outcome.cure).toMatch(/^[A-Z].*\.$/);
      break;
    }
  }
  return { state, failed };
}

function check({ name, script, fails = {}, table }: Scenario): void {
  test(name, () => {
    const { state, failed } = play(script);
    const expected = Object.entries(fails);
    expect(failed.length, failed.join("\n")).toBe(expected.length);
    for (const [i, [line, why]] of expected.entries()) {
      const [errno, rule = ""] = why.split(", ", 2);
      expect(failed[i]).toContain(line);
      expect(failed[i]).toContain(`: ${errno}, `);
      expect(failed[i]).toContain(rule);
    }
    if (table === undefined) return;
    const rows = mountTable(state, 1).map((row) => `${row.mountpoint} ${showPropagation(row)}`);
    expect(rows.sort()).toEqual(table.toSorted());
  });
}

describe("Documentation/filesystems/sharedsubtree.rst", () => sharedSubtrees.forEach(check));

describe("pivot_root", () => {
  pivotRoots.forEach(check);

  // Before the call, the call, what its cure names, and then the lines that it tells one to try.
  for (const [before, call, named, cured] of [
    ["mkdir /n", "pivot_root n n", "mount --bind n n.", "mount --bind n n\npivot_root n n"],
    ["mkdir /n\ncd /n", "pivot_root . .", "cd DIR", "mount --bind /n /n\ncd /n\npivot_root . ."],
    ["mkdir /n", "pivot_root / /n", "another directory", "mount --bind /n /n\npivot_root /n /n"],
    ["mkdir /n /o\nmount -t tmpfs n /n", "pivot_root /n /o", "in new_root", "pivot_root /n /n"],
  ] as const) {
    test(`EBUSY is cured by what its cure says: ${call}`, () => {
      const { state } = play(before);
      const [line] = parseScript(call);
      const [op] = line === undefined ? [] : expand(line, state);
      const refused = op === undefined ? undefined : apply(state, op);
      if (refused?.ok !== false) throw new Error("it was not refused");
      expect(refused.errno).toBe("EBUSY");
      expect(refused.cure).toContain(named);
      expect(play(cured, state).failed).toEqual([]);
    });
  }

  test("cannot be done from the first root file system, until Linux 7.0", () => {
    const script = "mkdir -p /new/old\nmount --bind /new /new\npivot_root /new /new/old";
    // As an initramfs is: its process sees the kernel's own root.
    const initramfs = (kernel: (typeof profiles)[keyof typeof profiles]): State => {
      const state = initialState({ kernel });
      const process = state.processes[1];
      const root = Object.values(state.mounts).find(({ source }) => source === "rootfs");
      const over = Object.values(state.mounts).find(({ source }) => source === "tmpfs");
      if (process === undefined || root === undefined || over === undefined) throw new Error();
      const path = { mount: root.id, dentry: root.root };
      const { [over.id]: _, ...mounts } = state.mounts;
      return { ...state, mounts, processes: { 1: { ...process, root: path, cwd: path } } };
    };
    expect(play(script, initramfs(profiles["6.18"])).failed).toEqual([
      expect.stringContaining("EINVAL, The current root is the first root file system"),
    ]);
    expect(play(script, initramfs(profiles["7.0"])).failed).toEqual([]);
  });
});

test("an unbindable mount is private in a new namespace, but for older kernels", () => {
  const script =
    "mkdir /a\nmount -t tmpfs none /a\nmount --make-unbindable /a\nunshare -m --propagation unchanged";
  const kind = (kernel: (typeof profiles)[keyof typeof profiles]): string | undefined => {
    const row = mountTable(play(script, initialState({ kernel })).state, 1).at(-1);
    return row === undefined ? undefined : showPropagation(row);
  };
  expect(kind(profiles["6.12"])).toBe("unbindable");
  expect(kind(profiles["6.18"])).toBe("private");
});
