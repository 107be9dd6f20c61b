// Builds whose RUN lines are containers of the runtime under test: by buildah, and by podman.

import { beforeAll, describe, expect } from "bun:test";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { type CommandSettings, command, type Ended } from "./command.ts";
import { podmanEnvironment, preparePodman, tryPodman } from "./podman.ts";
import { callsWhile, runtime, testsWith, whyNotWith, world } from "./world.ts";

const context = `${world}/context`;

beforeAll(async () => {
  if (whyNotWith("podman", "buildah") !== undefined) return;
  await preparePodman();
  mkdirSync(context, { recursive: true });
  copyFileSync(Bun.which("busybox") ?? "/bin/busybox", `${context}/busybox`);
});

/** buildah has no image of its own here: each build begins with nothing. */
const base = `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
`;

function writeFile(name: string, lines: string): string {
  const path = `${context}/${name}`;
  writeFileSync(path, base + lines);
  return path;
}

const tryBuildah = (words: readonly string[], settings: CommandSettings = {}): Promise<Ended> =>
  command(["buildah", ...words], { ...settings, env: podmanEnvironment });

async function buildah(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await tryBuildah(words);
  if (code !== 0) throw new Error(`buildah ${words.join(" ")}: code ${code}: ${stdout}${stderr}`);
  return stdout.trim();
}

const builders = {
  buildah: (words: readonly string[]) =>
    tryBuildah([
      "build",
      "--runtime",
      runtime,
      "--isolation",
      "oci",
      "--network",
      "none",
      ...words,
    ]),
  podman: (words: readonly string[]) =>
    tryPodman(["build", "--isolation", "oci", "--network", "none", ...words]),
} as const;

for (const [name, build] of Object.entries(builders)) {
  const test = testsWith(name, "buildah", "podman");

  describe(`${name} build`, () => {
    test("RUN lines: output, files, environment, user, directory", async () => {
      const file = writeFile(
        `${name}.good`,
        `ENV A=given
WORKDIR /made
RUN echo "of $A" >file && echo printed-by-run
USER 33:44
RUN id -u; id -g; pwd
`,
      );
      const calls = await callsWhile(async () => {
        const { code, stdout, stderr } = await build(["-f", file, "-t", `${name}-good`, context]);
        expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
        expect(stdout).toContain("printed-by-run\n");
        expect(stdout).toContain("33\n44\n/made\n");
      });
      expect(calls.filter((call) => /\bcreate\b/.test(call))).toHaveLength(3);
      const run = ["run", "--rm", "--network", "none", `localhost/${name}-good`];
      expect((await tryPodman([...run, "cat", "/made/file"])).stdout).toBe("of given\n");
      expect((await tryPodman(["rmi", "-f", `${name}-good`])).code).toBe(0);
    });

    test("a RUN line that fails ends the build with its code, by name", async () => {
      const file = writeFile(`${name}.bad`, "RUN echo before; exit 5\nRUN echo after\n");
      const { code, stdout, stderr } = await build(["-f", file, context]);
      expect(code).toBe(5);
      expect(stdout).toContain("before\n");
      expect(stdout).not.toContain("after\n");
      expect(stderr).toContain("exit status 5");
    });

    test("a RUN line whose program is missing fails", async () => {
      const file = writeFile(`${name}.missing`, 'RUN ["no-such-program"]\n');
      const { code, stderr } = await build(["-f", file, context]);
      expect(code).not.toBe(0);
      expect(stderr).toContain("no-such-program");
    });
  });
}

describe("buildah run", () => {
  const test = testsWith("buildah", "podman");

  /** A working container of busybox; removed at the end. */
  async function withWorking(body: (name: string) => Promise<void>): Promise<void> {
    const name = await buildah(["from", "scratch"]);
    try {
      await buildah(["copy", name, `${context}/busybox`, "/bin/busybox"]);
      await run(name, [], ["/bin/busybox", "--install", "-s", "/bin"]);
      await body(name);
    } finally {
      await buildah(["rm", name]);
    }
  }

  const run = (name: string, flags: readonly string[], words: readonly string[], input?: string) =>
    tryBuildah(
      [
        "run",
        "--runtime",
        runtime,
        "--isolation",
        "oci",
        "--network",
        "none",
        ...flags,
        name,
        "--",
        ...words,
      ],
      input === undefined ? {} : { input },
    );

  test("output, codes, standard input, and files that stay", async () => {
    await withWorking(async (name) => {
      const script = "echo out; echo kept >/kept; exit 3";
      const ended = await run(name, [], ["/bin/sh", "-c", script]);
      expect(ended).toMatchObject({ code: 3, stdout: "out\n" });
      expect((await run(name, [], ["/bin/cat", "/kept"])).stdout).toBe("kept\n");
      expect((await run(name, [], ["/bin/cat"], "given")).stdout).toBe("given");
    });
  });

  test("volumes, user, and a host name", async () => {
    await withWorking(async (name) => {
      const flags = ["-v", `${context}:/context:ro`, "--user", "33:44", "--hostname", "there"];
      const script = "hostname; id -u; ls /context/busybox; echo x >/context/no || echo refused";
      const { stdout } = await run(name, ["--env", "PATH=/bin", ...flags], ["sh", "-c", script]);
      expect(stdout).toBe("there\n33\n/context/busybox\nrefused\n");
    });
  });
});
