import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  formatOptionProblem,
  parseAddHost,
  parseBytes,
  parseCapability,
  parseContainerName,
  parseCpus,
  parseDevice,
  parseDeviceCgroupRule,
  parseDeviceWeight,
  parseDnsOption,
  parseDnsSearch,
  parseDnsServer,
  parseDomainname,
  parseEnv,
  parseEnvFile,
  parseGroup,
  parseHostname,
  parseIdList,
  parseIpcMode,
  parseLabel,
  parseMount,
  parseNamespaceMode,
  parseNetworkMode,
  parseSecurityOpt,
  parseSignal,
  parseSysctl,
  parseThrottle,
  parseTmpfs,
  parseUlimit,
  parseUser,
  parseVolume,
  type Result,
} from "./mod.ts";

test("a problem of two options has no argument", () => {
  expect(formatOptionProblem({ option: "--cpus", received: null, reason: "conflict" })).toBe(
    "--cpus: conflict",
  );
});

test("what a terminal obeys is escaped, wherever it stands", () => {
  const nasty = "\u001b[2J\n\u202e\u009b";
  expect(formatOptionProblem({ option: "--name", received: nasty, reason: `bad ${nasty}` })).toBe(
    String.raw`invalid argument "\u001b[2J\n\u202e\u009b" for "--name": bad \u001b[2J\n\u202e\u009b`,
  );
});

const parsers: readonly ((given: string) => Result<unknown>)[] = [
  parseAddHost,
  (given) => parseBytes(given, "--memory"),
  (given) => parseCapability(given, "--cap-add"),
  parseContainerName,
  parseCpus,
  (given) => parseDevice(given, "/"),
  parseDeviceCgroupRule,
  parseDeviceWeight,
  parseDnsOption,
  parseDnsSearch,
  parseDnsServer,
  parseDomainname,
  (given) => parseEnv(given, () => undefined),
  (given) => parseEnvFile(given, () => undefined, given),
  parseGroup,
  parseHostname,
  (given) => parseIdList(given, "--cpuset-cpus"),
  parseIpcMode,
  (given) => parseLabel(given),
  (given) => parseMount(given, "/"),
  (given) => parseNamespaceMode(given, "--pid"),
  parseNetworkMode,
  parseSecurityOpt,
  (given) => parseSignal(given, "--stop-signal"),
  parseSysctl,
  (given) => parseThrottle(given, "--device-read-bps", "bytes"),
  parseTmpfs,
  parseUlimit,
  (given) => parseUser(given),
  (given) => parseVolume(given, "/"),
];

const fragments =
  'type=bind|source=|target=/x|/a|:|=|,|"|ro|..|seccomp=|mask=|CAP_|RTMIN+|container:|ns:|nofile=|net.|c 1:3 |-1|\n|\u001b|\0'.split(
    "|",
  );

test("whatever they get, parsers answer with a value or with one printable line", () => {
  const word = fc.constantFrom(...fragments);
  const given = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(word, { maxLength: 6 }).map((words) => words.join("")),
  );
  fc.assert(
    fc.property(given, (text) => {
      for (const parse of parsers) {
        const result = parse(text);
        if (result.ok) continue;
        const line = formatOptionProblem(result.problem);
        expect(line).toMatch(/^invalid argument ".*" for "-.*": \S/);
        expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      }
    }),
    { numRuns: 500 },
  );
});
