// The engine as a whole: info, version, what is taken on the disk, and what prune gives back.

import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { release } from "node:os";
import { DiskUsage } from "../src/host/disk-usage.ts";
import { version } from "../src/version.ts";
import { listIfThere } from "./leftovers.ts";
import { Ground, whyNot } from "./pivot.ts";
import { Session } from "./session.ts";

const ground = new Ground("system");
const skip = whyNot !== undefined;
const named = (name: string): string => (skip ? `${name}: ${whyNot}` : name);

afterAll(() => ground.close());

function said(words: readonly string[]): string {
  const { code, stdout, stderr } = ground.pivot(words);
  expect({ words, code, stderr }).toMatchObject({ code: 0 });
  return stdout;
}

/** Makes a file one that cannot be removed (chattr(1)), or one that can; false: not here. */
const fix = (path: string, flag: "+i" | "-i"): boolean =>
  spawnSync("chattr", [flag, path], { stdio: "ignore" }).status === 0;

const canFix = (() => {
  const path = `${ground.directory}/fixed`;
  writeFileSync(path, "");
  return fix(path, "+i") && fix(path, "-i");
})();

const rowOf = (table: string, type: string): string[] =>
  (table.split("\n").find((line) => line.startsWith(type)) ?? "").split(/ {2,}/);

test("a file with several names, or in several trees, counts once; what is gone counts for nothing", () => {
  const directory = mkdtempSync(`${ground.directory}/trees-`);
  mkdirSync(`${directory}/a/below`, { recursive: true });
  mkdirSync(`${directory}/b`);
  writeFileSync(`${directory}/a/one`, "x".repeat(1000));
  writeFileSync(Buffer.concat([Buffer.from(`${directory}/a/below/`), Buffer.from([0xff])]), "yy");
  linkSync(`${directory}/a/one`, `${directory}/a/below/again`);
  linkSync(`${directory}/a/one`, `${directory}/b/and-again`);
  const disk = new DiskUsage();
  expect(disk.below(`${directory}/a`)).toBe(1002);
  expect(disk.below(`${directory}/b`)).toBe(0);
  expect(new DiskUsage().below(`${directory}/b`)).toBe(1000);
  expect(disk.below(`${directory}/none`)).toBe(0);
  rmSync(directory, { recursive: true });
});

describe("info and version", () => {
  test.skipIf(skip)(named("docker's layout, with what is true here"), () => {
    const info = said(["info"]);
    expect(info).toStartWith(`Client:\n Version:    ${version}\n`);
    expect(info).toContain(`\n Kernel Version: ${release()}\n`);
    expect(info).toContain(`\n Pivot Root Dir: ${ground.root}\n`);
    expect(info).toMatch(/\n {2}Network: (bridge )?host none( pasta)?\n/);
    expect(info).toMatch(/\n {2}Stopped: 0\n/);
    expect(info).toMatch(/\n Cgroup Version: [12]( \(hybrid\))?\n/);
    const document = JSON.parse(said(["system", "info", "-f", "json"]));
    expect(document).toMatchObject({ Containers: 0, Driver: "overlay2", KernelVersion: release() });
    expect(said(["info", "-f", "{{.OSType}}/{{len .SecurityOptions}}"])).toMatch(/^linux\/\d\n$/);
  });

  test.skipIf(skip)(named("version, as a person and as a program reads it"), () => {
    expect(said(["version"])).toMatch(
      new RegExp(`^Client:\n Version: {11}${version}\n OCI spec: .*\n( .*\n)+$`),
    );
    expect(said(["version", "-f", "{{.Client.Version}}"])).toBe(`${version}\n`);
    expect(said(["--version"])).toBe(`pivot version ${version}\n`);
    expect(ground.pivot(["version", "-f", "{{.Client.Nope}}"])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: `pivot: template parsing error: template: :1:9: executing "" at <.Client.Nope>: map has no entry for key "Nope"\n`,
    });
  });
});

