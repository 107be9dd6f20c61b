// Any number of commands at once on one store, and commands killed at any moment. How many:
// PIVOT_CROWD (2000 in all, 64 of them at a time), PIVOT_KILLS (300); PIVOT_SEED chooses others.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { endContainer } from "../../src/engine/act.ts";
import { findContainer } from "../../src/engine/find.ts";
import { DockerRegistry } from "../docker-registry.ts";
import { Ground } from "../pivot.ts";
import { cleared, crowd, type Field, kills, prepareField } from "../storm.ts";
import { named, whyNot } from "./ground.ts";

const reason = whyNot("docker-registry");
const number = (name: string, otherwise: number): number =>
  Number(process.env[name] ?? String(otherwise));
const seed = number("PIVOT_SEED", 1);
const size = number("PIVOT_CROWD", 2000);
const count = number("PIVOT_KILLS", 300);

describe.skipIf(reason !== undefined)(named(`storms, seed ${seed}`, reason), () => {
  let registry: DockerRegistry;
  const grounds: Ground[] = [];

  /** A store of its own, with an image in the registry. */
  const fieldOf = (name: string): Field => {
    const ground = new Ground(name);
    grounds.push(ground);
    const remote = `${registry.host}/${name}:1`;
    const field = prepareField(ground, seed, remote);
    for (const words of [
      ["tag", "busybox", remote],
      ["push", "-q", remote],
    ]) {
      expect(ground.pivot(words)).toMatchObject({ code: 0, stderr: "" });
    }
    return field;
  };

  beforeAll(async () => {
    registry = await DockerRegistry.start(`${process.env["PIVOT_WORLD"]}/registry`);
  });
  afterAll(async () => {
    await registry?.stop();
    for (const each of grounds) await each.close();
  });

  test("paused between the look and the kill, it is ended all the same", async () => {
    const { ground } = fieldOf("paused");
    const roots = { dataRoot: ground.root, runRoot: ground.runRoot };
    expect(ground.pivot(["run", "-d", "--name", "ice", "busybox", "sleep", "1000"]).code).toBe(0);
    const seen = await findContainer(roots, "ice");
    expect(ground.pivot(["pause", "ice"]).code).toBe(0);
    await endContainer(seen, roots, { signal: 9, seconds: 0 });
    expect((await findContainer(roots, "ice")).status).toBe("exited");
    expect(ground.pivot(["rm", "ice"])).toMatchObject({ code: 0, stderr: "" });
  });

  test("what is taken away for longer than a process takes to end is waited for", async () => {
    const { ground } = fieldOf("slow");
    const roots = { dataRoot: ground.root, runRoot: ground.runRoot };
    expect(ground.pivot(["run", "-d", "--name", "slow", "busybox", "sleep", "1000"]).code).toBe(0);
    const { directory } = await findContainer(roots, "slow");
    const monitor = Number.parseInt(readFileSync(`${directory}/monitor`, "utf8"), 10);
    process.kill(monitor, "SIGSTOP");
    setTimeout(() => process.kill(monitor, "SIGCONT"), 25_000);
    await endContainer(await findContainer(roots, "slow"), roots, { signal: 9, seconds: 0 });
    expect((await findContainer(roots, "slow")).status).toBe("exited");
    expect(ground.pivot(["rm", "slow"])).toMatchObject({ code: 0, stderr: "" });
  }, 60_000);

  test(`a crowd: ${size} commands, 64 at a time`, async () => {
    const field = fieldOf("crowd");
    await crowd(field, size, 64).finally(() => cleared(field));
  }, 900_000);

  test(`${count} commands killed at random`, async () => {
    const field = fieldOf("kills");
    await kills(field, count).finally(() => cleared(field));
  }, 900_000);

  test(`${count} commands killed at random, eight at a time`, async () => {
    const field = fieldOf("both");
    const each = Array.from({ length: 8 }, () => kills(field, Math.ceil(count / 8)));
    await Promise.all(each).finally(() => cleared(field));
  }, 900_000);
});
