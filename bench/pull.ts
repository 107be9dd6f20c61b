// The benchmark of pulling an image: download from a registry on this machine, and unpack. Explained
// in docs/benchmarks.md.

import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { DockerRegistry } from "../test/docker-registry.ts";
import { command, findProgram } from "./command.ts";
import { compile } from "./compile.ts";
import { socketOf, startDockerd } from "./dockerd.ts";
import { type CommonOptions, readOptions } from "./options.ts";
import { circumstances, costCells, costHead, markdownTable, mib, ratioCell } from "./report.ts";
import { Costs, interleaved } from "./rounds.ts";
import { asCalled, failInOneLine, measureAndPublish, progress } from "./session.ts";
import { type Random, seededRandom } from "./statistics.ts";
import { startStopwatch } from "./stopwatch.ts";
import { type Cleanup, makeWorkbench } from "./workbench.ts";

const usage = `usage: bun bench/pull.ts [OPTION]...
Pull a Debian root of about 9,000 files from docker-registry into a fresh store, and unpack it.
  --rounds N     timed rounds (10)
  --warmup N     rounds before them (1)
  --tar FILE     a root file system as tar; made by mmdebstrap unless given
  --seed N       of the random orders and of the confidence intervals (1)
  --dir DIR      where everything is made (the system's temporary directory)
  --write        put the result into docs/benchmarks.md
`;

interface Options extends CommonOptions {
  readonly tar: string | undefined;
}

function parseOptions(args: readonly string[]): Options | undefined {
  const read = readOptions(args, 1, {
    rounds: { type: "string", default: "10" },
    tar: { type: "string" },
  });
  return read && { ...read.options, tar: read.text("tar") };
}

/** A way to pull: what is timed, in a directory of its own that is empty before each run. */
interface Puller {
  readonly name: string;
  readonly needs: readonly string[];
  readonly argv: (directory: string, image: string) => readonly string[];
  /** Below its directory, where the root is when it is done. */
  readonly root: string;
  /** The daemon that does it: it is started before, and its store stays; neither is timed. */
  readonly daemon?: (directory: string) => Promise<AsyncDisposable>;
}

const executable = join(import.meta.dirname, "../build/pivot");
const words = (text: string): readonly string[] => text.split(" ");

const pullers: readonly Puller[] = [
  {
    name: "pivot",
    needs: [],
    argv: (directory, image) => [executable, "--root", directory, "pull", "-q", image],
    root: "layers/*",
  },
  {
    name: "podman",
    needs: ["podman"],
    argv: (directory, image) =>
      words(
        `podman --root ${directory}/root --runroot ${directory}/run --storage-driver overlay pull -q --tls-verify=false ${image}`,
      ),
    root: "root/overlay/*/diff",
  },
  {
    name: "docker",
    needs: ["docker", "dockerd", "containerd", "unshare"],
    argv: (directory, image) => words(`docker -H ${socketOf(directory)} pull -q ${image}`),
    root: "data/overlay2/*/diff",
    daemon: (directory) => startDockerd("docker", directory),
  },
  {
    name: "skopeo + umoci",
    needs: ["skopeo", "umoci"],
    argv: (directory, image) => [
      "sh",
      "-c",
      `skopeo copy -q --insecure-policy --src-tls-verify=false docker://${image} oci:${directory}/layout:it &&
       umoci unpack --image ${directory}/layout:it ${directory}/bundle`,
    ],
    root: "bundle/rootfs",
  },
];

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return `sha256:${hash.digest("hex")}`;
}

