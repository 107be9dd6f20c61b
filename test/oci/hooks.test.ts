// Hooks: when each kind runs and where, what it is told on standard input, and what its failure
// does. A hook is `hook.c`, which writes down what it saw.

import { describe, expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { patience } from "../patience.ts";
import { compileC } from "../pivot.ts";
import {
  bindMount,
  type Called,
  type Config,
  type Container,
  isAlive,
  type JsonObject,
  OciGround,
  oneLine,
  type State,
} from "./ground.ts";
import { demand, runtimeWords, title, whyNot } from "./runtime.ts";

const kinds = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;
type Kind = (typeof kinds)[number];

type Seen = {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly stdin: string;
  readonly cwd: string;
  readonly inside: boolean;
} & Readonly<Record<"mnt" | "pid" | "net" | "ipc" | "uts", string>>;

const names = ["mnt", "pid", "net", "ipc", "uts"] as const;

describe.skipIf(whyNot !== undefined)(title("hooks"), () => {
  const ground = new OciGround("hooks");
  const program = whyNot === undefined ? compileC("oci/hook.c") : "";
  const log = `${ground.directory}/log`;
  if (whyNot === undefined) mkdirSync(log);

  /** A hook of a kind: startContainer looks for its program, and writes, in the container. */
  const hook = (kind: Kind, name: string = kind, rest: readonly string[] = []): JsonObject => {
    const isInside = kind === "startContainer";
    const out = isInside ? "/out/seen" : `${log}/seen`;
    return { path: isInside ? "/hook" : program, args: ["hook", out, name, ...rest] };
  };

  const seen = (): Seen[] =>
    (existsSync(`${log}/seen`) ? readFileSync(`${log}/seen`, "utf8") : "")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Seen);
  const order = (): string[] => seen().map(({ name }) => name);
  const forget = (): void => {
    Bun.spawnSync(["rm", "-f", `${log}/seen`]);
  };

  const withHooks =
    (hooks: Partial<Record<Kind, readonly JsonObject[]>>, change?: (config: Config) => void) =>
    (config: Config): void => {
      forget();
      bindMount(config, log, "/out");
      config.process["args"] = ["/hook", "/out/seen", "process", "sleep", "1000"];
      config.annotations = { colour: "red" };
      config.hooks = hooks;
      change?.(config);
    };
  const oneOfEach = Object.fromEntries(kinds.map((kind) => [kind, [hook(kind)]]));

  const until = async (name: string): Promise<void> => {
    for (let i = 0; i < 200 * patience && !order().includes(name); i++) await Bun.sleep(10);
    expect(order()).toContain(name);
  };

  /** All six once: what each saw, with the container's own view of the same. */
  async function live(): Promise<{
    container: Container;
    host: Record<string, string>;
    all: Map<string, Seen>;
  }> {
    const container = ground.create(withHooks(oneOfEach));
    const host = Object.fromEntries(
      names
        .filter((name) => name !== "mnt" || runtimeWords.length === 1)
        .map((name) => [name, readlinkSync(`/proc/self/ns/${name}`)]),
    );
    ground.ok(["start", container.id]);
    await until("process");
    ground.ok(["kill", container.id, "KILL"]);
    await ground.until(container.id, "stopped");
    ground.ok(["delete", container.id]);
    return { container, host, all: new Map(seen().map((each) => [each.name, each])) };
  }

  let lived: ReturnType<typeof live> | undefined;
  const life = (): ReturnType<typeof live> => {
    lived ??= live();
    return lived;
  };

  const told = (all: Map<string, Seen>, kind: Kind): State =>
    JSON.parse(all.get(kind)?.stdin ?? "null") as State;

  demand(
    "create runs prestart, createRuntime, createContainer; start the next; delete poststop",
    async () => {
      const { id } = ground.create(withHooks(oneOfEach));
      expect(order()).toEqual(["prestart", "createRuntime", "createContainer"]);
      ground.ok(["start", id]);
      await until("process");
      await until("poststart");
      expect(order().slice(3).sort()).toEqual(["poststart", "process", "startContainer"]);
      expect(order().indexOf("startContainer")).toBe(3);
      ground.ok(["kill", id, "KILL"]);
      await ground.until(id, "stopped");
      expect(order()).not.toContain("poststop");
      ground.ok(["delete", id]);
      expect(order().at(-1)).toBe("poststop");
      expect(order()).toHaveLength(7);
    },
  );

  demand(
    "prestart, createRuntime, poststart and poststop are in the runtime's namespaces",
    async () => {
      const { host, all } = await life();
      for (const kind of ["prestart", "createRuntime", "poststart", "poststop"] as const) {
        const { inside, ...rest } = all.get(kind) ?? {};
        expect({ kind, inside, ...rest }).toMatchObject({ kind, inside: false, ...host });
      }
    },
  );

  demand("createContainer and startContainer are in the container's namespaces", async () => {
    const { all } = await life();
    const own = Object.fromEntries(names.map((name) => [name, all.get("process")?.[name]]));
    for (const kind of ["createContainer", "startContainer"] as const) {
      expect({ kind, ...all.get(kind) }).toMatchObject({ kind, ...own });
    }
  });

  demand("createContainer is there before the root changes, startContainer after", async () => {
    const { all } = await life();
    expect(all.get("createContainer")?.inside).toBe(false);
    expect(all.get("startContainer")?.inside).toBe(true);
    expect(all.get("process")?.inside).toBe(true);
  });

  const statuses: Readonly<Record<Kind, string>> = {
    // "created" by the letter ("after step 2 in the lifecycle"); "creating" as runc says it.
    prestart: "creat(ing|ed)",
    createRuntime: "creating",
    createContainer: "creating",
    startContainer: "created",
    poststart: "running",
    poststop: "stopped",
  };
  for (const kind of kinds) {
    demand(
      `${kind} is told the state: version, id, status ${statuses[kind]}, bundle, annotations`,
      async () => {
        const { container, all } = await life();
        const state = told(all, kind);
        expect(state).toMatchObject({ id: container.id, bundle: container.bundle });
        expect(state.status).toMatch(new RegExp(`^${statuses[kind]}$`));
        expect(state.annotations).toEqual({ colour: "red" });
        expect(state.ociVersion).toMatch(/^1\.\d+\.\d+/);
      },
    );
  }

  demand(
    "the pid told to hooks of the host is the container's process as the host counts",
    async () => {
      const { container, all } = await life();
      for (const kind of ["prestart", "createRuntime", "poststart"] as const) {
        expect({ kind, pid: told(all, kind).pid }).toEqual({ kind, pid: container.pid });
      }
      expect(told(all, "poststop").pid ?? 0).toBe(0);
    },
  );

  demand("args and env are exactly those of the config, args[0] too", () => {
    const env = ["A=1", "B=two words", "C="];
    const args = ["a name of its own", `${log}/seen`, "exact", "say", "", "say", "$HOME 'x' \n"];
    ground.create(withHooks({ createRuntime: [{ path: program, args, env }] }));
    expect(seen()[0]).toMatchObject({ argv: args, env });
  });

  demand("without env a hook has an empty environment", () => {
    ground.create(withHooks({ prestart: [hook("prestart")] }));
    expect(seen()[0]?.env).toEqual([]);
  });

  demand(
    "hooks of the host start in the bundle or at /, and never in a directory that moves",
    () => {
      const { bundle } = ground.create(withHooks({ createRuntime: [hook("createRuntime")] }));
      expect(["/", bundle]).toContain(seen()[0]?.cwd ?? "");
    },
  );

  demand("several of a kind run in the order of the list", async () => {
    const three = (kind: Kind) => [1, 2, 3].map((n) => hook(kind, `${kind} ${n}`));
    const { id } = ground.create(
      withHooks(Object.fromEntries(kinds.map((kind) => [kind, three(kind)]))),
    );
    ground.ok(["start", id]);
    await until("process");
    await until("poststart 3");
    ground.ok(["delete", "--force", id]);
    for (const kind of kinds) {
      const own = order().filter((name) => name.startsWith(`${kind} `));
      expect(own).toEqual([1, 2, 3].map((n) => `${kind} ${n}`));
    }
  });

  demand("what a hook writes to its output is no part of what create says on success", () => {
    const loud = hook("createRuntime", "createRuntime", ["say", "a word of the hook's"]);
    const { out } = ground.create(withHooks({ createRuntime: [loud] }));
    expect(readFileSync(out, "utf8")).toBe("");
  });

  demand("a hook that reads nothing of its standard input does no harm", () => {
    const deaf = { path: "/bin/true", args: ["true"] };
    const { id } = ground.create(withHooks({ prestart: [deaf], createRuntime: [deaf] }));
    expect(ground.state(id).status).toBe("created");
  });

  const poststop = { poststop: [hook("poststop")] };
  const failing = (kind: Kind) => hook(kind, kind, ["say", "the hook's own words", "exit", "3"]);

  for (const kind of ["prestart", "createRuntime", "createContainer"] as const) {
    demand(`${kind} that fails: create fails in one line, nothing is left`, async () => {
      const id = ground.id();
      const bundle = ground.bundle(withHooks({ [kind]: [failing(kind), hook(kind, "next")] }));
      const called: Called = ground.call(["create", "--bundle", bundle, id]);
      const line = oneLine(called);
      expect(line).toMatch(/hook/i);
      expect(order()).toEqual([kind]);
      expect(ground.call(["state", id]).code).not.toBe(0);
      await ground.expectNothingLeft();
    });

    demand(`${kind} that fails: poststop hooks are run`, () => {
      const bundle = ground.bundle(withHooks({ ...poststop, [kind]: [failing(kind)] }));
      ground.refused(["create", "--bundle", bundle, ground.id()]);
      expect(order()).toEqual([kind, "poststop"]);
    });

    demand(`${kind} that is no program: create fails in one line that names it`, async () => {
      const bundle = ground.bundle(
        withHooks({ [kind]: [{ path: "/no/such/hook", args: ["hook"] }] }),
      );
      const line = ground.refused(["create", "--bundle", bundle, ground.id()]);
      expect(line).toContain("/no/such/hook");
      await ground.expectNothingLeft();
    });
  }

  demand(
    "the error for a hook that fails has what it wrote to standard error, and its code",
    () => {
      const bundle = ground.bundle(withHooks({ createRuntime: [failing("createRuntime")] }));
      const line = ground.refused(["create", "--bundle", bundle, ground.id()]);
      expect(line).toContain("the hook's own words");
      expect(line).toMatch(/\b3\b/);
    },
  );

  demand(
    "startContainer that fails: start fails, the program never runs, the container ends",
    async () => {
      const { id, pid } = ground.create(
        withHooks({ ...poststop, startContainer: [failing("startContainer")] }),
      );
      ground.refused(["start", id]);
      for (let i = 0; i < 100 * patience && isAlive(pid); i++) await Bun.sleep(10);
      expect(isAlive(pid)).toBe(false);
      expect(order()).not.toContain("process");
      ground.call(["delete", "--force", id]);
      expect(order().at(-1)).toBe("poststop");
    },
  );

  demand("however many poststart hooks fail of a bundle of 1.0: the code is the program's", () => {
    const many = Array.from({ length: 20 }, () => ({ path: "/bin/false" }));
    const { code } = ground.run((config) => {
      config.ociVersion = "1.0.2";
      config.process["args"] = ["/bin/sh", "-c", "exit 7"];
      config.hooks = { poststart: many };
    });
    expect(code).toBe(7);
  });

  demand("poststart that fails: start fails and the container is stopped", async () => {
    const { id, pid } = ground.create(
      withHooks({ ...poststop, poststart: [failing("poststart")] }, (config) => {
        config.ociVersion = "1.3.0";
      }),
    );
    expect(ground.call(["start", id]).code).not.toBe(0);
    for (let i = 0; i < 100 * patience && isAlive(pid); i++) await Bun.sleep(10);
    expect(isAlive(pid)).toBe(false);
  });

  demand("poststart that fails in a bundle of 1.0: a warning, and the rest goes on", async () => {
    const hooks = [failing("poststart"), hook("poststart", "next")];
    const { id, pid } = ground.create(
      withHooks({ poststart: hooks }, (config) => {
        config.ociVersion = "1.0.2";
        config.process["args"] = ["/bin/sleep", "1000"];
      }),
    );
    const called = ground.call(["start", id]);
    expect(called.code).toBe(0);
    expect(called.stderr).toMatch(/^[^\n]*warning[^\n]*hooks\.poststart\[0\][^\n]*\n$/);
    expect(order()).toEqual(["poststart", "next"]);
    expect(isAlive(pid)).toBe(true);
  });

  demand("poststop that fails: a warning, and the container is gone", async () => {
    const { id } = ground.start(withHooks({ poststop: [failing("poststop")] }));
    await until("process");
    const called = ground.call(["delete", "--force", id]);
    expect(called.code).toBe(0);
    expect(called.stderr).toMatch(/hook/i);
    expect(order().at(-1)).toBe("poststop");
    await ground.expectNothingLeft();
  });

  demand("poststop that fails: the next one runs too", () => {
    const hooks = [failing("poststop"), hook("poststop", "next")];
    const { id } = ground.create(withHooks({ poststop: hooks }));
    ground.call(["delete", "--force", id]);
    expect(order()).toEqual(["poststop", "next"]);
  });

  for (const kind of kinds) {
    demand(`${kind} that ends before it has read the state is none that failed`, async () => {
      const deaf = { path: "/bin/busybox", args: ["true"] };
      const { id } = ground.start(
        withHooks({ [kind]: [deaf, hook(kind)] }, (config) => {
          // More than a pipe holds: whoever writes it hears of the end.
          config.annotations = { long: "x".repeat(200_000) };
        }),
      );
      await until("process");
      ground.ok(["delete", "--force", id]);
      expect(order().filter((name) => name === kind)).toEqual([kind]);
      await ground.expectNothingLeft();
    });
  }

  for (const kind of ["prestart", "createContainer"] as const) {
    demand(`${kind} is killed when its timeout of a second is over, and create fails`, async () => {
      const slow = { ...hook(kind, kind, ["sleep", `${30 * patience}`]), timeout: 1 };
      const bundle = ground.bundle(withHooks({ [kind]: [slow] }));
      const start = performance.now();
      ground.refused(["create", "--bundle", bundle, ground.id()]);
      const took = performance.now() - start;
      expect(took).toBeGreaterThan(900);
      expect(took).toBeLessThan(5000 * patience);
      await ground.expectNothingLeft();
    });
  }

  for (const timeout of [0, -1]) {
    demand(`a timeout of ${timeout} is refused: it must be greater than zero`, () => {
      const bundle = ground.bundle(withHooks({ prestart: [{ ...hook("prestart"), timeout }] }));
      ground.refused(["create", "--bundle", bundle, ground.id()]);
    });
  }

  demand("a hook with a relative path is refused", () => {
    const bundle = ground.bundle(withHooks({ prestart: [{ path: "bin/true", args: ["true"] }] }));
    ground.refused(["create", "--bundle", bundle, ground.id()]);
  });

  demand("a createRuntime hook can enter the network namespace of the pid it is told", () => {
    const find = `pid=$(sed 's/.*"pid": *\\([0-9]*\\).*/\\1/')`;
    const script = `${find}; nsenter --net=/proc/$pid/ns/net readlink /proc/self/ns/net >${log}/entered`;
    const env = [`PATH=${process.env["PATH"]}`];
    const { pid } = ground.create(
      withHooks({ createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script], env }] }),
    );
    expect(readFileSync(`${log}/entered`, "utf8").trim()).toBe(readlinkSync(`/proc/${pid}/ns/net`));
  });

  for (const noNewPrivileges of [false, true]) {
    demand(`startContainer has the filter, no_new_privs ${noNewPrivileges}`, () => {
      const script = "grep Seccomp: /proc/self/status >/out/filtered; echo $? >>/out/filtered";
      ground.run((config) => {
        bindMount(config, log, "/out");
        config.process["args"] = ["/bin/true"];
        config.process["noNewPrivileges"] = noNewPrivileges;
        config.linux["seccomp"] = {
          defaultAction: "SCMP_ACT_ALLOW",
          // A filter may be older than these calls.
          syscalls: [{ names: ["pidfd_open", "clone3", "close_range"], action: "SCMP_ACT_ERRNO" }],
        };
        config.hooks = {
          startContainer: [
            { path: "/bin/busybox", args: ["sh", "-c", script], env: ["PATH=/bin"] },
          ],
        };
      });
      expect(readFileSync(`${log}/filtered`, "utf8")).toBe("Seccomp:\t2\n0\n");
    });
  }

  demand("a mount that a createContainer hook makes in the root is seen inside", () => {
    const script = `mount -t tmpfs t ${ground.rootfs}/home`;
    const called = ground.run((config) => {
      config.hooks = {
        createContainer: [
          { path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/bin:/usr/bin"] },
        ],
      };
      config.process["args"] = ["/bin/grep", "-c", " /home tmpfs", "/proc/mounts"];
    });
    expect(called).toMatchObject({ code: 0, stdout: "1\n", stderr: "" });
  });
});
