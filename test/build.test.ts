// `pivot build` with a real buildah: the image is pivot's, and so are the containers of RUN lines.

import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { checkBuildah } from "../src/build/buildah.ts";
import { mountsBelow, processesAt } from "./leftovers.ts";
import { patience } from "./patience.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { Session } from "./session.ts";

const reason = whyNot ?? (Bun.which("buildah") === null ? "buildah is not installed" : undefined);
const skip = reason !== undefined;
const named = (name: string): string => (skip ? `${name}: ${reason}` : name);

const ground = new Ground("build");
const context = `${ground.directory}/context`;
mkdirSync(context);
writeFileSync(`${context}/data`, "of the context\n");

const dockerfile = `ARG BASE=nothing
FROM \${BASE} AS made
ARG WHO=nobody
WORKDIR /made
COPY data .
RUN echo "for $WHO" >greeting && cat data >>greeting && cat /proc/self/mountinfo >mounts

FROM busybox
LABEL color=red
ENV GREETING=yes
COPY --from=made /made/ /made/
HEALTHCHECK --interval=5s CMD true
USER 1000
CMD ["sh", "-c", "echo $GREETING; cat /made/greeting; id -u"]
`;

const long = { timeout: 120_000 };
const build = (words: readonly string[], more: { input?: string } = {}) =>
  ground.pivot(["build", "--network", "none", ...words], { ...long, ...more });

afterAll(() => ground.close());

test("where buildah is missing, one line says what to install", () => {
  expect(() => checkBuildah(() => null)).toThrow(
    "pivot build uses buildah, which is not here: apt-get install buildah",
  );
  expect(() => checkBuildah((name) => (name === "flock" ? null : name))).toThrow(
    "pivot build needs flock, which is not here: apt-get install util-linux",
  );
});

