// cp, export, diff and commit: docker's table of paths, and trees that come through as GNU tar has
// them.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { describeTree } from "../src/image/testing/fixture.ts";
import { Ground, type Running, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("transfer");
const local = `${ground.directory}/local`;
let root: string;
let running: Running;

const cp = (...words: string[]) => ground.pivot(["cp", ...words]);

const hasTar = spawnSync("tar", ["--version"], { encoding: "utf8" }).stdout?.includes("GNU tar");
const whyNoTar = whyNot ?? (hasTar === true ? undefined : "GNU tar is not there");

/** A directory's paths with the content of files: enough to see who went where. */
function listing(directory: string, prefix = ""): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const [path, shown] = [`${directory}/${entry.name}`, `${prefix}${entry.name}`];
      if (entry.isDirectory()) return [`${shown}/`, ...listing(path, `${shown}/`)];
      if (entry.isSymbolicLink()) return [`${shown} -> ${readlinkSync(path)}`];
      return [`${shown}=${readFileSync(path, "utf8")}`];
    });
}

/** Source, destination, what is at the destination then; or the error. */
type Row = readonly [source: string, destination: string, expected: readonly string[] | RegExp];

const table: readonly Row[] = [
  ["file", "new", ["new=one"]],
  ["file", "new/", /there is no such directory/],
  ["file", "old", ["old=one"]],
  ["file", "old/", /ENOTDIR/],
  ["file", "dir", ["dir/", "dir/file=one", "dir/kept=kept"]],
  ["file", "dir/", ["dir/", "dir/file=one", "dir/kept=kept"]],
  ["file", "dir/.", ["dir/", "dir/file=one", "dir/kept=kept"]],
  ["file", "none/new", /the directory above it is not there/],
  ["file/", "new", /ENOTDIR/],
  ["missing", "new", /there is no such file or directory/],
  ["tree", "new", ["new/", "new/deep/", "new/deep/two=two", "new/link -> deep/two"]],
  ["tree", "new/", ["new/", "new/deep/", "new/deep/two=two", "new/link -> deep/two"]],
  ["tree", "old", /a directory cannot be copied to a file/],
  [
    "tree",
    "dir",
    [
      "dir/",
      "dir/kept=kept",
      "dir/tree/",
      "dir/tree/deep/",
      "dir/tree/deep/two=two",
      "dir/tree/link -> deep/two",
    ],
  ],
  [
    "tree/.",
    "dir",
    ["dir/", "dir/deep/", "dir/deep/two=two", "dir/kept=kept", "dir/link -> deep/two"],
  ],
  ["tree/.", "new", ["new/", "new/deep/", "new/deep/two=two", "new/link -> deep/two"]],
  ["tree/link", "new", ["new -> deep/two"]],
  ["to-tree", "new", ["new -> tree"]],
  [
    "to-tree/",
    "dir",
    [
      "dir/",
      "dir/kept=kept",
      "dir/to-tree/",
      "dir/to-tree/deep/",
      "dir/to-tree/deep/two=two",
      "dir/to-tree/link -> deep/two",
    ],
  ],
  ["file", "to-dir", ["dir/", "dir/file=one", "dir/kept=kept", "to-dir -> dir"]],
  ["file", "to-old", ["old=one", "to-old -> old"]],
  ["file", "to-nothing", ["nothing=one", "to-nothing -> nothing"]],
  ["tree/.", "clash", /a directory is not replaced by something else|no directory is not replaced/],
];

function makeSource(directory: string): void {
  mkdirSync(`${directory}/tree/deep`, { recursive: true });
  writeFileSync(`${directory}/file`, "one");
  writeFileSync(`${directory}/tree/deep/two`, "two");
  symlinkSync("deep/two", `${directory}/tree/link`);
  symlinkSync("tree", `${directory}/to-tree`);
}

