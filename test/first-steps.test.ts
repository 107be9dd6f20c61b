// Mistakes of somebody who is new here, with a container or a file at hand: each is told in a line that
// says what is meant, and no line of another program's, or of the JavaScript runtime's, comes through.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { Session } from "./session.ts";

const ground = whyNot === undefined ? new Ground("first-steps") : undefined;
afterAll(() => ground?.close());

const pivot = (words: readonly string[], input = "") => {
  if (ground === undefined) throw new Error(`not without ${whyNot}`);
  return ground.pivot([...words], { input });
};

const none = "ENOENT: No such file or directory";

describe.skipIf(whyNot !== undefined)(`first steps${whyNot ? ` (skipped: ${whyNot})` : ""}`, () => {
  beforeAll(() => {
    expect(pivot(["create", "--name", "web", "busybox", "sleep", "1000"]).code).toBe(0);
  });

  const mistakes: readonly (readonly [words: string, code: number, line: string])[] = [
    ["rename web web", 1, "renaming a container with the same name as its current name: web"],
    [
      "rename web b",
      1,
      '"b": invalid container name: only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed, from 2 to 255 characters',
    ],
    ["stop -t x web", 125, '--timeout takes a number of seconds, received "x"'],
    ["restart -t x web web", 125, '--timeout takes a number of seconds, received "x"'],
    ["inspect", 1, "inspect needs the name or id of an object"],
    ["tag busybox", 1, "tag takes SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG], received 1 word"],
    ["export -o /no/such web", 1, `cannot write /no/such: ${none}`],
    ["save -o /no/such busybox", 1, `cannot write "/no/such": ${none}`],
    ["load -i /no/such", 1, `cannot open "/no/such": ${none}`],
    ["mountns /no/such", 1, `cannot read /no/such: ${none}`],
    ["try --share /no/such -- true", 125, `--share /no/such: ${none}`],
    ["try discard --name gone", 1, "there is no try gone: `pivot try ls` lists them"],
    [
      "volume create x",
      1,
      "x is no name for a volume, which has two characters at least; a directory of the host is written as /path or ./path",
    ],
  ];
  for (const [words, code, line] of mistakes) {
    test(`pivot ${words}`, () => {
      const ran = pivot(words.split(" "));
      expect({ code: ran.code, line: ran.stderr.split("\n")[0] }).toEqual({
        code,
        line: `pivot: ${line}`,
      });
    });
  }

  test("what has just ended has ended: it is told so, can be started again, and removed", () => {
    const starts: string[] = [];
    for (let i = 0; i < 4; i++) {
      const run = [
        "run",
        "-d",
        "-v",
        "starts:/starts",
        "busybox",
        "sh",
        "-c",
        "echo >>/starts/all",
      ];
      const id = pivot(run).stdout.trim();
      const state = () => pivot(["inspect", "-f", "{{.State.Status}}", id]).stdout.trim();
      pivot(["wait", id]);
      starts.push(state());
      expect(pivot(["start", id])).toMatchObject({ code: 0, stderr: "" });
      pivot(["wait", id]);
      starts.push(state());
      expect(pivot(["rm", id])).toMatchObject({ code: 0, stderr: "" });
    }
    expect(starts).toEqual(Array.from({ length: 8 }, () => "exited"));
    const read = [
      "run",
      "--rm",
      "-v",
      "starts:/starts",
      "busybox",
      "grep",
      "-c",
      "",
      "/starts/all",
    ];
    expect(pivot(read).stdout).toBe("8\n");
    expect(pivot(["volume", "rm", "starts"]).code).toBe(0);
  });

  test("an image that is to be pushed has the registry's name first", () => {
    expect(pivot(["push", "localhost:1/x"])).toMatchObject({
      code: 1,
      stderr: `pivot: no image "localhost:1/x:latest" in ${ground?.root}: \`pivot tag\` gives one of \`pivot images\` that name\n`,
    });
  });

  test("what the kernel refuses is told without the runtime's words", () => {
    if (ground === undefined) throw new Error(`not without ${whyNot}`);
    const full = `exec "$@" >/dev/full`;
    const words = ["sh", "-c", full, "sh", pivotPath, ...ground.roots(), "images"];
    expect(ground.command(words).stderr).toBe(
      "pivot: cannot write what was asked for: ENOSPC: No space left on device\n",
    );
    const nowhere = ["--root", "/proc/no-such", "--runroot", ground.runRoot];
    const ran = ground.command([pivotPath, ...nowhere, "run", "--rm", "busybox", "true"]);
    expect(ran).toMatchObject({
      code: 125,
      stderr: `pivot: cannot mkdir /proc/no-such: ${none}\n`,
    });
  });

  test("a plan is read in a terminal of 80 columns, and is a line for each step in a wide one", async () => {
    if (ground === undefined) throw new Error(`not without ${whyNot}`);
    const words = [pivotPath, ...ground.roots(), "plan", "--network", "none", "busybox", "true"];
    const seen = async (columns: number): Promise<string[]> => {
      const session = new Session(words, columns);
      await session.end();
      return session.screen.trimEnd().split("\r\n");
    };
    const narrow = await seen(80);
    expect(narrow[0]).toBe("STEP  BY      WHAT, BY WHICH OPERATION, AND <- WHY");
    // A path has no place to be broken at.
    expect(narrow.filter((line) => line.length > 80 && line.trim().includes(" "))).toEqual([]);
    expect(narrow).toContain('              exec argv=["true"]');
    expect(narrow).toContain("              <- process.args");
    const wide = await seen(400);
    expect(wide[0]).toMatch(/^STEP +BY +WHAT +OPERATION +WHY$/);
    expect(wide.filter((line) => /^\d+ /.test(line)).length).toBe(wide.length - 1);
  });

  test("what ps refuses is its first line alone", () => {
    expect(pivot(["start", "web"]).code).toBe(0);
    const { code, stderr } = pivot(["top", "web", "-o", "nonsense"]);
    expect(pivot(["rm", "-f", "web"]).code).toBe(0);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^pivot: ps: [^\n]*nonsense[^\n]*\n$/);
    expect(stderr).not.toContain("Usage");
  });
});
