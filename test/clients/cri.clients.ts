// Pods by containerd's CRI, as a kubelet makes them, with the runtime under test as its handler.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import type { Daemon } from "./command.ts";
import { containerdSocket, startContainerd } from "./containerd.ts";
import {
  type ContainerSettings,
  RuntimeService,
  type Sandbox,
  type SandboxSettings,
} from "./cri.ts";
import { image } from "./image.ts";
import {
  cgroupFile,
  nothingLeftOf,
  testsWith,
  until,
  waiting,
  whyNotWith,
  world,
} from "./world.ts";

const test = testsWith("containerd", "ctr");
let daemon: Daemon | undefined;
const service = new RuntimeService(containerdSocket);

beforeAll(async () => {
  if (whyNotWith("ctr", "containerd") === undefined) daemon = await startContainerd("k8s.io");
}, 60_000);

afterAll(() => daemon?.stop());

let count = 0;

/** Makes a pod, lends it to a test, and removes it with its containers; nothing of it may stay. */
async function withPod(
  settings: SandboxSettings,
  body: (pod: Pod) => Promise<void>,
): Promise<void> {
  const name = `pod-${++count}`;
  const logs = `${world}/logs/${name}`;
  mkdirSync(logs, { recursive: true });
  const sandbox = await service.runSandbox(name, logs, settings);
  const pod = new Pod(sandbox, logs);
  try {
    await body(pod);
  } finally {
    await service.removeSandbox(sandbox.id);
  }
  for (const id of [sandbox.id, ...pod.containers]) await nothingLeftOf(id);
}

class Pod {
  readonly containers: string[] = [];
  readonly sandbox: Sandbox;
  readonly #logs: string;

  constructor(sandbox: Sandbox, logs: string) {
    this.sandbox = sandbox;
    this.#logs = logs;
  }

  async create(settings: Partial<ContainerSettings> = {}): Promise<string> {
    const name = `container-${this.containers.length}`;
    const all = { name, image, command: waiting, ...settings };
    const id = await service.createContainer(this.sandbox, all);
    this.containers.push(id);
    return id;
  }

  async start(settings: Partial<ContainerSettings> = {}): Promise<string> {
    const id = await this.create(settings);
    await service.startContainer(id);
    return id;
  }

  /** The log of a container by the order of making: lines `TIME STREAM F TEXT`. */
  log(index: number): string[] {
    const text = readFileSync(`${this.#logs}/container-${index}.log`, "utf8");
    return text.split("\n").map((line) => line.replace(/^\S+ /, ""));
  }
}

const unless = existsSync("/usr/lib/cni/bridge")
  ? undefined
  : "not installed: the bridge of containernetworking-plugins";

const stateOf = async (id: string) => (await service.containerStatus(id)).state;