describe("pivot build", () => {
  test.skipIf(skip)(
    named("several stages on an image of the store, and then a build on the result"),
    () => {
      writeFileSync(`${context}/Dockerfile`, dockerfile);
      const args = ["--build-arg", "BASE=busybox", "--build-arg", "WHO=you"];
      const first = build(["-t", "mine:1", "-t", "also/mine", ...args, context]);
      expect(first).toMatchObject({ code: 0 });
      expect(first.stderr).toContain("FROM busybox AS made\n");
      expect(first.stdout).toMatch(
        /^Successfully built [0-9a-f]{12}\nSuccessfully tagged mine:1\nSuccessfully tagged also\/mine:latest\n$/,
      );
      expect(ground.run(["mine:1"])).toMatchObject({
        code: 0,
        stdout: "yes\nfor you\nof the context\n1000\n",
      });
      const inspect = ["image", "inspect", "also/mine", "-f", "{{json .Config.Healthcheck}}"];
      expect(JSON.parse(ground.pivot(inspect).stdout)).toEqual({
        Test: ["CMD-SHELL", "true"],
        Interval: 5e9,
      });
      // The same build again comes from the cache, and is the same image.
      const iidfile = `${ground.directory}/iid`;
      const again = build(["-q", "--iidfile", iidfile, ...args, context]);
      expect(again.stdout).toStartWith(`sha256:${/built (\w+)/.exec(first.stdout)?.[1]}`);
      expect(again.stdout.trim()).toBe(readFileSync(iidfile, "utf8"));
      // Standard input is the Dockerfile, and the image that was just built its base.
      const input = "FROM mine:1\nUSER root\nRUN echo more >/more\nCMD cat /more /made/greeting\n";
      expect(build(["-q", "-t", "next", "-"], { input })).toMatchObject({ code: 0, stderr: "" });
      // By its digest, too.
      const digest = ["images", "--digests", "--format", "{{.Digest}}", "busybox"];
      const base = `busybox@${ground.pivot(digest).stdout.trim()}`;
      expect(build(["-q", "-"], { input: `FROM ${base}\n` })).toMatchObject({
        code: 0,
        stderr: "",
      });
      expect(ground.run(["next"]).stdout).toBe("more\nfor you\nof the context\n");
      expect(readdirSync(`${ground.root}/build`)).toEqual(["storage"]);
    },
    120_000 * patience,
  );

  test.skipIf(skip)(
    named("a RUN line that fails is the build's failure, and leaves nothing"),
    () => {
      const failed = build(["-t", "broken", "-"], { input: "FROM busybox\nRUN exit 7\n" });
      expect(failed).toMatchObject({ code: 1, stdout: "" });
      expect(failed.stderr).toContain("exit status 7");
      expect(failed.stderr).toEndWith("pivot: the build failed: the reason stands above\n");
      expect(ground.pivot(["images", "-q", "broken"]).stdout).toBe("");
      expect(readdirSync(`${ground.root}/build`)).toEqual(["storage"]);
    },
    60_000 * patience,
  );

  test.skipIf(skip)(
    named("Ctrl-C ends a build as it ends any command: 130, and no word of a failure"),
    async () => {
      const file = `${ground.directory}/interrupted`;
      writeFileSync(file, "FROM busybox\nRUN echo begun && sleep 300\n");
      const words = ["build", "--network", "none", "-f", file, context];
      const session = new Session([pivotPath, ...ground.roots(), ...words]);
      await session.until(/begun\r\n/, 30 * patience);
      session.type("\u0003");
      expect(await session.end(20_000 * patience)).toBe(130);
      expect(session.screen).not.toContain("pivot:");
      expect(readdirSync(`${ground.root}/build`)).toEqual(["storage"]);
    },
    60_000 * patience,
  );

  test.skipIf(skip)(
    named("a build that is killed ends with all that it started"),
    async () => {
      const file = `${ground.directory}/slow`;
      writeFileSync(file, "FROM busybox\nRUN echo begun && sleep 300\n");
      const args = [...ground.roots(), "build", "--network", "none", "-f", file, context];
      const child = spawn(pivotPath, args, { stdio: ["ignore", "ignore", "pipe"] });
      await new Promise<void>((resolve, reject) => {
        let said = "";
        child.stderr.on("data", (part) => {
          said += part;
          if (/^begun$/m.test(said)) resolve();
        });
        child.once("close", () => reject(new Error(said)));
      });
      child.kill("SIGKILL");
      for (let i = 0; i < 200 && processesAt(ground.directory).length > 0; i++) await Bun.sleep(50);
      expect(processesAt(ground.directory)).toEqual([]);
      expect(mountsBelow(ground.directory)).toEqual([]);
      const left = readdirSync(`${ground.root}/build`).find((name) => name !== "storage");
      const path = `${ground.root}/build/${left}`;
      expect(ground.pivot(["system", "check", "-q"]).stdout).toContain(
        `problem: ${path} is of a build that was killed (`,
      );
      // The next one takes its workspace away, and so does prune.
      expect(build(["-q", "-"], { input: "FROM busybox\n" }).code).toBe(0);
      expect(readdirSync(`${ground.root}/build`)).toEqual(["storage"]);
      await ground.expectNothingLeft();
    },
    60_000 * patience,
  );

  test.skipIf(skip)(named("what cannot be built is said in one line"), () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [[], "build needs the directory that it may copy from: pivot build ."],
      [[`${context}/none`], `the context ${context}/none is not there`],
      [[ground.directory], `there is no Dockerfile in ${ground.directory}: name it with -f`],
      [["-f", "/none", context], "there is no Dockerfile /none"],
      [["-t", "UPPER", context], "UPPER"],
      [["--progress", "tty", context], '--progress takes auto or plain, received "tty"'],
    ];
    for (const [words, line] of cases) {
      const ran = build(words);
      expect(ran).toMatchObject({ code: 1, stdout: "" });
      expect(ran.stderr.split("\n")[0]).toContain(line);
    }
  });
});