/** What can be copied to: which of it, the destination says. */
function makeDestination(directory: string, destination: string): void {
  mkdirSync(directory, { recursive: true });
  const needs = (...names: string[]) => names.some((name) => destination.split("/")[0] === name);
  if (needs("old", "to-old")) writeFileSync(`${directory}/old`, "old");
  if (needs("dir", "to-dir")) {
    mkdirSync(`${directory}/dir`);
    writeFileSync(`${directory}/dir/kept`, "kept");
  }
  if (needs("to-dir")) symlinkSync("dir", `${directory}/to-dir`);
  if (needs("to-old")) symlinkSync("old", `${directory}/to-old`);
  if (needs("to-nothing")) symlinkSync("nothing", `${directory}/to-nothing`);
  if (needs("clash")) {
    mkdirSync(`${directory}/clash`);
    writeFileSync(`${directory}/clash/deep`, "a file");
  }
}

function checkRow(to: string, [, , expected]: Row, ran: ReturnType<typeof cp>): void {
  if (expected instanceof RegExp) {
    expect(ran.stderr).toMatch(expected);
    expect(ran.stderr).toMatch(/^pivot: [^\n]+\n$/);
    expect(ran.code).toBe(1);
    return;
  }
  expect(ran).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  expect(listing(to)).toEqual([...expected]);
}

describe.skipIf(whyNot !== undefined)(`cp (${whyNot ?? "as root"})`, () => {
  beforeAll(async () => {
    root = makeSmallRoot(ground, "root");
    mkdirSync(local);
    makeSource(local);
    mkdirSync(`${root}/from`);
    makeSource(`${root}/from`);
    running = await ground.start(
      ["--rootfs"],
      [root, "/bin/sh", "-c", "echo ready; exec sleep 1000"],
    );
  });
  afterAll(async () => {
    await ground.close();
  });

  for (const [i, row] of table.entries()) {
    const [source, destination] = row;
    test(`${source} to CONTAINER:${destination}, and from CONTAINER:${source}`, () => {
      makeDestination(`${root}/in-${i}`, destination);
      const copiedIn = cp(`${local}/${source}`, `${running.name}:/in-${i}/${destination}`);
      checkRow(`${root}/in-${i}`, row, copiedIn);
      makeDestination(`${local}/out-${i}`, destination);
      const copiedOut = cp(`${running.name}:from/${source}`, `${local}/out-${i}/${destination}`);
      checkRow(`${local}/out-${i}`, row, copiedOut);
    });
  }

  test("-L copies what a link leads to, by the link's name", () => {
    mkdirSync(`${root}/follow`);
    expect(cp("-L", `${local}/to-tree`, `${running.name}:/follow`).code).toBe(0);
    expect(cp("-L", `${local}/tree/link`, `${running.name}:/follow`).code).toBe(0);
    expect(listing(`${root}/follow`)).toEqual([
      "link=two",
      "to-tree/",
      "to-tree/deep/",
      "to-tree/deep/two=two",
      "to-tree/link -> deep/two",
    ]);
  });

  test("owners are root's inside and the caller's outside, or with -a kept", () => {
    const file = `${local}/owned`;
    writeFileSync(file, "x");
    chownSync(file, 1234, 4321);
    chmodSync(file, 0o4755);
    const { name } = running;
    expect(cp(file, `${name}:/plain`).code).toBe(0);
    expect(cp("-a", file, `${name}:/kept`).code).toBe(0);
    expect(cp(`${name}:/kept`, `${local}/back`).code).toBe(0);
    expect(cp("-a", `${name}:/kept`, `${local}/back-kept`).code).toBe(0);
    const seen = [`${root}/plain`, `${root}/kept`, `${local}/back`, `${local}/back-kept`].map(
      (path) => {
        const { uid, gid, mode } = statSync(path);
        return [uid, gid, (mode & 0o7777).toString(8)];
      },
    );
    expect(seen).toEqual([
      [0, 0, "4755"],
      [1234, 4321, "4755"],
      // A set-user-ID program of a container would be one of the caller's.
      [0, 0, "755"],
      [1234, 4321, "4755"],
    ]);
  });

  test("what makes no sense is said in one line", () => {
    const wrong: readonly (readonly [string[], RegExp])[] = [
      [["a:b", "c:d"], /between containers/],
      [["a", "b"], /must be in a container/],
      [["a"], /needs a source and a destination/],
      [["nobody:/x", "."], /no such container: nobody/],
      [["-", `${running.name}:/from/file`], /must be a directory that is there/],
    ];
    for (const [words, expected] of wrong) {
      const { code, stderr } = ground.pivot(["cp", ...words], { input: "" });
      expect(stderr).toMatch(expected);
      expect(code).not.toBe(0);
    }
  });
});