describe("the CRI", () => {
  test("answers", async () => {
    expect(await service.version()).toStartWith("containerd ");
  });

  for (const network of ["node", "pod"] as const) {
    test(
      `a pod on the network of the ${network}: two containers share what a pod shares`,
      async () => {
        await withPod({ network }, async (pod) => {
          const ids = [await pod.start(), await pod.start()] as const;
          expect(await service.sandboxIsReady(pod.sandbox.id)).toBeTrue();
          const pids = [
            await service.containerPid(ids[0]),
            await service.containerPid(ids[1]),
          ] as const;
          const of = (pid: number, name: string) => readlinkSync(`/proc/${pid}/ns/${name}`);
          for (const name of ["net", "ipc", "uts"])
            expect(of(pids[0], name)).toBe(of(pids[1], name));
          for (const name of ["mnt", "pid"]) expect(of(pids[0], name)).not.toBe(of(pids[1], name));
          const isHosts = of(pids[0], "net") === of(process.pid, "net");
          expect(isHosts).toBe(network === "node");
          for (const pid of pids)
            expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain("k8s.io");
        });
      },
      network === "pod" ? { unless } : {},
    );
  }

  test(
    "a pod's address, by CNI, is heard from another pod",
    async () => {
      await withPod({ network: "pod" }, async (server) => {
        await server.start({ command: ["httpd", "-f", "-p", "80", "-h", "/etc"] });
        const address = await service.sandboxAddress(server.sandbox.id);
        await withPod({ network: "pod" }, async (client) => {
          const id = await client.start();
          await until("the other pod answers", async () => {
            const { stdout } = await service.exec(id, ["wget", "-qO-", `http://${address}/group`]);
            return stdout.includes("www:x:44");
          });
        });
      });
    },
    { unless },
  );

  test("a shared pid namespace: the pod's first process is everybody's", async () => {
    await withPod({ network: "node", sharesPids: true }, async (pod) => {
      const one = await pod.start({ command: ["sleep", "4321"] });
      const two = await pod.start();
      expect((await service.exec(two, ["ps", "-o", "args"])).stdout).toContain("sleep 4321");
      expect((await service.exec(one, ["cat", "/proc/1/cmdline"])).stdout).toStartWith(
        "sleep\u00001000000",
      );
    });
  });

  test("exec: output, codes, and an end after its time", async () => {
    await withPod({ network: "node" }, async (pod) => {
      const id = await pod.start({ env: { A: "b c" }, workingDirectory: "/var/log" });
      const script = "pwd; echo $A; echo err >&2; exit 7";
      expect(await service.exec(id, ["sh", "-c", script])).toEqual({
        code: 7,
        stdout: "/var/log\nb c\n",
        stderr: "err\n",
      });
      await expect(service.exec(id, ["no-such-program"])).rejects.toThrow("no-such-program");
      await expect(service.exec(id, ["sleep", "1000"], 1)).rejects.toThrow(/deadline|timeout/);
    });
  });

  test("settings of a container: user, read-only root, mounts, memory", async () => {
    await withPod({ network: "node" }, async (pod) => {
      const from = `${world}/of-the-pod`;
      mkdirSync(from, { recursive: true });
      writeFileSync(`${from}/file`, "mounted\n");
      const mounts = [{ on: "/mounted", from }];
      const settings = { user: 33, isRootReadOnly: true, memoryLimit: 64 << 20, mounts };
      const id = await pod.start(settings);
      const script = "id -u; cat /mounted/file; echo x >/file || echo refused";
      expect((await service.exec(id, ["sh", "-c", script])).stdout).toBe("33\nmounted\nrefused\n");
      const pid = await service.containerPid(id);
      expect(cgroupFile(pid, "memory.limit_in_bytes", "memory.max")).toBe(String(64 << 20));
      await service.setMemoryLimit(id, 96 << 20);
      expect(cgroupFile(pid, "memory.limit_in_bytes", "memory.max")).toBe(String(96 << 20));
      expect(await service.memoryInUse(id)).toBeGreaterThan(0);
    });
  });

  test("the log of a container, both streams, to the end", async () => {
    await withPod({ network: "node" }, async (pod) => {
      const script = "for i in $(seq 1 200); do echo line $i; done; echo err >&2; exit 3";
      const id = await pod.start({ command: ["sh", "-c", script] });
      await until("it has ended", async () => (await stateOf(id)) === "exited");
      expect(await service.containerStatus(id)).toMatchObject({ exitCode: 3, reason: "Error" });
      const lines = pod.log(0);
      expect(lines.filter((line) => line.startsWith("stdout F line "))).toHaveLength(200);
      expect(lines).toContain("stderr F err");
      expect(lines).toContain("stdout F line 200");
    });
  });

  test("created, running, stopped, removed", async () => {
    await withPod({ network: "node" }, async (pod) => {
      const id = await pod.create();
      expect(await stateOf(id)).toBe("created");
      await service.startContainer(id);
      expect(await stateOf(id)).toBe("running");
      const pid = await service.containerPid(id);
      await service.stopContainer(id, 5);
      expect(await service.containerStatus(id)).toMatchObject({ state: "exited", exitCode: 0 });
      expect(existsSync(`/proc/${pid}`)).toBeFalse();
      await service.removeContainer(id);
      await nothingLeftOf(id);
    });
  });

  test(
    "what does not listen is killed; a new container takes its place in the pod",
    async () => {
      await withPod({ network: "pod" }, async (pod) => {
        const script = "trap '' TERM; echo up; while :; do sleep 0.05; done";
        const id = await pod.start({ command: ["sh", "-c", script] });
        await until("it is up", () => pod.log(0).includes("stdout F up"));
        await service.stopContainer(id, 1);
        expect((await service.containerStatus(id)).exitCode).toBe(137);
        const next = await pod.start();
        expect((await service.exec(next, ["hostname"])).stdout).toBe(`host-pod-${count}\n`);
      });
    },
    { unless },
  );

  test("a program that is missing is said by name, and the pod lives on", async () => {
    await withPod({ network: "node" }, async (pod) => {
      const id = await pod.create({ command: ["no-such-program"] });
      await expect(service.startContainer(id)).rejects.toThrow("no-such-program");
      expect(await stateOf(id)).toBe("exited");
      expect((await service.exec(await pod.start(), ["echo", "well"])).stdout).toBe("well\n");
    });
  });

  test("too much memory ends a container, and the CRI says so", async () => {
    await withPod({ network: "node" }, async (pod) => {
      const id = await pod.start({ command: ["tail", "/dev/zero"], memoryLimit: 24 << 20 });
      await until("it has ended", async () => (await stateOf(id)) === "exited");
      expect(await service.containerStatus(id)).toMatchObject({
        exitCode: 137,
        reason: "OOMKilled",
      });
    });
  });

  test(
    "five pods at once",
    async () => {
      const start = count;
      await Promise.all(
        Array.from({ length: 5 }, () =>
          withPod({ network: "pod" }, async (pod) => {
            const { stdout } = await service.exec(await pod.start(), ["hostname"]);
            expect(stdout).toStartWith("host-pod-");
          }),
        ),
      );
      expect(count).toBe(start + 5);
    },
    { unless },
  );
});
