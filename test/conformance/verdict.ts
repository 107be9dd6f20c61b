// Whether a validation program passed, from what it printed and how it ended. The programs tell of a
// failure in four ways: a test `not ok`, an exit code, a YAML block with an error and no test at all,
// and an end in the middle.

import { countsNoTests, isSilent } from "./programs.ts";
import { parseTap, type TapStream } from "./tap.ts";

/** How a program ended. */
export type Ended = {
  /** null: a signal ended it. */
  readonly code: number | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
};

export type Verdict = { readonly passed: boolean; readonly why: string };

const pass: Verdict = { passed: true, why: "" };
const fail = (why: string): Verdict => ({ passed: false, why: shorten(why) });

export function judge(program: string, ended: Ended): Verdict {
  const streams = parseTap(ended.stdout);
  const broken = streams.flatMap((stream) => failuresOf(stream));
  if (ended.timedOut) return fail("it did not end in time");
  if (ended.code !== 0) {
    const tests = broken.length > 0 ? `${broken[0]}; then ` : "";
    return fail(`${tests}exit ${ended.code ?? "by a signal"}: ${lastWords(ended.stderr)}`);
  }
  if (broken.length > 0) {
    return fail(
      broken.length > 1 ? `${broken[0]} (and ${broken.length - 1} more)` : `${broken[0]}`,
    );
  }
  if (isSilent(program)) return pass;
  if (streams.length === 0) return fail(`it reported nothing: ${lastWords(ended.stderr)}`);
  for (const stream of streams) {
    if (stream.planned === undefined) {
      return fail(`it ended in the middle: ${lastWords(ended.stderr)}`);
    }
    if (stream.tests.length !== stream.planned) {
      return fail(`it planned ${stream.planned} tests and made ${stream.tests.length}`);
    }
    const error = stream.errors[0];
    if (countsNoTests(program) && error !== undefined) return fail(error);
  }
  const made = streams.reduce((sum, stream) => sum + stream.tests.length, 0);
  return made > 0 || countsNoTests(program) ? pass : fail("it made no test");
}

const failuresOf = ({ tests }: TapStream): string[] =>
  tests
    .filter(({ passed, directive }) => !passed && directive === undefined)
    .map(({ description }) => `not ok: ${description}`);

/** Of a panic its first line, else the last line that says anything. */
function lastWords(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  return lines.find((line) => line.startsWith("panic: ")) ?? lines.at(-1) ?? "without a word";
}

const shorten = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 160 ? `${line.slice(0, 159)}…` : line;
};
