/** The library: what it gives back, under Bun from the source and under Node from the built ESM. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { RunError, type RunRequest, run, start, WishError } from "../src/mod.ts";

const repository = new URL("..", import.meta.url).pathname;

let root = "";
const roots = () => ({ dataRoot: join(root, "data"), runRoot: join(root, "run") });

beforeAll(() => {
  root = mkdtempSync("/tmp/pivot-library-");
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

test("run gives output and exit code", async () => {
  const script = "cat; echo error >&2; exit 3";
  const result = await run({
    image: "busybox",
    command: ["sh", "-c", script],
    stdin: "input\n",
    roots: roots(),
  });
  expect(result).toMatchObject({ exitCode: 3, signal: 0, stdout: "input\n", stderr: "error\n" });
  expect(result).toMatchObject({ timedOut: false, aborted: false, warnings: [] });
});

test("what is undefined is as if it were not there", async () => {
  const { dataRoot, runRoot } = roots();
  const left = { rm: undefined, network: undefined, stdin: undefined, signal: undefined };
  const more = { timeout: undefined, pull: undefined, rootfs: undefined, memory: undefined };
  const request = { image: "busybox", command: ["true"], ...left, ...more };
  const result = await run({ ...request, roots: { dataRoot, runRoot } });
  expect(result).toMatchObject({ exitCode: 0, stdout: "" });
  expect(readdirSync(join(root, "data/containers"))).toEqual([]);
  expect(existsSync(join(root, "data/pivot.db"))).toBe(false);
  const typed: RunRequest = { image: "busybox", roots: { dataRoot: undefined }, env: undefined };
  expect(typed.roots).toEqual({ dataRoot: undefined });
});

test("a megabyte goes in and comes out whole", async () => {
  const text = "0123456789abcde\n".repeat(65536);
  const { stdout } = await run({ image: "busybox", command: ["cat"], stdin: text, roots: roots() });
  expect(stdout.length).toBe(text.length);
  expect(stdout === text).toBe(true);
});

test("a program that is not there is an error with the step that failed", async () => {
  const failed = run({ image: "busybox", command: ["no-such-program"], roots: roots() });
  const error = await failed.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RunError)) throw new Error(`expected a RunError, received ${error}`);
  expect(error.exitCode).toBe(127);
  expect(error.plan.steps[error.failure.step]?.op.op).toBe("exec");
  expect(error.message).toMatch(/^cannot execute no-such-program \(step \d+ of \d+, /);
});

test("a wish that makes no sense tells everything that is wrong with it", async () => {
  const wrong = run({ image: "busybox", user: "-1", workdir: "relative", roots: roots() });
  const error = await wrong.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WishError)) throw new Error(`expected a WishError, received ${error}`);
  expect(error.problems.length).toBe(2);
});

test("a platform is that of an image, and no other will do", async () => {
  const [image, command] = ["busybox", ["true"]];
  await run({ image, command, roots: roots() });
  const wish = { command, pull: "never", platform: "linux/riscv64", roots: roots() } as const;
  await expect(run({ image, ...wish })).rejects.toThrow(/is for \S+, not for linux\/riscv64$/);
  await expect(run({ rootfs: root, ...wish })).rejects.toThrow("platform chooses an image");
  await expect(run({ image, ...wish, platform: "risc v" })).rejects.toThrow("is not a platform");
});

test("a time-out and an abort end the container, and nothing of it stays", async () => {
  const command = ["sleep", "60"];
  const late = await run({ image: "busybox", command, timeout: 200, roots: roots() });
  expect(late).toMatchObject({ exitCode: 137, signal: 9, timedOut: true, aborted: false });
  const signal = AbortSignal.timeout(200);
  const aborted = await run({ image: "busybox", command, signal, roots: roots() });
  expect(aborted).toMatchObject({ signal: 9, timedOut: false, aborted: true });
  expect(readdirSync(join(root, "data/containers"))).toEqual([]);
});

test("start gives a container that runs, with its streams", async () => {
  const container = await start({
    image: "busybox",
    command: [
      "sh",
      "-c",
      "trap 'echo bye; exit 5' TERM; echo ready; while :; do read line || sleep 0.1; echo got $line; done",
    ],
    stdin: "pipe",
    roots: roots(),
  });
  let output = "";
  const seen = (text: string) =>
    new Promise<void>((resolve) => {
      const check = () => output.includes(text) && resolve();
      container.stdout?.on("data", check);
      check();
    });
  container.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  await seen("ready");
  expect(container.pid).toBeGreaterThan(1);
  container.stdin?.write("hello\n");
  await seen("got hello");
  container.kill("SIGTERM");
  expect(await container.ended).toMatchObject({ exitCode: 5, signal: 0 });
  expect(output).toContain("bye");
});

test("containers side by side do not know of each other", async () => {
  const names = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      run({
        image: "busybox",
        command: ["sh", "-c", `echo ${i} > /tmp/n; cat /tmp/n`],
        roots: roots(),
      }),
    ),
  );
  expect(names.map(({ stdout }) => stdout.trim())).toEqual(["0", "1", "2", "3", "4", "5"]);
});

test("the built ESM does the same under the machine's own Node", () => {
  const tsc = join(repository, "node_modules/.bin/tsc");
  const built = Bun.spawnSync([tsc, "-p", "tsconfig.build.json"], { cwd: repository });
  expect(built.stdout.toString()).toBe("");
  const script = join(root, "try.mjs");
  writeFileSync(
    script,
    `import { run } from ${JSON.stringify(join(repository, "dist/mod.js"))};
     const result = await run({
       image: "busybox", command: ["sh", "-c", "cat; id -u"], user: "1000", stdin: "from node\\n",
       roots: ${JSON.stringify(roots())},
     });
     console.log(JSON.stringify([result.stdout, result.exitCode]));`,
  );
  const { stdout, stderr } = Bun.spawnSync(["node", script], {
    env: { PATH: process.env["PATH"], PIVOT_NETWORK: "none" },
  });
  expect(stderr.toString()).toBe("");
  expect(JSON.parse(stdout.toString())).toEqual(["from node\n1000\n", 0]);
});

test("the package has what its exports name, and nothing of the tests", () => {
  const pack = ["npm", "pack", "--dry-run", "--json", "--ignore-scripts"];
  const { stdout } = Bun.spawnSync(pack, { cwd: repository, env: { PATH: process.env["PATH"] } });
  const [packed] = JSON.parse(stdout.toString()) as [{ files: { path: string }[] }];
  const files = packed.files.map(({ path }) => path);
  const named = JSON.stringify([Object.values(manifest.exports), manifest.main, manifest.types]);
  const wanted = [...named.matchAll(/"\.\/([^"]+)"/g)].map(([, path = ""]) => path);
  expect(wanted).toContain("dist/simulator/mod.d.ts");
  expect([...wanted, "build/pivot"].filter((path) => !files.includes(path))).toEqual([]);
  const others = files.filter(
    (path) => !/^(dist|build)\/|^(LICENSE|README\.md|package\.json)$/.test(path),
  );
  expect(others).toEqual([]);
  expect(files.filter((path) => /\.test\.|(?<!\.d)\.ts$/.test(path))).toEqual([]);
});
