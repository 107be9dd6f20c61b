// A swarm of one node, of which every task is a container of the runtime under test.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import type { Daemon } from "./command.ts";
import { docker, pidOf, startDocker, tryDocker } from "./docker.ts";
import { image } from "./image.ts";
import { callsWhile, nothingLeftOf, testsWith, until, waiting, whyNotWith } from "./world.ts";

const test = testsWith("docker", "dockerd", "containerd");
let daemon: Daemon | undefined;

beforeAll(async () => {
  if (whyNotWith("docker", "dockerd", "containerd") !== undefined) return;
  daemon = await startDocker();
  const address = ["--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377"];
  await docker(["swarm", "init", ...address]);
}, 60_000);

afterAll(async () => {
  if (daemon === undefined) return;
  await tryDocker(["swarm", "leave", "--force"]);
  await daemon.stop();
});

const lines = (text: string): string[] => text.split("\n").filter(Boolean);

/** Ids of the containers of a service, those that ended too. */
const containersOf = async (service: string): Promise<string[]> => {
  const filter = `label=com.docker.swarm.service.name=${service}`;
  return lines(await docker(["ps", "-a", "-q", "--no-trunc", "--filter", filter]));
};

const runningOf = async (service: string): Promise<string[]> => {
  const filter = ["--filter", `label=com.docker.swarm.service.name=${service}`];
  return lines(await docker(["ps", "-q", "--no-trunc", "--filter", "status=running", ...filter]));
};

const runs = (service: string, replicas: number): Promise<void> =>
  until(
    `${replicas} tasks of ${service} run`,
    async () => (await runningOf(service)).length === replicas,
    40,
  );

/** Creates a service, lends it to a test, and removes it; nothing of its tasks may stay. */
async function withService(
  name: string,
  flags: readonly string[],
  body: () => Promise<void>,
): Promise<void> {
  const quick = ["--stop-grace-period", "2s", "--restart-delay", "100ms", "--network", "host"];
  const words = ["service", "create", "-d", "--name", name, ...quick, ...flags];
  const seen = new Set<string>();
  await docker([...words, image, ...waiting]);
  try {
    await body();
    for (const id of await containersOf(name)) seen.add(id);
  } finally {
    await docker(["service", "rm", name]);
  }
  await until(
    `the containers of ${name} are removed`,
    async () => (await containersOf(name)).length === 0,
    40,
  );
  for (const id of seen) await nothingLeftOf(id);
}

describe("swarm", () => {
  test(
    "three replicas run, by the runtime, and go with their service",
    async () => {
      const calls = await callsWhile(() =>
        withService("three", ["--replicas", "3"], async () => {
          await runs("three", 3);
          for (const id of await runningOf("three")) {
            expect(readFileSync(`/proc/${await pidOf(id)}/cgroup`, "utf8")).toContain(id);
          }
        }),
      );
      expect(calls.filter((call) => / start /.test(call)).length).toBeGreaterThanOrEqual(3);
    },
    { patience: 120 },
  );

  test(
    "a task that fails is replaced",
    async () => {
      await withService("replaced", ["--replicas", "2"], async () => {
        await runs("replaced", 2);
        const [killed = ""] = await runningOf("replaced");
        process.kill(await pidOf(killed), "SIGKILL");
        await until(
          "another task has taken its place",
          async () => {
            const now = await runningOf("replaced");
            return now.length === 2 && !now.includes(killed);
          },
          40,
        );
      });
    },
    { patience: 120 },
  );

  test(
    "scaling up and down",
    async () => {
      await withService("scaled", ["--replicas", "1"], async () => {
        for (const replicas of [4, 2]) {
          await docker(["service", "scale", "-d", `scaled=${replicas}`]);
          await runs("scaled", replicas);
        }
      });
    },
    { patience: 120 },
  );

  test(
    "an update replaces the tasks, with what is new",
    async () => {
      const limits = ["--limit-memory", "64m", "--limit-pids", "50"];
      await withService("updated", ["--replicas", "2", ...limits], async () => {
        await runs("updated", 2);
        const before = await runningOf("updated");
        await docker(["service", "update", "-d", "--env-add", "NEW=yes", "updated"]);
        await until(
          "both are new",
          async () => {
            const now = await runningOf("updated");
            return now.length === 2 && !now.some((id) => before.includes(id));
          },
          40,
        );
        const [one = ""] = await runningOf("updated");
        expect(await docker(["exec", one, "sh", "-c", "echo $NEW"])).toBe("yes");
      });
    },
    { patience: 120 },
  );

  test(
    "a secret and a config are files in the container",
    async () => {
      await docker(["secret", "create", "hidden", "-"], { input: "a secret" });
      await docker(["config", "create", "shown", "-"], { input: "a config" });
      const flags = ["--secret", "hidden", "--config", "source=shown,target=/etc/shown"];
      await withService("files", flags, async () => {
        await runs("files", 1);
        const [one = ""] = await runningOf("files");
        const read = ["cat", "/run/secrets/hidden", "/etc/shown"];
        expect(await docker(["exec", one, ...read])).toBe("a secreta config");
      });
      await docker(["secret", "rm", "hidden"]);
      await docker(["config", "rm", "shown"]);
    },
    { patience: 120 },
  );
});
