// Laws that hold for every state, whatever was done: checked along random programs.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { preparation, program } from "../../test/differential/programs.ts";
import {
  apply,
  fromMountinfo,
  mountinfo,
  type Operation,
  parseMountinfo,
  type State,
  throwAwayState,
} from "./mod.ts";

function checkLaws(state: State): void {
  const mounts = Object.values(state.mounts);
  for (const mount of mounts) {
    const superblock = state.superblocks[mount.superblock];
    expect(superblock?.dentries[mount.root]).toBeDefined();
    if (mount.parent !== null) {
      const parent = state.mounts[mount.parent];
      expect(parent).toBeDefined();
      expect(parent?.namespace).toBe(mount.namespace);
      const below = state.superblocks[parent?.superblock ?? 0];
      expect(below?.dentries[mount.mountpoint ?? 0]).toBeDefined();
    }
    if (mount.namespace !== null) expect(state.namespaces[mount.namespace]).toBeDefined();
    // What is unmounted has no peers and no master any more.
    else expect([mount.group, mount.master]).toEqual([null, null]);
    // All peers of a group get from the same master, and nobody from his own group.
    const peers = mounts.filter(({ group }) => group !== null && group === mount.group);
    expect(new Set(peers.map(({ master }) => master)).size).toBeLessThanOrEqual(1);
    if (mount.group !== null) expect(mount.master).not.toBe(mount.group);
    // A master group has members.
    if (mount.master !== null)
      expect(mounts.some(({ group }) => group === mount.master)).toBe(true);
  }
  const places = mounts.flatMap(({ parent, mountpoint }) =>
    parent === null ? [] : [`${parent} ${mountpoint}`],
  );
  expect(new Set(places).size).toBe(places.length);
  for (const { root, cwd } of Object.values(state.processes)) {
    expect(state.mounts[root.mount]).toBeDefined();
    expect(state.mounts[cwd.mount]).toBeDefined();
  }
}

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const each of Object.values(value)) frozen(each);
  }
  return value;
}

test("mounts, groups and places fit together after every operation", () => {
  for (const operations of fc.sample(program, { seed: 7, numRuns: 40 })) {
    let state = throwAwayState();
    for (const op of operations) {
      const outcome = apply(state, op);
      if (!outcome.ok) continue;
      state = outcome.state;
      checkLaws(state);
    }
  }
});

test("a state is never changed, and is plain data", () => {
  for (const operations of fc.sample(program, { seed: 8, numRuns: 20 })) {
    let state = frozen(throwAwayState());
    for (const op of operations) {
      const outcome = apply(state, op);
      const again = apply(JSON.parse(JSON.stringify(state)) as State, op);
      expect(JSON.stringify(again)).toBe(JSON.stringify(outcome));
      if (outcome.ok) state = frozen(outcome.state);
    }
  }
});

test("what did not change is shared with the state before", () => {
  const before = preparation.reduce((state, op) => {
    const outcome = apply(state, op);
    if (!outcome.ok) throw new Error(outcome.rule);
    return outcome.state;
  }, throwAwayState());
  const op: Operation = {
    op: "propagation",
    by: 1,
    target: "/a",
    type: "shared",
    recursive: false,
  };
  const outcome = apply(before, op);
  if (!outcome.ok) throw new Error(outcome.rule);
  expect(outcome.state.superblocks).toBe(before.superblocks);
  expect(outcome.state.processes).toBe(before.processes);
  const changed = Object.keys(before.mounts)
    .map(Number)
    .filter((id) => before.mounts[id] !== outcome.state.mounts[id]);
  expect(changed).toHaveLength(1);
});

test("a mount table that is read back says the same", () => {
  for (const operations of fc.sample(program, { seed: 9, numRuns: 40 })) {
    let state = throwAwayState();
    for (const op of operations) {
      const outcome = apply(state, op);
      if (outcome.ok) state = outcome.state;
    }
    for (const id of Object.keys(state.processes).map(Number)) {
      const text = mountinfo(state, id);
      if (text === "") continue;
      // A group that dominates from outside the table cannot be known from it.
      const said = (all: string): string[] =>
        parseMountinfo(all)
          .map(({ propagateFrom: _, ...row }) => JSON.stringify(row))
          .sort();
      expect(said(mountinfo(fromMountinfo(text), 1))).toEqual(said(text));
    }
  }
});
