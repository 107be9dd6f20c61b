// `pivot doctor`: on this machine, and where something is missing.

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { familyOf } from "../src/doctor/programs.ts";
import { patience } from "./patience.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";

// Real containers, on machines that have other things to do as well.
setDefaultTimeout(30_000 * patience);

const ground = new Ground("doctor");
afterAll(() => ground.close());

type Row = { Level: string; About: string; Finding: string; Cure: string; Needs: string };
type Told = { Usable: boolean; Findings: Row[] };

function examine(
  before: readonly string[],
  roots = ground.roots(),
): Told & { code: number | null } {
  const words = [...before, pivotPath, ...roots, "doctor", "--format", "json"];
  const { code, stdout, stderr } = ground.command(words);
  if (stdout === "") throw new Error(stderr);
  return { code, ...(JSON.parse(stdout) as Told) };
}

const levelOf = ({ Findings }: Told, about: string): string[] =>
  Findings.filter(({ About }) => About === about).map(({ Level }) => Level);

describe.skipIf(whyNot !== undefined)(`doctor (${whyNot ?? "as root"})`, () => {
  test("here containers run: it says so, and has tried it", () => {
    ground.shell([], "true"); // makes the data root
    const told = examine([]);
    expect({ code: told.code, usable: told.Usable }).toEqual({ code: 0, usable: true });
    for (const about of [
      "namespaces",
      "new mount calls",
      "fresh /proc, /sys",
      "overlayfs",
      "upper layers",
    ]) {
      expect([about, ...levelOf(told, about)]).toEqual([about, "ok"]);
    }
    // Each lack has a cure, and says what depends on it.
    const uncured = told.Findings.filter(
      ({ Level, Cure }) => (Level === "fatal" || Level === "lack") && Cure === "",
    );
    expect(uncured).toEqual([]);
    expect(told.Findings.filter(({ Needs }) => Needs === "")).toEqual([]);
  });

  test("for people: the worst first, cures, and a verdict", () => {
    const { code, stdout } = ground.pivot(["doctor"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /\npivot can run containers here: 0 fatal, \d+ lacks?, \d+ notes?, \d+ ok\n$/,
    );
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("an ordinary user: a namespace of one id, or why there is none", () => {
    const directory = `${ground.directory}/ordinary`;
    mkdirSync(directory);
    chmodSync(ground.directory, 0o755);
    chmodSync(directory, 0o777);
    const user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    if (spawnSync("setpriv", ["--version"]).error !== undefined) return;
    const places = ["--root", `${directory}/d`, "--runroot", `${directory}/r`];
    const env = ["env", `XDG_RUNTIME_DIR=${directory}/run`];
    const told = examine([...user, ...env], places);
    expect({ code: told.code, usable: told.Usable }).toEqual({ code: 0, usable: true });
    expect(levelOf(told, "user")).toEqual(["note"]);
    expect(told.Findings.find(({ About }) => About === "subordinate ids")?.Cure).toContain(
      "usermod --add-subuids",
    );
    // Where no namespace can be made, the rule that forbids it is named.
    const filtered = examine([...user, "env", `XDG_RUNTIME_DIR=${directory}`], places);
    expect({ code: filtered.code, usable: filtered.Usable }).toEqual({ code: 1, usable: false });
    expect(levelOf(filtered, "user")).toEqual(["fatal"]);
  });

  test("user namespaces switched off: said with the sysctl that cures it", () => {
    const off = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"';
    const told = examine(["unshare", "-Urm", "sh", "-c", off, "sh"]);
    const found = told.Findings.find(
      ({ About, Level }) => About === "user namespaces" && Level === "lack",
    );
    expect(found?.Finding).toContain("ENOSPC");
    expect(found?.Cure).toBe("sudo sysctl -w user.max_user_namespaces=15000");
  });

  test("without the right to mount: fatal, and exit code 1", () => {
    // Root without rights is to the launcher as any other user: so it can have no namespace either.
    const off = "echo 0 > /proc/sys/user/max_user_namespaces";
    const none = `${off}; export XDG_RUNTIME_DIR=${ground.directory}/run; exec setpriv --bounding-set=-sys_admin "$@"`;
    const told = examine(["unshare", "-Urm", "sh", "-c", none, "sh"]);
    expect({ code: told.code, usable: told.Usable }).toEqual({ code: 1, usable: false });
    expect(levelOf(told, "user")).toEqual(["fatal"]);
    expect(levelOf(told, "namespaces")).toEqual(["fatal"]);
  });

  test("arguments are refused", () => {
    expect(ground.pivot(["doctor", "now"]).stderr).toContain("doctor takes no arguments");
  });
});

test("which family a distribution is of", () => {
  expect(familyOf("ID=ubuntu\nID_LIKE=debian\n")).toBe("debian");
  expect(familyOf('NAME=x\nID="rocky"\nID_LIKE="rhel centos fedora"\n')).toBe("fedora");
  expect(familyOf("ID=alpine\n")).toBe("alpine");
  expect(familyOf("ID=unheard-of\n")).toBeNull();
});