test.skipIf(skip)(named("inspect finds a thing of any kind, or of the kind that is told"), () => {
  said(["volume", "create", "kept"]);
  const names = ["inspect", "-f", "{{.Name}} {{.Driver}}"];
  expect(said([...names, "host", "kept"])).toBe("host host\nkept local\n");
  expect(said([...names, "--type", "network", "none"])).toBe("none null\n");
  const [network] = JSON.parse(said(["inspect", "host"])) as { Id: string }[];
  expect(said([...names, network?.Id.slice(0, 20) ?? ""])).toBe("host host\n");
  for (const [kind, what] of [
    [["--type", "network"], "network: kept"],
    [["--type", "volume"], "volume: host"],
    [[], "object: nothing"],
  ] as const) {
    expect(ground.pivot(["inspect", ...kind, what.replace(/.* /, "")])).toMatchObject({
      code: 1,
      stdout: "[]\n",
      stderr: `pivot: no such ${what}\n`,
    });
  }
  said(["volume", "rm", "kept"]);
});

describe("system df and system prune", () => {
  test.skipIf(skip)(named("what is measured is what prune gives back"), () => {
    expect(rowOf(said(["system", "df"]), "Images")).toEqual(["Images", "0", "0", "0B", "0B"]);
    const script = "head -c 500000 /dev/zero >/file; ln /file /same";
    said(["run", "--name", "ended", "-v", "/anonymous", "busybox", "sh", "-c", script]);
    const before = said(["system", "df"]);
    expect(rowOf(before, "Containers").slice(1, 3)).toEqual(["1", "0"]);
    expect(rowOf(before, "Containers")[3]).toMatch(/^50\d(\.\d+)?kB$/);
    expect(rowOf(before, "Containers")[4]).toEndWith(" (100%)");
    expect(rowOf(before, "Images").slice(1, 3)).toEqual(["1", "1"]);
    expect(rowOf(before, "Images")[4]).toBe("0B (0%)");
    expect(rowOf(before, "Local Volumes").slice(1, 3)).toEqual(["1", "1"]);
    const verbose = said(["system", "df", "-v"]);
    expect(verbose).toMatch(/\nbusybox +latest +[0-9a-f]{12} .* 1 *\n/);
    expect(verbose).toMatch(/ "sh -c 'head|"sh -c head/);
    expect(JSON.parse(said(["system", "df", "-v", "--format", "json"])).Containers).toHaveLength(1);
    // Nobody is asked where there is no terminal.
    expect(ground.pivot(["system", "prune"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("give -f to go on"),
    });
    const pruned = said(["system", "prune", "-f", "--volumes"]);
    expect(pruned).toMatch(
      /^Deleted Containers:\n[0-9a-f]{64}\n\nDeleted Volumes:\n[0-9a-f]{64}\n/,
    );
    expect(pruned).toMatch(/\nTotal reclaimed space: 50\d(\.\d+)?kB\n$/);
    const after = said(["system", "df"]);
    expect(rowOf(after, "Containers").slice(1)).toEqual(["0", "0", "0B", "0B"]);
    expect(rowOf(after, "Images").slice(1, 3)).toEqual(["1", "0"]);
    expect(rowOf(after, "Images")[4]).toEndWith(" (100%)");
    // With -a the image goes as well, and the measure is what is said to be given back.
    const all = said(["system", "prune", "-af"]);
    expect(all).toContain("untagged: busybox:latest\n");
    expect(/space: (.*)\n$/.exec(all)?.[1]).toBe(rowOf(after, "Images")[3] ?? "");
    expect(rowOf(said(["system", "df"]), "Images")).toEqual(["Images", "0", "0", "0B", "0B"]);
  });

  test.skipIf(skip)(named("filters choose, and what they cannot mean is said"), () => {
    said(["run", "--name", "red", "-l", "color=red", "busybox", "true"]);
    said(["run", "--name", "blue", "-l", "color=blue", "busybox", "true"]);
    said(["system", "prune", "-f", "--filter", "label=color=red"]);
    expect(said(["ps", "-a", "--format", "{{.Names}}"])).toBe("blue\n");
    said(["system", "prune", "-f", "--filter", "until=1h"]);
    expect(said(["ps", "-a", "--format", "{{.Names}}"])).toBe("blue\n");
    const refused: readonly (readonly [readonly string[], string])[] = [
      [["--filter", "nope=1"], 'invalid filter "nope"; keys are: label, label!, until'],
      [["--filter", "until=1h", "--volumes"], "leave --volumes out"],
      [["--filter", "until=soon"], "--filter until takes a duration"],
    ];
    for (const [words, line] of refused) {
      expect(ground.pivot(["system", "prune", "-f", ...words]).stderr).toContain(line);
    }
    said(["system", "prune", "-f"]);
    expect(said(["ps", "-aq"])).toBe("");
  });

  test.skipIf(skip)(
    named("one that was killed goes once, and is not taken for one that starts"),
    () => {
      const killed = () => {
        const id = said(["run", "-d", "--name", "killed", "busybox", "sleep", "1000"]).trim();
        const monitor = readFileSync(`${ground.runRoot}/${id}/monitor`, "utf8");
        process.kill(Number.parseInt(monitor, 10), "SIGKILL");
        for (let i = 0; i < 100 && said(["ps", "-q"]) !== ""; i++);
        return id;
      };
      const prune = ["system", "prune", "-f"];
      const first = killed();
      // A start that was noted is waited for, for 10 s.
      expect(ground.pivot(prune, { timeout: 8_000 })).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(
          new RegExp(`^Deleted Containers:\\n${first}\\n\\nTotal reclaimed space: .*\\n$`),
        ),
      });
      const second = killed();
      expect(said([...prune, "--filter", "label=none"])).toBe(
        `Deleted:\n${ground.runRoot}/${second}\n\nTotal reclaimed space: 0B\n`,
      );
      expect(said(["ps", "-a", "--format", "{{.Status}}"])).toMatch(/^Exited \(255\)/);
      said(["start", "killed"]);
      said(["rm", "-f", "killed"]);
    },
  );

  test.skipIf(skip || !canFix)(
    named("one that cannot be removed is told, and keeps no other"),
    () => {
      for (const name of ["fixed", "free"]) said(["run", "--name", name, "busybox", "touch", "/x"]);
      const [id = ""] = said(["ps", "-aq", "--no-trunc", "-f", "name=fixed"]).split("\n");
      const file = `${ground.root}/containers/${id}/upper/x`;
      expect(fix(file, "+i")).toBe(true);
      const { code, stdout, stderr } = ground.pivot(["system", "prune", "-f"]);
      expect(fix(file, "-i")).toBe(true);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/^pivot: cannot remove \S+ \(step .*\): EPERM: .*\n$/),
      });
      expect(stdout).toMatch(/^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: .*\n$/);
      expect(said(["ps", "-a", "--format", "{{.Names}}"])).toBe("fixed\n");
      said(["rm", "fixed"]);
    },
  );

  test.skipIf(skip)(named("at a terminal it asks, and only a yes is one"), async () => {
    said(["run", "--name", "here", "busybox", "true"]);
    for (const [answer, left] of [
      ["n", 1],
      ["", 1],
      ["y", 0],
    ] as const) {
      const session = new Session([
        `${import.meta.dir}/../build/pivot`,
        ...ground.roots(),
        "system",
        "prune",
      ]);
      const asked = await session.until(/\[y\/N\] /);
      expect(asked).toContain(
        [
          "WARNING! This will remove:",
          "  - all stopped containers",
          "  - what is left of killed containers",
          "  - all networks not used by at least one container",
          "",
        ].join("\r\n"),
      );
      session.type(`${answer}\r`);
      expect(await session.end()).toBe(0);
      expect(said(["ps", "-aq"]).split("\n")).toHaveLength(left + 1);
    }
  });

  test.skipIf(skip)(named("the build cache goes too, with what killed builds left"), () => {
    const cache = `${ground.root}/build`;
    mkdirSync(`${cache}/storage/overlay/below`, { recursive: true });
    writeFileSync(`${cache}/storage/overlay/below/file`, "x".repeat(4000));
    const gone = `.tmp-999999999-1-aaaaaaaaaaaa`;
    mkdirSync(`${cache}/${gone}/run`, { recursive: true });
    expect(rowOf(said(["system", "df"]), "Build Cache").slice(3)).toEqual(["4kB", "4kB"]);
    // A build at work holds the lock.
    const held = ground.command([
      "flock",
      "--shared",
      cache,
      `${import.meta.dir}/../build/pivot`,
      ...ground.roots(),
      "system",
      "prune",
      "-f",
    ]);
    const removed = `Deleted:\n${cache}/${gone}\n\nTotal reclaimed space: 0B\n`;
    expect(held).toMatchObject({ code: 0, stdout: removed, stderr: "" });
    expect(existsSync(`${cache}/storage/overlay/below/file`)).toBe(true);
    expect(said(["system", "prune", "-f"])).toBe("Total reclaimed space: 4kB\n");
    expect(listIfThere(cache)).toEqual([]);
  });
});
