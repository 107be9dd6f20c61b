import { expect, test } from "bun:test";
import { containerEnvironment, parseEnv, parseEnvFile } from "./environment.ts";
import { Findings } from "./problem.ts";
import { outcome } from "./testing/outcome.ts";

const caller: Readonly<Record<string, string>> = { LANG: "C.UTF-8", EMPTY: "" };
const lookup = (name: string): string | undefined => caller[name];

test.each([
  ["A=b", "A", "b"],
  ["A=", "A", ""],
  ["A=b=c", "A", "b=c"],
  ["A= b ", "A", " b "],
  ["LANG", "LANG", "C.UTF-8"],
  ["EMPTY", "EMPTY", ""],
  ["MISSING", "MISSING", null],
  ["with.dot and space=1", "with.dot and space", "1"],
])("%p", (given, name, value) => {
  expect(outcome(parseEnv(given, lookup))).toEqual([name, value]);
});

test.each(["", "=a"])("%p has no name", (given) => {
  expect(outcome(parseEnv(given, lookup))).toBe(
    `invalid argument "${given}" for "-e, --env": empty name: it looks like NAME=value`,
  );
});

test("a file has a variable on each line", () => {
  const text = [
    "\ufeffA=1",
    "",
    "# B=2",
    "   C=3  ",
    'D="quoted"',
    "LANG",
    "MISSING",
    "E=a=b\r",
    "F=",
    "A=again",
  ].join("\n");
  expect(outcome(parseEnvFile(text, lookup, "x.env"))).toEqual([
    ["A", "1"],
    ["C", "3  "],
    ["D", '"quoted"'],
    ["LANG", "C.UTF-8"],
    ["E", "a=b"],
    ["F", ""],
    ["A", "again"],
  ]);
});

test.each([
  ["A=1\n=2", "line 2: there is no name before the ="],
  ["A B=1", 'line 1: the name "A B" contains white space'],
  ["A\t", 'line 1: the name "A\\t" contains white space'],
  ["\n\nA=\0", "line 3: there is a NUL character"],
])("%p is refused", (text, reason) => {
  expect(outcome(parseEnvFile(text, lookup, "x.env"))).toBe(
    `invalid argument "x.env" for "--env-file": ${reason}`,
  );
});

const source = { image: ["LANG=C", "PATH=/bin", "APP=1"], hostname: "box", tty: false };

test("what is asked for comes before the image, and each name once", () => {
  const findings = new Findings();
  expect(containerEnvironment({ B: "2", LANG: "de", A: "1" }, source, findings)).toEqual([
    "PATH=/bin",
    "HOSTNAME=box",
    "B=2",
    "LANG=de",
    "A=1",
    "APP=1",
  ]);
  expect(findings.problems).toEqual([]);
});

test("a terminal has a type, which can be chosen", () => {
  const withTty = { ...source, image: [], tty: true };
  expect(containerEnvironment({}, withTty, new Findings())).toEqual([
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOSTNAME=box",
    "TERM=xterm",
  ]);
  expect(containerEnvironment({ TERM: "dumb" }, withTty, new Findings())[2]).toBe("TERM=dumb");
});

test("null takes a variable away, whoever sets it", () => {
  const wanted = { PATH: null, APP: null, HOSTNAME: null };
  expect(containerEnvironment(wanted, source, new Findings())).toEqual(["LANG=C"]);
});

test("an image can take a default away, by a name without a value", () => {
  expect(containerEnvironment({}, { ...source, image: ["HOSTNAME"] }, new Findings())).toEqual([
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  ]);
});

test("names that no environment can have are found", () => {
  const findings = new Findings();
  containerEnvironment({ "A=B": "1", "": "2", C: "\0" }, source, findings);
  containerEnvironment({}, { ...source, image: ["=x", "D=\0"] }, findings);
  expect(findings.problems.map(({ option, received }) => [option, received])).toEqual([
    ["-e, --env", "A=B"],
    ["-e, --env", ""],
    ["-e, --env", "C"],
    ["IMAGE", "=x"],
    ["IMAGE", "D=\0"],
  ]);
});
