// Roots with links where a runtime expects directories: whatever is asked for inside, nothing is
// touched outside. Ordinary links keep working.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { Ground, type Ran, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("hostile");
const outside = `${ground.directory}/outside`;
const shown = `${ground.directory}/shown`;

/** All below a directory: kind, mode, owner, time of the last change, content. */
function snapshot(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = `${directory}/${name}`;
    const { mode, uid, mtimeMs, ctimeMs } = lstatSync(path);
    const line = `${path} ${mode.toString(8)} ${uid} ${mtimeMs} ${ctimeMs}`;
    if (lstatSync(path).isDirectory()) return [line, ...snapshot(path)];
    return [lstatSync(path).isFile() ? `${line} ${readFileSync(path, "utf8")}` : line];
  });
}

let count = 0;

/** A root with links in it: each a path below the root, and what the link says. */
function makeRoot(links: Readonly<Record<string, string>>): string {
  const root = makeSmallRoot(ground, `root-${count++}`);
  for (const [path, to] of Object.entries(links)) {
    rmSync(`${root}/${path}`, { recursive: true, force: true });
    symlinkSync(to, `${root}/${path}`);
  }
  return root;
}

/** How deep the roots lie, and so how many `..` lead from there to `/`, and some more. */
const up = "../".repeat(20);

/** What a link may say to lead out: on the host each leads to `outside`. */
const waysOut: readonly (readonly [what: string, to: string])[] = [
  ["an absolute path of the host", outside],
  ["a path with `..`", "../outside"],
  ["more `..` than there are directories", `${up}${outside.slice(1)}`],
  ["the root of a process", `/proc/self/root${outside}`],
  ["the root of the first process", `/proc/1/root${outside}`],
];

const run = (root: string, flags: readonly string[], words: readonly string[] = ["/bin/true"]) =>
  ground.run([...flags, "--rootfs", root, ...words]);

/** Either it worked, or it was refused in one line. */
function expectTidy({ code, stderr }: Ran): void {
  if (code !== 0) {
    expect(stderr).toMatch(/^pivot: [^\n]+\n$/);
    expect(code).toBe(125);
  }
}

