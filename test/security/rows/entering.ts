// A runtime that enters a container: what the processes in there can get from it.

import { readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { listIfThere } from "../../leftovers.ts";
import { patience } from "../../patience.ts";
import { compileC } from "../../pivot.ts";
import { secret } from "../canary.ts";
import { type Row, unless } from "../outcome.ts";
import type { RuntimeWorld } from "../runtime.ts";

const digest = (path: string): string =>
  new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex");

/** The caller has descriptors of the host open, as a runtime that leaks its own would. */
const withDescriptors = (path: string): readonly string[] => [
  "sh",
  "-c",
  `exec 3<${path} 4</ 5</sys/fs/cgroup 6<${path}/deep 7<${path}/file 8<${path} 9</proc; exec "$@"`,
  "sh",
];

export const entering: readonly Row<RuntimeWorld>[] = [
  {
    ids: ["CVE-2024-21626"],
    title: "a working directory through a descriptor of the host",
    tried:
      "cwd /proc/self/fd/N, N from 3 to 50, of run and exec, called with descriptors open: never the host's",
    run: (world) => {
      const canary = world.canary();
      const findings: string[] = [];
      const look = "cat file deep/file ../file ../../../../etc/hostname; pwd";
      let ran = 0;
      const judge = (what: string, { stdout }: { readonly stdout: string }): void => {
        if (stdout !== "") ran++;
        if (stdout.includes(secret)) findings.push(`${what} reads a file of the host`);
        if (stdout.includes("unreachable")) findings.push(`${what} is outside the root`);
        const host = world.read("/etc/hostname");
        if (host !== "" && stdout.includes(host)) findings.push(`${what} reads /etc/hostname`);
      };
      const lasting = world.mustStart(world.root());
      const before = withDescriptors(canary.path);
      for (let n = 3; n <= 50; n++) {
        const cwd = `/proc/${n % 2 === 0 ? "self" : "1"}/fd/${n}`;
        const words = ["exec", "--cwd", cwd, lasting.id, "/bin/sh", "-c", look];
        judge(`exec --cwd ${cwd}`, world.call(words, { before }));
        if (n > 20) continue;
        const bundle = world.bundle(world.root({ wd: `/proc/self/fd/${n}` }), (config) => {
          config.process["cwd"] = n % 2 === 0 ? `/proc/self/fd/${n}` : "/wd";
          config.process["args"] = ["/bin/sh", "-c", look];
        });
        judge(
          `cwd /proc/self/fd/${n}`,
          world.call(["run", "--bundle", bundle, `cwd${n}`], { before }),
        );
        world.drop(`cwd${n}`);
      }
      world.drop(lasting);
      return unless([...canary.changes(), ...findings], `66 tries, ${ran} of which ran inside`);
    },
  },
  {
    ids: ["CVE-2024-21626 (b)"],
    title: "descriptors of the host are open in the container",
    tried:
      "the descriptors of run's and of exec's process, and of the one that waits for its start",
    run: (world) => {
      const canary = world.canary();
      const before = withDescriptors(canary.path);
      const bundle = world.bundle(world.root(), (config) => {
        config.process["args"] = ["/bin/ls", "-l", "/proc/self/fd"];
      });
      const ran = world.call(["run", "--bundle", bundle, "descriptors"], { before });
      world.drop("descriptors");
      const made = world.mustStart(world.root());
      const executed = world.call(["exec", made.id, "/bin/ls", "-l", "/proc/self/fd"], { before });
      world.drop(made);
      const id = "waits";
      const file = world.fresh("pid");
      const waiting = world.bundle(world.root());
      world.call(["create", "--bundle", waiting, "--pid-file", file, id], { before });
      const pid = world.read(file);
      const held = listIfThere(`/proc/${pid}/fd`).flatMap((fd) => {
        const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
        return Number(fd) > 2 && /^\/(?!dev\/null)/.test(target) ? [`${fd} ${target}`] : [];
      });
      world.drop(id);
      const listed = [
        ["run", ran],
        ["exec", executed],
      ] as const;
      return unless(
        [
          ...listed.flatMap(([what, { stdout }]) =>
            stdout
              .split("\n")
              .filter((line) => / [3-9] -> /.test(line) && !/\/proc\/\d+\/fd$/.test(line))
              .map((line) => `${what}: ${line.slice(line.lastIndexOf(":") + 4)}`),
          ),
          // What waits is the runtime itself: its descriptors are closed to the container, but at
          // execve they may not be there.
          ...held
            .filter((line) => line.includes(canary.path))
            .map((line) => `the created container holds the caller's ${line}`),
        ],
        "the three streams, of run, of exec, and of create",
      );
    },
  },
  {
    ids: ["CVE-2019-5736"],
    title: "the runtime's program is overwritten by way of /proc/self/exe",
    tried:
      "an attacker opens the program of each process that enters, for writing, during exec of poisoned scripts",
    run: async (world) => {
      const before = digest(world.path);
      const root = world.root();
      writeFileSync(`${root}/poisoned`, "#!/proc/self/exe\n", { mode: 0o755 });
      symlinkSync("/proc/self/exe", `${root}/linked`);
      const made = world.mustStart(root, (config) => {
        config.process["args"] = ["/overwrite"];
        const all = ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"];
        config.process["capabilities"] = { bounding: all, effective: all, permitted: all };
      });
      for (let i = 0; i < 200 * patience && !world.read(made.out).includes("looking"); i++)
        await Bun.sleep(10);
      const programs = ["/poisoned", "/bin/true", "/linked"];
      for (let i = 0; i < world.tries; i++) {
        world.exec(made.id, [programs[i % programs.length] ?? ""]);
      }
      await Bun.sleep(50);
      world.drop(made);
      const met = world.read(made.out);
      return unless(
        [
          ...(digest(world.path) === before ? [] : ["the program has changed"]),
          ...(met.includes("writable") ? ["the program could be opened for writing"] : []),
          ...(met.includes("looking") ? [] : ["the attacker did not run"]),
        ],
        `${world.tries} entries; the attacker met ${met.match(/^met /gm)?.length ?? 0} programs of outside`,
      );
    },
  },
  {
    ids: ["CVE-2016-9962"],
    title: "a process that enters can be traced, and its descriptors taken",
    tried:
      "an attacker tries to trace each new process, and to open its descriptors, during many exec",
    run: async (world) => {
      const root = world.root();
      rmSync(`${root}/peek`, { force: true });
      await Bun.write(`${root}/peek`, Bun.file(compileC("security/peek.c")));
      world.command(["chmod", "755", `${root}/peek`]);
      const made = world.mustStart(root, (config) => {
        config.process["args"] = ["/peek"];
      });
      for (let i = 0; i < 200 * patience && !world.read(made.out).includes("looking"); i++)
        await Bun.sleep(10);
      for (let i = 0; i < world.tries * 3; i++) world.exec(made.id, ["/bin/true"]);
      await Bun.sleep(50);
      world.drop(made);
      const said = world.read(made.out);
      const got = [...said.matchAll(/^got (.*)$/gm)].map(([, what]) => what ?? "");
      return unless(
        [...(said.includes("looking") ? [] : ["the attacker did not run"]), ...got],
        `${world.tries * 3} entries; the attacker was refused ${said.match(/^refused/gm)?.length ?? 0} times`,
      );
    },
  },
  {
    ids: ["CVE-2017-5226", "CVE-2019-7303"],
    title: "input is pushed into the caller's terminal (TIOCSTI)",
    tried:
      "a container without a terminal of its own, at a terminal: TIOCSTI, with high bits set, TIOCLINUX",
    run: async (world) => {
      const bundle = world.bundle(world.root(), (config) => {
        config.process["args"] = ["/probe", "tiocsti", "tiocsti-high", "tioclinux"];
      });
      const seen = await world.atTerminal(["run", "--bundle", bundle, "pushes"]);
      world.drop("pushes");
      const attempts = /"attempts":\{.*$/ms.exec(seen)?.[0] ?? "";
      const outcomes = [...attempts.matchAll(/"(tioc[a-z-]+)":\{"errno":(null|"\w+")/g)];
      return unless(
        [
          ...(outcomes.length === 3 ? [] : [`the attacker did not run: ${seen.slice(0, 200)}`]),
          ...outcomes
            .filter(([, , errno]) => errno === "null")
            .map(([, what]) => `${what} pushes into the caller's terminal`),
        ],
        outcomes.map(([, what, errno]) => `${what} ${errno?.replaceAll('"', "")}`).join(", "),
      );
    },
  },
];
