// What stays in memory beside containers that run detached: pivot's monitor, podman's conmon,
// containerd's shim. Runs in a world of its own (tools/world.sh), where every process is one of ours.

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { command, findProgram } from "./command.ts";
import { commandLine, kill, memoryOf } from "./process-tree.ts";
import { circumstances, markdownTable } from "./report.ts";
import { failInOneLine, publish } from "./session.ts";

const usage = `usage: tools/world.sh bun bench/detached.ts [--write]
Memory that stays beside detached containers, one of them and ten of them.
  --write   put the result into docs/benchmarks.md
`;

const payload = ["sleep", "1000"] as const;
const settleTime = 1500;
const startTime = 30_000;

/** An engine that runs containers of the image `busybox` in the background. */
interface Engine {
  readonly name: string;
  /** Programs that it takes, besides itself. */
  readonly needs: readonly string[];
  /** Brings the image in; whatever daemon it starts runs from then on. */
  readonly prepare: () => Promise<void>;
  readonly start: (name: string) => readonly string[];
  readonly remove: (name: string) => readonly (readonly string[])[];
}

interface Beside {
  readonly engine: string;
  readonly containers: number;
  /** The programs that stay, each once. */
  readonly programs: readonly string[];
  /** KiB for each container. */
  readonly rss: number;
  readonly pss: number;
}

const world = process.env["PIVOT_WORLD"] ?? "";
const repository = join(import.meta.dirname, "..");
const archive = join(world, "busybox.tar");
const pivot = [join(repository, "build/pivot"), "--root", join(world, "pivot")];

const pivotEngine: Engine = {
  name: "pivot",
  needs: [],
  prepare: async () => void command([...pivot, "run", "--rm", "busybox", "true"]),
  start: (name) => [...pivot, "run", "-d", "--name", name, "busybox", ...payload],
  remove: (name) => [[...pivot, "rm", "-f", name]],
};

function podmanEngine(): Engine {
  const roots = ["--root", join(world, "podman"), "--runroot", join(world, "podman-run")];
  const settings = ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"];
  const podman = ["podman", ...roots, ...settings, "--runtime", "crun"];
  const run = ["run", "-d", "--network", "none", "--cgroupns", "private"];
  return {
    name: "podman",
    needs: ["podman", "conmon", "crun"],
    prepare: async () => void command([...podman, "load", "-q", "-i", archive]),
    start: (name) => [...podman, ...run, "--name", name, "busybox", ...payload],
    remove: (name) => [[...podman, "rm", "-f", "-t", "0", name]],
  };
}

function containerdEngine(): Engine {
  const socket = join(world, "containerd.sock");
  const roots = ["--root", join(world, "containerd"), "--state", join(world, "containerd-run")];
  const ctr = ["ctr", "-a", socket];
  return {
    name: "containerd",
    needs: ["containerd", "ctr", "containerd-shim-runc-v2", "runc"],
    prepare: async () => {
      Bun.spawn(["containerd", "--address", socket, ...roots], {
        stdio: ["ignore", "ignore", "ignore"],
      });
      const end = Date.now() + startTime;
      while (!existsSync(socket)) {
        if (Date.now() > end) throw new Error("containerd does not answer");
        await Bun.sleep(50);
      }
      command([...ctr, "images", "import", archive]);
    },
    start: (name) => [...ctr, "run", "-d", "docker.io/library/busybox:latest", name, ...payload],
    remove: (name) => [
      [...ctr, "task", "kill", "-s", "SIGKILL", name],
      [...ctr, "task", "delete", "-f", name],
      [...ctr, "container", "delete", name],
    ],
  };
}

const processes = (): number[] =>
  readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));

const isPayload = (pid: number): boolean => commandLine(pid).join("\0") === payload.join("\0");

/** A program that lies in memory has the name that its file was made with. */
function nameOf(pid: number): string {
  const name = basename(commandLine(pid)[0] ?? "");
  return name === "" ? readFileSync(`/proc/${pid}/comm`, "utf8").trim() : name;
}

async function measure(engine: Engine, containers: number): Promise<Beside> {
  const before = new Set(processes());
  const names = Array.from({ length: containers }, (_, i) => `beside-${containers}-${i}`);
  for (const name of names) command(engine.start(name));
  await Bun.sleep(settleTime);
  const fresh = processes().filter((pid) => !before.has(pid) && commandLine(pid).length > 0);
  const running = fresh.filter(isPayload).length;
  if (running !== containers) throw new Error(`${engine.name}: ${running} of ${containers} run`);
  const rest = fresh.filter((pid) => !isPayload(pid));
  if (rest.length === 0) throw new Error(`${engine.name}: nothing stays beside a container`);
  const memory = rest.map(memoryOf);
  const each = (field: "rss" | "pss") =>
    memory.reduce((total, one) => total + one[field], 0) / containers;
  const programs = [...new Set(rest.map(nameOf))].toSorted();
  for (const name of names) for (const words of engine.remove(name)) command(words);
  return { engine: engine.name, containers, programs, rss: each("rss"), pss: each("pss") };
}

const missing = ({ needs }: Engine): string[] => needs.filter((name) => !findProgram(name));

/** Of conmon's memory, as a part of it. */
const ratio = (of: number, to: number | undefined): string =>
  to === undefined ? "–" : (of / to).toFixed(2);

function table(results: readonly Beside[]): string {
  const rows = results.map(({ engine, containers, programs, rss, pss }) => {
    const podman = results.find(
      (each) => each.engine === "podman" && each.containers === containers,
    );
    const figures = [
      rss.toFixed(0),
      pss.toFixed(0),
      ratio(rss, podman?.rss),
      ratio(pss, podman?.pss),
    ];
    return [engine, String(containers), programs.join(", "), ...figures];
  });
  const head = [
    "engine",
    "containers",
    "processes",
    "RSS",
    "PSS",
    "RSS of podman's",
    "PSS of podman's",
  ];
  return markdownTable(head, rows);
}

async function benchmark(): Promise<string> {
  if (world === "") throw new Error("run it by tools/world.sh: npm run bench:memory");
  mkdirSync(world, { recursive: true });
  const results: Beside[] = [];
  const notes: string[] = [];
  for (const engine of [pivotEngine, podmanEngine(), containerdEngine()]) {
    const lacks = missing(engine);
    if (lacks.length > 0) {
      notes.push(`- Left out: ${engine.name}: not installed: ${lacks.join(", ")}`);
      continue;
    }
    await engine.prepare();
    if (engine === pivotEngine) command([...pivot, "save", "-o", archive, "busybox"]);
    for (const containers of [1, 10]) results.push(await measure(engine, containers));
  }
  for (const pid of processes()) if (nameIs(pid, "containerd")) kill(pid);
  const containerd = findProgram("containerd");
  return [
    ...circumstances(),
    ...(containerd ? [`- ${command([containerd, "--version"]).trim()}`] : []),
    ...notes,
    "",
    "Kept in memory beside containers that run detached, in KiB for each of them; without the",
    "payload, and without containerd's daemon. PSS divides what processes share.",
    "",
    table(results),
    "",
  ].join("\n");
}

const nameIs = (pid: number, name: string): boolean => basename(commandLine(pid)[0] ?? "") === name;

async function main(): Promise<void> {
  const options = { write: { type: "boolean" }, help: { type: "boolean" } } as const;
  const { values } = parseArgs({ options });
  if (values.help === true) process.stdout.write(usage);
  else publish(await benchmark(), values.write === true, "bench/detached.ts");
}

if (import.meta.main) await failInOneLine(main);