/** An image of one layer, packed by gzip, as an OCI layout. */
async function writeLayout(layout: string, tar: string): Promise<void> {
  const blobs = `${layout}/blobs/sha256`;
  mkdirSync(blobs, { recursive: true });
  const packed = `${layout}/layer`;
  await pipeline(createReadStream(tar), createGzip(), createWriteStream(packed));
  const describe = (mediaType: string, digest: string, size: number) => ({
    mediaType,
    digest,
    size,
  });
  const put = (mediaType: string, document: object) => {
    const bytes = Buffer.from(JSON.stringify(document));
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(`${blobs}/${hex}`, bytes);
    return describe(mediaType, `sha256:${hex}`, bytes.length);
  };
  const digest = await digestOf(packed);
  const { size } = Bun.file(packed);
  command(["mv", packed, `${blobs}/${digest.slice("sha256:".length)}`]);
  const type = "application/vnd.oci.image";
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const config = put(`${type}.config.v1+json`, {
    os: "linux",
    architecture,
    config: {},
    rootfs: { type: "layers", diff_ids: [await digestOf(tar)] },
  });
  const manifest = put(`${type}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${type}.manifest.v1+json`,
    config,
    layers: [describe(`${type}.layer.v1.tar+gzip`, digest, size)],
  });
  writeFileSync(`${layout}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    `${layout}/index.json`,
    JSON.stringify({ schemaVersion: 2, manifests: [manifest] }),
  );
}

/** What a root file system looks like, in one text: whoever unpacks it has to come to the same. */
function fingerprint(root: string): string {
  const list = `cd ${root} && find . -mindepth 1 -printf '%P %y %m %U:%G %s %l\\n' | sed -E 's/^(.* d [0-7]+ [0-9:]+) [0-9]+ /\\1 /' | LC_ALL=C sort | sha256sum`;
  const files = `find ${root} -mindepth 1 | wc -l`;
  return `${command(["sh", "-c", files]).trim()} files, ${command(["sh", "-c", list]).slice(0, 16)}`;
}

interface Measured {
  readonly puller: Puller;
  readonly costs: Costs;
}

/** Debian's release that runs here: its keys are installed. */
const ownRelease = (): string =>
  /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "stable";

async function benchmark(options: Options, cleanup: Cleanup, interrupted: AbortSignal) {
  const where = circumstances();
  const bench = makeWorkbench(options.dir, cleanup);
  const within = (name: string) => join(bench.dir, name);
  const tar = options.tar ?? within("root.tar");
  if (options.tar === undefined) {
    progress("mmdebstrap");
    const packages = "--include=perl,python3-minimal";
    command(["mmdebstrap", "--quiet", "--variant=minbase", packages, ownRelease(), tar], {
      minutes: 10,
    });
  }
  progress("the image");
  await writeLayout(within("layout"), tar);
  const registry = await DockerRegistry.start(within("registry"));
  cleanup.add("end docker-registry", () => void registry.stop());
  const image = `${registry.host}/debian:1`;
  const push = ["skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false"];
  command([...push, `oci:${within("layout")}`, `docker://${image}`]);
  const leftOut: string[] = [];
  const running = pullers.filter(({ name, needs }) => {
    const missing = needs.filter((program) => findProgram(program) === null);
    if (missing.length > 0) leftOut.push(`${name}: ${missing.join(", ")} not installed`);
    return missing.length === 0;
  });
  const measured = running.map((puller): Measured => ({ puller, costs: new Costs() }));
  // Nothing is removed before the end: ext4 looks long for an inode where many were freed lately.
  const storeOf = (round: number, index: number) =>
    within(`store-${round + options.warmup}-${index}`);
  const vectors = Array.from({ length: options.warmup + options.rounds }, (_, i) =>
    running.map(({ argv }, index) => {
      const [program = "", ...args] = argv(storeOf(i - options.warmup, index), image);
      return [findProgram(program) ?? program, ...args];
    }),
  ).flat();
  const stopwatch = startStopwatch(
    compile("stopwatch.c", within("stopwatch")),
    within("commands"),
    vectors,
    {
      ...process.env,
      HOME: bench.dir,
    },
  );
  const random = seededRandom(options.seed);
  const roots = new Set<string>();
  const once = async (each: Measured, round: number) => {
    progress(`round ${round + 1} of ${options.rounds}: ${each.puller.name}`);
    const index = measured.indexOf(each);
    const directory = storeOf(round, index);
    mkdirSync(directory);
    // What the last one wrote is on the disk before the next one begins.
    Bun.spawnSync(["sync", "-f", directory]);
    await using _ = await each.puller.daemon?.(directory);
    const run = await stopwatch.run((round + options.warmup) * measured.length + index);
    if (run.status !== 0) throw new Error(`${each.puller.name}: status ${run.status}`);
    if (round === -options.warmup) roots.add(fingerprint(`${directory}/${each.puller.root}`));
    if (round >= 0) each.costs.add(run.wallNs / 1e6, [run]);
  };
  await interleaved(measured, { ...options, random, interrupted }, once, (_, error) => {
    throw error;
  });
  stopwatch.close();
  progress("");
  if (roots.size !== 1) throw new Error(`the roots differ: ${[...roots].join("; ")}`);
  return [
    ...where,
    `- Command: \`${asCalled(import.meta.filename)}\``,
    `- Image: ${[...roots].join("")}; ${mib(Bun.file(tar).size / 1024)} MiB, packed by gzip`,
    ...leftOut.map((text) => `- Left out: ${text}`),
    "",
    "Wall and processor time in milliseconds, memory in MiB; of docker, which works in its daemon, only",
    "the wall time compares.",
    "",
    table(measured, random),
    "",
  ].join("\n");
}

function table(measured: readonly Measured[], random: Random): string {
  const base = measured.find(({ puller }) => puller.name === "podman") ?? measured[0];
  const rows = measured.map(({ puller, costs }) => {
    const of = ratioCell(costs.times, base?.costs.times, random);
    return [puller.name, ...costCells(costs), of];
  });
  const head = ["pull", ...costHead, `of ${base?.puller.name} (95 %)`];
  return markdownTable(head, rows);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  await measureAndPublish(import.meta.filename, usage, options, benchmark);
}

if (import.meta.main) await failInOneLine(main);
