import { describe, expect, test } from "bun:test";
import { parseTap } from "./tap.ts";
import { type Ended, judge } from "./verdict.ts";

const ended = (stdout: string, rest: Partial<Ended> = {}): Ended => ({
  code: 0,
  timedOut: false,
  stdout,
  stderr: "",
  ...rest,
});

const passing = "TAP version 13\nok 1 - a\nok 2 # SKIP b\nnot ok 3 - # TODO c\n1..3\n";

describe("the protocol", () => {
  test("streams, directives and plans", () => {
    expect(parseTap(`noise\n${passing}TAP version 13\nnot ok 1 - d\n1..1\n`)).toEqual([
      {
        tests: [
          { passed: true, description: "a" },
          { passed: true, description: "b", directive: "SKIP" },
          { passed: false, description: "c", directive: "TODO" },
        ],
        planned: 3,
        errors: [],
      },
      { tests: [{ passed: false, description: "d" }], planned: 1, errors: [] },
    ]);
  });

  test("what stands in a block of YAML is no test", () => {
    const block = '  ---\n  {\n    "error": "it broke"\n  }\nnot ok 7\n  ...\n';
    const [stream] = parseTap(`TAP version 13\n${block}1..0\n`);
    expect(stream?.tests).toEqual([]);
    expect(parseTap('TAP version 13\n  ---\n  {"error": "it broke"}\n  ...\n')[0]?.errors).toEqual([
      "it broke",
    ]);
    expect(parseTap("TAP version 13\n  ---\n  error: it broke\n  ...\n")[0]?.errors).toEqual([
      "it broke",
    ]);
  });
});

describe("a program passes", () => {
  test("when its tests are ok, skipped, or need not pass yet", () => {
    expect(judge("default", ended(passing)).passed).toBe(true);
  });

  test("when one of several streams has no test", () => {
    expect(judge("default", ended(`${passing}TAP version 13\n1..0\n`)).passed).toBe(true);
  });

  test("in silence, when it is one that only looks for a refusal", () => {
    expect(judge("process_rlimits_fail", ended("")).passed).toBe(true);
  });

  test("without a test, when it is one that reports errors alone", () => {
    expect(judge("prestart", ended("TAP version 13\n1..0\n")).passed).toBe(true);
  });
});

describe("a program fails", () => {
  const why = (program: string, how: Ended): string => {
    const verdict = judge(program, how);
    expect(verdict.passed).toBe(false);
    return verdict.why;
  };

  test("with a test that is not ok", () => {
    const two = "TAP version 13\nnot ok 1 - a\nnot ok 2 - b\n1..2\n";
    expect(why("default", ended(two))).toBe("not ok: a (and 1 more)");
  });

  test("with an exit code, even when every test before was ok", () => {
    expect(why("default", ended(passing, { code: 1, stderr: "x\nlast\n" }))).toBe("exit 1: last");
    const panic = "panic: nil\n\ngoroutine 1\n";
    expect(why("default", ended(passing, { code: 2, stderr: panic }))).toBe("exit 2: panic: nil");
    expect(why("default", ended("", { code: null }))).toBe("exit by a signal: without a word");
  });

  test("when it ends before its plan, or keeps it not", () => {
    expect(why("default", ended("TAP version 13\nok 1\n"))).toStartWith("it ended in the middle");
    expect(why("default", ended("TAP version 13\nok 1\n1..2\n"))).toBe(
      "it planned 2 tests and made 1",
    );
  });

  test("when it reports nothing, or no test", () => {
    expect(why("default", ended(""))).toStartWith("it reported nothing");
    expect(why("default", ended("TAP version 13\n1..0\n"))).toBe("it made no test");
  });

  test("with an error in place of a test", () => {
    const error = '  ---\n  {\n    "error": "too early"\n  }\n  ...\n';
    expect(why("prestart", ended(`TAP version 13\n${error}1..0\n`))).toBe("too early");
  });

  test("when it does not end", () => {
    expect(why("default", ended(passing, { code: null, timedOut: true }))).toBe(
      "it did not end in time",
    );
  });
});
