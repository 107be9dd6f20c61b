// Filters that ask an agent: what it is told, that it gets the filter, and that nothing waits for
// an answer which nobody could give.

import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { type BundleConfig, makeBundle } from "./bundle.ts";
import { compileC, Ground, pivotPath, type Ran, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("seccomp-agent");
const root = makeSmallRoot(ground, "root");
let count = 0;

const about = (...names: string[]) => ({
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names, action: "SCMP_ACT_NOTIFY" }],
});

type Talk = { readonly ran: Ran; readonly heard: string[]; readonly bundle: string };

/** Starts an agent, runs the script with a filter that asks it, and says what the agent heard. */
async function talk(
  seccomp: Record<string, unknown>,
  script: string,
  {
    change = (_config: BundleConfig): void => undefined,
    flags = [] as readonly string[],
    mode = "",
  } = {},
): Promise<Talk> {
  const name = `${count++}`;
  const listenerPath = `${ground.directory}/agent-${name}`;
  const agent = spawn(compileC("seccomp-agent.c"), [listenerPath, mode], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  const ready = new Promise<void>((resolve) => {
    agent.stdout.on("data", (bytes: Uint8Array) => {
      said += new TextDecoder().decode(bytes);
      resolve();
    });
  });
  const ended = new Promise<void>((resolve) => agent.once("close", () => resolve()));
  try {
    await ready;
    const bundle = makeBundle(ground, `bundle-${name}`, root, (config) => {
      config.process["args"] = ["/bin/sh", "-c", script];
      config.linux["seccomp"] = { listenerPath, ...seccomp };
      change(config);
    });
    const words = [...ground.roots(), "run", "--rm", ...flags, "--bundle", bundle];
    const container = spawn(pivotPath, words, { stdio: ["ignore", "pipe", "pipe"] });
    if (mode === "sleeps") {
      while (said.split("\n").length < 3) await Bun.sleep(10);
      container.kill("SIGTERM");
    }
    const [stdout, stderr, code] = await Promise.all([
      new Response(container.stdout as unknown as ReadableStream).text(),
      new Response(container.stderr as unknown as ReadableStream).text(),
      new Promise<number | null>((resolve) => container.once("close", resolve)),
    ]);
    if (mode !== "sleeps") await ended;
    const ran = { code, signal: null, stdout, stderr };
    return { ran, heard: said.trim().split("\n").slice(1), bundle };
  } finally {
    agent.kill("SIGKILL");
    await ended;
  }
}

const mkdir = "/bin/busybox mkdir /tmp/x; echo $?; echo done";

describe.skipIf(whyNot !== undefined)(`seccomp agents (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("the agent is told who asks, and its answer is what the program gets", async () => {
    const listenerMetadata = 'meta "data"';
    const { ran, heard, bundle } = await talk(
      { ...about("mkdir", "mkdirat"), listenerMetadata },
      mkdir,
      {
        change: (config) => {
          (config as unknown as Record<string, unknown>)["annotations"] = { key: "value" };
        },
      },
    );
    expect(ran).toMatchObject({ code: 0, stdout: "1\ndone\n" });
    expect(ran.stderr).toContain("out of domain");
    const state = JSON.parse(heard[0] ?? "") as Record<string, Record<string, unknown>>;
    expect(state).toMatchObject({
      ociVersion: "1.3.0",
      fds: ["seccompFd"],
      metadata: listenerMetadata,
      state: { status: "creating", bundle, annotations: { key: "value" } },
    });
    expect(state["pid"]).toBeNumber();
    expect(state["state"]?.["pid"]).toEqual(state["pid"] as unknown as number);
    expect(heard[1]).toBe("refused 1 passed 0");
  });

  const everything = { defaultAction: "SCMP_ACT_NOTIFY" };
  for (const noNewPrivileges of [false, true]) {
    for (const flags of [[], ["--init"]]) {
      test(`a filter that asks about each call, no_new_privs ${noNewPrivileges} ${flags.join("")}`, async () => {
        const { ran, heard } = await talk(everything, mkdir, {
          flags,
          change: ({ process }) => {
            process["noNewPrivileges"] = noNewPrivileges;
          },
        });
        expect(ran).toMatchObject({ code: 0, stdout: "1\ndone\n" });
        expect(heard[1]).toMatch(/^refused 1 passed [1-9]\d+$/);
      });
    }
  }

  test("in a user namespace, with calls that the runtime itself makes", async () => {
    const { ran } = await talk(about("write", "execve", "sendmsg", "close", "capset"), "echo ok", {
      change: ({ linux }) => {
        (linux["namespaces"] as unknown[]).push({ type: "user" });
        const map = [{ containerID: 0, hostID: 0, size: 65536 }];
        linux["uidMappings"] = linux["gidMappings"] = map;
      },
    });
    expect(ran).toMatchObject({ code: 0, stdout: "ok\n", stderr: "" });
  });

  test("an agent that leaves is as good as none: the calls fail, and nothing waits", async () => {
    const { ran } = await talk(about("mkdir", "mkdirat"), mkdir, { mode: "leaves" });
    expect(ran).toMatchObject({ code: 0, stdout: "1\ndone\n" });
    expect(ran.stderr).toContain("Function not implemented");
  });

  test("an agent that never answers holds a start up until somebody stops it", async () => {
    const { ran } = await talk(about("execve"), "echo ran", { mode: "sleeps" });
    expect(ran).toMatchObject({ code: 143, stdout: "" });
    expect(ran.stderr).toBe("pivot: stopped by signal 15 while the container was being made\n");
  });

  test("an agent that is not there is said in one line, and nothing is started", async () => {
    const listenerPath = `${ground.directory}/nobody`;
    const bundle = makeBundle(ground, "nobody-bundle", root, (config) => {
      config.process["args"] = ["/bin/echo", "ran"];
      config.linux["seccomp"] = { ...about("mkdir"), listenerPath };
    });
    const ran = ground.run(["--bundle", bundle]);
    expect(ran).toMatchObject({ code: 125, stdout: "" });
    expect(ran.stderr).toMatch(
      /^pivot: cannot connect to the seccomp agent .*ENOENT.*start the agent first\n$/,
    );
  });

  test("a socket of an agent for a filter that asks nobody is ignored", () => {
    const bundle = makeBundle(ground, "unasked-bundle", root, (config) => {
      config.process["args"] = ["/bin/echo", "ran"];
      config.linux["seccomp"] = { defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/nowhere" };
    });
    expect(ground.run(["--bundle", bundle])).toMatchObject({
      code: 0,
      stdout: "ran\n",
      stderr: "",
    });
  });
});
