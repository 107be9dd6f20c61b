// The completion scripts in the shells that they are for, at a terminal, with the tab key.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { Session } from "./session.ts";

const ground = new Ground("completion");
const bin = `${ground.directory}/bin`;
mkdirSync(bin);
mkdirSync(`${ground.directory}/files/some-directory`, { recursive: true });
writeFileSync(`${ground.directory}/files/some-file`, "");
symlinkSync(pivotPath, `${bin}/pivot`);

const env = {
  PATH: `${bin}:${process.env["PATH"] ?? ""}`,
  HOME: ground.directory,
  LC_ALL: "C.UTF-8",
};
const roots = `--root ${ground.root} --runroot ${ground.runRoot}`;

afterAll(() => ground.close());

const missing = (shell: string): string | undefined =>
  whyNot ?? (Bun.which(shell) === null ? `${shell} is not installed` : undefined);

/** What stands at the prompt before the tab key, and all of it after. */
const lines: readonly (readonly [typed: string, completed: string])[] = [
  ["pivot vers", "pivot version"],
  ["pivot system pr", "pivot system prune"],
  ["pivot run --read-o", "pivot run --read-only"],
  ["pivot run --rm --root-switch pi", "pivot run --rm --root-switch pivot"],
  ["pivot run --root-switch=ch", "pivot run --root-switch=chroot"],
  ["pivot --log-format js", "pivot --log-format json"],
  [`pivot ${roots} rmi busy`, `pivot ${roots} rmi busybox:latest`],
  [`pivot ${roots} rmi busybox:la`, `pivot ${roots} rmi busybox:latest`],
  ["pivot run --env-file files/some-f", "pivot run --env-file files/some-file"],
  ["pivot --root files/some-", "pivot --root files/some-directory"],
];

/** The prompt stands alone so that no other text looks like it. */
const prompt = "@> ";

/** Types a line and the tab key, and has the shell print the words that then stand there. */
async function complete(session: Session, typed: string): Promise<string> {
  session.type(`${typed}\t`);
  await Bun.sleep(50);
  // To the start of the line, before which the command is put that prints it.
  session.type("\u0001printf '<%s>' \u0005 ;echo\r");
  const seen = await session.until(/(<[^<>%]+>)+\r?\n/, 10);
  const words = [...seen.matchAll(/<([^<>%]+)>/g)].map((match) => match[1] ?? "");
  await session.until(/@> /);
  return words.join(" ").replace(/\/$/, "");
}

async function checkLines(session: Session): Promise<void> {
  const completed: string[] = [];
  for (const [typed] of lines) completed.push(await complete(session, typed));
  expect(completed).toEqual(lines.map(([, whole]) => whole));
  session.type("exit\r");
  await session.end();
}

/** Makes the image that some of the lines name. */
function makeImage(): void {
  expect(ground.run(["busybox", "true"]).code).toBe(0);
}

const bashMissing = missing("bash");
const zshMissing = missing("zsh");
const fishMissing = missing("fish");

describe("at the tab key", () => {
  test.skipIf(bashMissing !== undefined)(
    `bash completes${bashMissing ? `: ${bashMissing}` : ""}`,
    async () => {
      makeImage();
      const session = new Session(["bash", "--norc", "--noprofile", "-i"], 400, 24, {
        ...env,
        PS1: prompt,
      });
      session.type(`cd ${ground.directory}; bind 'set enable-bracketed-paste off'\r`);
      session.type(`source <(pivot completion bash); echo re''ady\r`);
      await session.until(/ready\r?\n@> /, 10);
      await checkLines(session);
    },
  );

  test.skipIf(zshMissing !== undefined)(
    `zsh completes${zshMissing ? `: ${zshMissing}` : ""}`,
    async () => {
      makeImage();
      const session = new Session(["zsh", "-f", "-i"], 400, 24, { ...env, PS1: prompt });
      session.type(
        `cd ${ground.directory}; unset zle_bracketed_paste; bindkey -e; unsetopt prompt_sp\r`,
      );
      session.type("autoload -U compinit && compinit -u -D\r");
      session.type(`PS1='${prompt}'; source <(pivot completion zsh); echo re''ady\r`);
      await session.until(/ready\r?\n[^@]*@> /, 10);
      await checkLines(session);
    },
  );

  test.skipIf(fishMissing !== undefined)(
    `fish completes${fishMissing ? `: ${fishMissing}` : ""}`,
    () => {
      makeImage();
      for (const [typed, completed] of lines) {
        const script = `pivot completion fish | source; complete -C ${JSON.stringify(typed)}`;
        const { stdout } = ground.command(["fish", "--no-config", "-c", script], {
          env,
          cwd: ground.directory,
        });
        const [word = ""] = (stdout.split("\n")[0] ?? "").split("\t");
        expect(word.replace(/\/$/, "")).toBe(completed.split(" ").at(-1) ?? "");
      }
    },
  );
});

describe("the scripts", () => {
  for (const shell of ["bash", "fish", "zsh"]) {
    const absent = missing(shell);
    test.skipIf(absent !== undefined)(
      `${shell} can read its own${absent ? `: ${absent}` : ""}`,
      () => {
        const script = ground.pivot(["completion", shell]);
        expect(script.code).toBe(0);
        const file = `${ground.directory}/script.${shell}`;
        writeFileSync(file, script.stdout);
        const read = ground.command([shell, shell === "fish" ? "--no-execute" : "-n", file]);
        expect(read).toMatchObject({ code: 0, stderr: "" });
      },
    );
  }
});

describe("what is proposed", () => {
  const ask = (words: readonly string[]): string[] =>
    ground
      .pivot(["internal-complete", ...words])
      .stdout.trimEnd()
      .split("\n");
  const skip = whyNot !== undefined;

  test.skipIf(skip)(
    `names of containers, by what the command can do with them${whyNot ?? ""}`,
    () => {
      expect(ground.pivot(["create", "--name", "fresh", "busybox", "true"]).code).toBe(0);
      try {
        expect(ask(["start", ""])).toEqual(["fresh\tbusybox:latest (created)", ":none"]);
        expect(ask(["stop", ""])).toEqual([":none"]);
        expect(ask(["rm", "-f", "fr"])).toEqual(["fresh\tbusybox:latest (created)", ":none"]);
        expect(ask(["rm", "fresh", ""])).toEqual([":none"]);
        expect(ask(["run", "--pid", "container:"])).toEqual([
          "container:fresh\tbusybox:latest (created)",
          ":files",
        ]);
      } finally {
        expect(ground.pivot(["rm", "fresh"]).code).toBe(0);
      }
    },
  );

  test.skipIf(skip)(`a command's own words are left to the shell${whyNot ?? ""}`, () => {
    expect(ask(["run", "busybox", ""])).toEqual([":files"]);
    expect(ask(["run", "busybox", "ls", "--"])).toEqual([":files"]);
    expect(ask(["nonsense", ""])).toEqual([":none"]);
    expect(ask([])).toContain("run\tRun a command in a new container");
    expect(ask(["images", "--filter", "dang"])).toEqual(["dangling=\t", ":none more"]);
  });
});