const kept = (path: string) =>
  Object.fromEntries(
    [...describeTree(path)].map(([name, found]) => [name, { ...found, links: 0 }]),
  );

/** Files of every kind, with everything that a file can have. */
function makeRichTree(directory: string): void {
  const long = "n".repeat(120);
  mkdirSync(`${directory}/${long}/${long}`, { recursive: true });
  const run = (...words: string[]) => {
    const { status, stderr } = spawnSync(words[0] ?? "", words.slice(1), { encoding: "utf8" });
    if (status !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
  };
  writeFileSync(`${directory}/${long}/${long}/deep`, "deep");
  writeFileSync(`${directory}/file`, "content");
  utimesSync(`${directory}/file`, 1.5, 1_234_567.891234567);
  linkSync(`${directory}/file`, `${directory}/again`);
  linkSync(`${directory}/file`, `${directory}/${long}/again`);
  chownSync(`${directory}/file`, 3_000_000, 12);
  chmodSync(`${directory}/file`, 0o6711);
  writeFileSync(`${directory}/empty`, "");
  writeFileSync(`${directory}/block`, "b".repeat(512));
  utimesSync(`${directory}/block`, -2, -1.25);
  symlinkSync("/nowhere", `${directory}/link`);
  symlinkSync("x".repeat(300), `${directory}/long-link`);
  run("mkfifo", `${directory}/fifo`);
  run("mknod", `${directory}/device`, "c", "1", "3");
  mkdirSync(`${directory}/closed`, 0o700);
  chmodSync(`${directory}/closed`, 0o1000);
  writeFileSync(`${directory}/.wh.name`, "only a name");
  writeFileSync(Buffer.from(`${directory}/\xff\xfe`, "latin1"), "no UTF-8");
  spawnSync("setfattr", ["-n", "user.note", "-v", "line\nbreak", `${directory}/empty`]);
  spawnSync("setcap", ["cap_net_raw+ep", `${directory}/block`]);
  utimesSync(`${directory}/closed`, 5, 5);
  utimesSync(directory, 7, 7);
}

describe.skipIf(whyNoTar !== undefined)(`trees (${whyNoTar ?? "as GNU tar has them"})`, () => {
  const tree = `${ground.directory}/rich`;
  const stopped = () => {
    const { code, stderr } = ground.pivot(["create", "--name", "stopped", "busybox", "true"]);
    if (code !== 0) throw new Error(stderr);
  };
  const sh = (script: string) => {
    const ran = ground.command(["sh", "-ec", script], {
      env: { ...process.env, LC_ALL: "C" } as Record<string, string>,
    });
    if (ran.code !== 0) throw new Error(`${script}: ${ran.stderr}`);
    return ran.stdout;
  };
  const pivot = () =>
    `${new URL("../build/pivot", import.meta.url).pathname} ${ground.roots().join(" ")}`;
  const attributes = "--xattrs --xattrs-include='*'";

  beforeAll(() => {
    makeRichTree(tree);
    stopped();
  });
  afterAll(() => {
    ground.pivot(["rm", "-f", "stopped"]);
    rmSync(ground.directory, { recursive: true, force: true });
  });

  test("into a container that was never started and out again, all is as it was", () => {
    expect(ground.pivot(["cp", "-a", tree, "stopped:/rich"])).toMatchObject({
      code: 0,
      stderr: "",
    });
    const back = `${ground.directory}/back`;
    expect(ground.pivot(["cp", "-a", "stopped:/rich", back])).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(kept(back)).toEqual(kept(tree));
  });

  test("GNU tar reads what cp writes, and the other way", () => {
    const out = `${ground.directory}/gnu`;
    mkdirSync(out);
    sh(`${pivot()} cp stopped:/rich/. - | tar -x -p --numeric-owner ${attributes} -C ${out}`);
    expect(kept(out)).toEqual(kept(tree));
    sh(
      `${pivot()} cp ${tree}/. stopped:/empty-first; ${pivot()} cp stopped:/empty-first - >/dev/null`,
    );
    sh(
      `tar -c --format=pax --numeric-owner ${attributes} -C ${ground.directory} rich | gzip | ${pivot()} cp - stopped:/tmp-tree/ 2>&1 | grep -q 'must be a directory'`,
    );
    sh(
      `tar -c --format=pax --numeric-owner ${attributes} -C ${ground.directory} rich | gzip | ${pivot()} cp - stopped:/empty-first`,
    );
    const again = `${ground.directory}/again`;
    sh(`${pivot()} cp -a stopped:/empty-first/rich ${again}`);
    expect(kept(again)).toEqual(kept(tree));
  });

  test("an export that fails takes the file away that it has made, no device, and none of another day", () => {
    const gone = makeSmallRoot(ground, "gone");
    ground.pivot(["create", "--name", "gone", "--rootfs", gone, "/bin/true"]);
    rmSync(gone, { recursive: true });
    const device = `${ground.directory}/null`;
    sh(`mknod ${device} c 1 3`);
    const [made, old] = [`${ground.directory}/made`, `${ground.directory}/made/old.tar`];
    mkdirSync(made);
    writeFileSync(old, "of another day");
    for (const [file, stays] of [
      [device, true],
      [`${made}/new.tar`, false],
      [old, true],
    ] as const) {
      expect(ground.pivot(["export", "-o", file, "gone"]).code).toBe(1);
      expect(existsSync(file)).toBe(stays);
    }
    expect(readFileSync(old, "utf8")).toBe("of another day");
    expect(readdirSync(made)).toEqual(["old.tar"]);
    ground.pivot(["rm", "gone"]);
  });

  test("diff, export and commit agree on what the container is", () => {
    const changes = sh(`${pivot()} diff stopped`).split("\n");
    expect(
      changes.filter((line) => !line.includes("/rich") && !line.includes("/empty-first")),
    ).toEqual([""]);
    expect(changes).toContain("A /rich/closed");
    const whole = `${ground.directory}/whole`;
    mkdirSync(whole);
    sh(`${pivot()} export stopped | tar -x -p --numeric-owner ${attributes} -C ${whole}`);
    expect(kept(`${whole}/rich`)).toEqual(kept(tree));
    expect(existsSync(`${whole}/bin/busybox`)).toBe(true);
  });

  test("whoever reads only the beginning is told so in one line, not which file it was at", () => {
    for (const words of ["export stopped", "cp stopped:/bin -"]) {
      const said = sh(`{ ${pivot()} ${words} | head -c 10 >/dev/null; } 2>&1`);
      expect(said).toMatch(/^pivot: [^\n]*: nobody reads the archive to its end[^\n]*\n$/);
    }
  });

  test("an image of a container has its changes, and runs", () => {
    const script =
      "rm /bin/vi; rm -r /etc/passwd; mkdir -p /new/a; echo 1 >/new/a/f; ln /new/a/f /new/g; rm -r /usr; mkdir /usr; echo 2 >/usr/h";
    const ran = ground.pivot([
      "run",
      "--name",
      "changed",
      "-e",
      "A=b",
      "busybox",
      "sh",
      "-c",
      script,
    ]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(sh(`${pivot()} diff changed`).trim().split("\n")).toEqual(
      expect.arrayContaining([
        "C /bin",
        "D /bin/vi",
        "D /etc/passwd",
        "A /new",
        "A /new/a/f",
        "A /new/g",
        "A /usr/h",
      ]),
    );
    const commit = ground.pivot([
      "commit",
      "-a",
      "me",
      "-m",
      "why",
      "-c",
      "LABEL x=y",
      "changed",
      "made:1",
    ]);
    expect(commit.stderr).toBe("");
    expect(commit.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    const look =
      "ls /bin/vi /etc/passwd 2>&1 | wc -l; cat /new/g /usr/h; ls /usr; echo $A; stat -c %h /new/a/f";
    expect(ground.run(["made:1", "sh", "-c", look]).stdout).toBe("2\n1\n2\nh\nb\n2\n");
    ground.pivot(["rm", "-f", "changed"]);
  });
});