describe.skipIf(whyNot !== undefined)(`hostile paths (${whyNot ?? "as root"})`, () => {
  let before: string[];
  beforeAll(() => {
    mkdirSync(`${outside}/deep`, { recursive: true });
    mkdirSync(shown);
    writeFileSync(`${outside}/file`, "the host's\n");
    writeFileSync(`${outside}/deep/file`, "the host's\n");
    writeFileSync(`${shown}/mark`, "shown\n");
  });
  beforeEach(() => {
    before = [String(lstatSync(outside).mtimeMs), ...snapshot(outside)];
  });
  const expectUntouched = () => {
    expect([String(lstatSync(outside).mtimeMs), ...snapshot(outside)]).toEqual(before);
  };
  afterAll(() => ground.close());

  for (const name of ["proc", "sys"]) {
    for (const to of [outside, "../outside", "/tmp", "tmp", name === "proc" ? "/sys" : "/proc"]) {
      test(`a root whose /${name} is a link to ${to.replace(ground.directory, "")} is refused`, () => {
        const ran = run(makeRoot({ [name]: to }), []);
        expect(ran).toMatchObject({ code: 125, stdout: "" });
        expect(ran.stderr).toMatch(
          new RegExp(`^pivot: cannot mount [^\\n]*${name}[^\\n]* symbolic link [^\\n]+\\n$`),
        );
        expectUntouched();
      });
    }
  }

  test("a link inside to where the kernel's view is wanted is refused in an image too", () => {
    const root = makeRoot({ proc: "/tmp" });
    const tools = [
      ["umoci", "init", "--layout", "layout"],
      ["umoci", "new", "--image", "layout:hostile"],
      ["umoci", "insert", "--image", "layout:hostile", root, "/"],
    ];
    for (const words of tools) {
      expect(ground.command(words, { cwd: ground.directory }).code).toBe(0);
    }
    const ran = ground.run([`oci:${ground.directory}/layout:hostile`, "/bin/true"]);
    expect(ran.code).toBe(125);
    expect(ran.stderr).toMatch(/^pivot: cannot mount [^\n]* symbolic link [^\n]+\n$/);
  });

  for (const [what, to] of waysOut) {
    test(`a root whose /dev is ${what} gets no device made outside`, () => {
      expectTidy(run(makeRoot({ dev: to }), []));
      expectUntouched();
    });

    const asked: readonly (readonly [wish: string, flags: string[]])[] = [
      ["a volume", ["-v", `${shown}:/link/new`]],
      ["a volume on the link itself", ["-v", `${shown}:/link`]],
      ["a volume on a directory that is there", ["-v", `${shown}:/link/deep`]],
      ["a file on a file", ["-v", `${shown}/mark:/link/file`]],
      ["a mount", ["--mount", `type=bind,source=${shown},target=/link/deep/new`]],
      ["a tmpfs", ["--tmpfs", "/link/new"]],
      ["a device", ["--device", "/dev/null:/link/null"]],
      ["a working directory", ["--workdir", "/link/new/directory"]],
      ["a mask", ["--security-opt", "mask=/link/file"]],
    ];
    for (const [wish, flags] of asked) {
      test(`${wish} below a link to ${what} stays inside`, () => {
        expectTidy(run(makeRoot({ link: to }), flags));
        expectUntouched();
      });
    }

    test(`${what} behind a chain of links stays inside`, () => {
      const root = makeRoot({ link: "/tmp/a", "tmp/a": "../tmp/b", "tmp/b": to });
      expectTidy(run(root, ["-v", `${shown}:/link/new`]));
      expectUntouched();
    });

    for (const name of ["etc", "etc/hosts", "etc/resolv.conf", "etc/hostname"]) {
      test(`/${name} that is ${what} stays inside`, () => {
        const end = name === "etc" ? to : `${to}/file`;
        expectTidy(run(makeRoot({ [name]: end }), []));
        expectUntouched();
      });
    }
  }

  test("links that lead to each other are refused in one line", () => {
    const root = makeRoot({ link: "/tmp/a", "tmp/a": "/link" });
    const ran = run(root, ["-v", `${shown}:/link/new`]);
    expect(ran.code).toBe(125);
    expect(ran.stderr).toMatch(/^pivot: [^\n]*ELOOP[^\n]*\n$/);
    expectUntouched();
  });

  test("`..` in a target stays inside", () => {
    const root = makeRoot({});
    const ran = run(root, ["-v", `${shown}:/tmp/${up}in/it`], ["/bin/cat", "/in/it/mark"]);
    expect(ran).toMatchObject({ code: 0, stdout: "shown\n" });
    expectUntouched();
  });

  test("what the executor makes for a mount point lies in the root, not beside it", () => {
    const root = makeRoot({});
    expect(run(root, ["-v", `${shown}:/made/for/it`]).code).toBe(0);
    expect(lstatSync(`${root}/made/for/it`).isDirectory()).toBe(true);
    expect(readdirSync(`${root}/made/for/it`)).toEqual([]);
  });

  describe("ordinary links", () => {
    test("an absolute link inside is followed: /var/run to /run", () => {
      const root = makeSmallRoot(ground, "ordinary", { "run/keep": "", "var/keep": "" });
      symlinkSync("/run", `${root}/var/run`);
      const flags = ["-v", `${shown}:/var/run/service`];
      const ran = run(root, flags, ["/bin/cat", "/run/service/mark", "/var/run/service/mark"]);
      expect(ran).toMatchObject({ code: 0, stdout: "shown\nshown\n", stderr: "" });
    });

    test("a relative link inside is followed: lib64 to usr/lib64", () => {
      const root = makeSmallRoot(ground, "relative", { "usr/lib64/keep": "" });
      symlinkSync("usr/lib64", `${root}/lib64`);
      const ran = run(root, ["-v", `${shown}:/lib64/new`], ["/bin/cat", "/usr/lib64/new/mark"]);
      expect(ran).toMatchObject({ code: 0, stdout: "shown\n", stderr: "" });
    });

    test("a link to a file is followed for a file", () => {
      const root = makeSmallRoot(ground, "file", { "etc/real": "", "opt/keep": "" });
      symlinkSync("../etc/real", `${root}/opt/name`);
      const ran = run(root, ["-v", `${shown}/mark:/opt/name`], ["/bin/cat", "/etc/real"]);
      expect(ran).toMatchObject({ code: 0, stdout: "shown\n", stderr: "" });
    });

    test("an /etc/resolv.conf that leads to where nothing is works, as on Debian", () => {
      const stub = "../run/systemd/resolve/stub-resolv.conf";
      const root = makeRoot({ "etc/resolv.conf": stub });
      const ran = run(root, ["--dns", "192.0.2.1"], ["/bin/cat", "/etc/resolv.conf"]);
      expect(ran).toMatchObject({ code: 0, stderr: "" });
      expect(ran.stdout).toContain("nameserver 192.0.2.1\n");
      expect(readlinkSync(`${root}/etc/resolv.conf`)).toBe(stub);
    });

    test("a /dev that is a link inside is the container's own all the same", () => {
      const root = makeRoot({ dev: "/tmp/devices" });
      mkdirSync(`${root}/tmp/devices`);
      const ran = run(root, [], ["/bin/sh", "-c", "echo x >/dev/null && ls /dev/zero"]);
      expect(ran).toMatchObject({ code: 0, stdout: "/dev/zero\n", stderr: "" });
      expect(readdirSync(`${root}/tmp/devices`)).toEqual([]);
    });
  });
});
