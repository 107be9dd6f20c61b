// `pivot try`: that the host's tree stays untouched, and that diff and apply mean what they say.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { openView } from "../src/mod.ts";
import { listIfThere } from "./leftovers.ts";
import { patience } from "./patience.ts";
import { Ground, pivotPath, type Ran, type RunSettings, whyNot } from "./pivot.ts";

const ground = new Ground("try");
const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/root" };

afterAll(() => ground.close());

let count = 0;

/** A new directory of the host with some of everything in it. */
function project(): string {
  const path = `${ground.directory}/project-${count++}`;
  mkdirSync(`${path}/dir/deep`, { recursive: true });
  mkdirSync(`${path}/gone/deep`, { recursive: true });
  mkdirSync(`${path}/swap`);
  mkdirSync(`${path}/again/deep`, { recursive: true });
  for (const name of [
    "again/a",
    "again/deep/b",
    "file",
    "dir/file",
    "dir/deep/file",
    "gone/a",
    "gone/deep/b",
    "swap/in",
  ]) {
    writeFileSync(`${path}/${name}`, `${name} of the host\n`);
  }
  symlinkSync("file", `${path}/link`);
  return path;
}

const attempt = (cwd: string, script: string, flags: string[] = [], settings: RunSettings = {}) =>
  ground.pivot(["try", ...flags, "--", "sh", "-c", script], { cwd, env, ...settings });

/** A command of the last try; anything but this exit code throws. */
function pivot(cwd: string, words: string[], code = 0): Ran {
  const ran = ground.pivot(["try", ...words], { cwd, env });
  if (ran.code !== code) throw new Error(`${words.join(" ")}: ${ran.code}: ${ran.stderr}`);
  return ran;
}

const lines = ({ stdout }: Ran): string[] => stdout.split("\n").filter((line) => line !== "");

const find = (path: string, format: string): string[] => {
  const { stdout } = spawnSync("find", [path, "-printf", `${format}\\0`], { encoding: "latin1" });
  return stdout.split("\0").toSorted();
};

/** Everything that a change of the host's tree could show in. */
const everything = (path: string): string[] => find(path, "%p %y %i %n %m %U %G %s %l %T@ %C@");

/** What a tree is, whichever inodes it has; the sums say what is in the files. */
const listing =
  "find . -type d -printf '%P %y %m %U %G\\n' -o -printf '%P %y %m %U %G %s %l %T@ %n\\n' | LC_ALL=C sort;" +
  "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum";

const treeOf = (cwd: string): string => ground.command(["sh", "-c", listing], { cwd }).stdout;

/** Changes of every kind; `cp -a` would lose nothing of it. */
const manyChanges = [
  "echo more >>file; echo new >new; chmod 600 dir/file; touch -d 2001-02-03T04:05:06 dir/deep/file",
  "rm -r gone; mv dir/deep dir/moved; rm -r swap; echo no directory >swap",
  "rm link; mkdir link; echo in >link/in; ln -s ../nowhere made-link; mkfifo fifo",
  "ln new new-again; mkdir -p a/b/c; echo c >a/b/c/c; chmod 1777 a/b; chown 12:34 a/b/c/c",
  "printf 'x\\0y' >binary; : >empty; truncate -s 1M sparse; echo end >>sparse",
  "setfattr -n user.note -v kept new 2>/dev/null",
  "rm -r again; mkdir again; echo only >again/only; mkdir again/deep; echo c >again/deep/c",
  "mkdir closed; echo x >closed/in; mkdir closed/below; chmod 500 closed/below closed",
  "mkdir \"$(printf 'odd\\nname')\"; echo x >\"$(printf 'odd\\nname/\\303\\274 \\\\ \\042 \\377')\"; echo x >-n; echo x >' '",
].join("\n");

describe.skipIf(whyNot !== undefined)(`try (${whyNot ?? "as root"})`, () => {
  test("the command is the caller: same user, directory, files, environment, exit code", () => {
    const groups = ["setpriv", "--groups", "7,8", pivotPath, ...ground.roots()];
    expect(ground.command([...groups, "try", "--", "id", "-G"], { env }).stdout).toBe("0 7 8\n");
    const cwd = project();
    const ran = attempt(cwd, 'pwd; id -u; cat file; echo "$MARK $HOME"; umask; exit 7', [], {
      env: { ...env, MARK: "here" },
    });
    expect(ran.stdout).toBe(`${cwd}\n0\nfile of the host\nhere /root\n0022\n`);
    expect(ran.code).toBe(7);
    expect(attempt(cwd, "cat >copy; cat copy", [], { input: "in\n" }).stdout).toBe("in\n");
  });

  test("the host's tree is untouched while it runs and after, whatever is done in the view", () => {
    const cwd = project();
    const before = everything(cwd);
    const parent = find(ground.directory, "%p %i").filter((line) => !/\/(data|run)\b/.test(line));
    const script = `${manyChanges}; mkdir /brand-new /etc/brand-new; echo x >/etc/hosts; ls -d /brand-new`;
    const ran = attempt(cwd, script);
    expect(ran.stderr).toBe("");
    expect(ran.stdout).toBe("/brand-new\n");
    expect(everything(cwd)).toEqual(before);
    expect(existsSync("/brand-new") || existsSync("/etc/brand-new")).toBeFalse();
    const now = find(ground.directory, "%p %i").filter((line) => !/\/(data|run)\b/.test(line));
    expect(now).toEqual(parent);
    pivot(cwd, ["discard"]);
    expect(everything(cwd)).toEqual(before);
  });

  test("what is applied is what the view showed, to the byte", () => {
    const cwd = project();
    const ran = attempt(cwd, `${manyChanges}; ${listing}`);
    expect(ran.stderr).toBe("");
    expect(treeOf(cwd)).not.toBe(ran.stdout);
    expect(pivot(cwd, ["apply"]).stdout).toMatch(
      /^Applied \d+ changes, and discarded the try \S+\n$/,
    );
    expect(treeOf(cwd)).toBe(ran.stdout);
    const sparse = spawnSync("stat", ["-c", "%b", `${cwd}/sparse`], { encoding: "utf8" }).stdout;
    expect(Number(sparse)).toBeLessThan(100);
    expect(find(cwd, "%f").filter((name) => name.startsWith(".pivot"))).toEqual([]);
  });

  test("diff lists what was made, changed, removed; not what was only opened", () => {
    const cwd = project();
    attempt(cwd, `${manyChanges}; echo >>dir/moved/file; : >>/etc/passwd`);
    const said = lines(pivot(cwd, ["diff"]));
    expect(said).toContain("M\tfile");
    expect(said).toContain("A\tnew");
    expect(said).toContain("M\tdir/file  (mode 0644 -> 0600)");
    expect(said).toContain("D\tgone/");
    expect(said).toContain("D\tdir/deep/");
    expect(said).toContain("A\tdir/moved/");
    expect(said.filter((line) => line.includes("\tagain"))).toEqual([
      "D\tagain/a",
      "D\tagain/deep/b",
      "A\tagain/deep/c",
      "A\tagain/only",
    ]);
    expect(said).toContain("T\tswap  (directory -> file)");
    expect(said).toContain("T\tlink/  (symbolic link -> directory)");
    expect(said).toContain("A\tmade-link  (-> ../nowhere)");
    expect(said).toContain('A\t"odd\\nname/"');
    expect(said.filter((line) => /passwd|gone\/a/.test(line))).toEqual([]);
    expect(lines(pivot(cwd, ["diff", "file", "dir"]))).toContain("M\tfile");
    expect(lines(pivot(cwd, ["diff", "gone"]))).toEqual(["D\tgone/"]);
    const json = lines(pivot(cwd, ["diff", "--format", "json"])).map((line) => JSON.parse(line));
    expect(json.find(({ path }) => path === `${cwd}/file`)).toMatchObject({
      change: "M",
      differs: ["content", "times"],
      conflict: null,
    });
    expect(pivot(cwd, ["diff", "nothing-here"], 1).stderr).toContain("changed nothing there");
    pivot(cwd, ["discard"]);
  });

  test("diff -p is a patch that makes of the host's files those of the view", () => {
    const cwd = project();
    attempt(
      cwd,
      "sed -i s/host/view/ file dir/file; echo a >a; rm -r gone; ln -sf other link; ls -R",
    );
    const { stdout: patch } = pivot(cwd, ["diff", "-p"]);
    expect(pivot(cwd, ["diff", "--stat"]).stdout).toMatch(/ file +\| 2 \+-\n/);
    const ran = ground.command(["git", "apply", "--unsafe-paths", "-p1", "--directory=/"], {
      cwd: "/",
      input: patch,
      env,
    });
    expect(ran.stderr).toBe("");
    expect(readFileSync(`${cwd}/dir/file`, "utf8")).toBe("dir/file of the view\n");
    expect(existsSync(`${cwd}/gone/a`)).toBeFalse();
    // Nothing is different any more but dates, and directories, which a patch does not know.
    expect(pivot(cwd, ["diff", "-p"]).stdout).toBe("");
    pivot(cwd, ["discard"]);
  });

  test("a part is applied, with the directories that lead there; the rest stays", () => {
    const cwd = project();
    attempt(cwd, "mkdir -p a/b; echo 1 >a/b/one; echo 2 >a/two; echo 3 >file; rm gone/a");
    expect(pivot(cwd, ["apply", "-n", "a/b/one"]).stdout).toContain("A\t");
    expect(existsSync(`${cwd}/a`)).toBeFalse();
    expect(pivot(cwd, ["apply", "a/b/one"]).stdout).toBe("Applied 3 changes\n");
    expect(readdirSync(`${cwd}/a`)).toEqual(["b"]);
    expect(lines(pivot(cwd, ["diff"]))).toEqual(["A\ta/two", "M\tfile", "D\tgone/a"]);
    pivot(cwd, ["apply", "gone"]);
    expect(readdirSync(`${cwd}/gone`)).toEqual(["deep"]);
    expect(pivot(cwd, ["apply"]).stdout).toContain("Applied 2 changes");
    expect(readFileSync(`${cwd}/file`, "utf8")).toBe("3\n");
  });

  test("where the host changed meanwhile nothing is applied, unless it is forced", () => {
    const cwd = project();
    attempt(cwd, "echo view >>file; rm gone/a dir/file; echo x >new; echo y >other");
    writeFileSync(`${cwd}/file`, "by somebody else\n");
    writeFileSync(`${cwd}/gone/a`, "kept\n");
    writeFileSync(`${cwd}/new`, "by somebody else, too\n");
    const { stderr } = pivot(cwd, ["apply"], 1);
    expect(stderr).toContain(`${cwd}/file: it changed on the host after the try began`);
    expect(stderr).toContain(`${cwd}/gone/a: it changed`);
    expect(stderr).toContain(`${cwd}/new: it changed`);
    expect(stderr).not.toContain("dir/file");
    expect(existsSync(`${cwd}/other`)).toBeFalse();
    expect(existsSync(`${cwd}/dir/file`)).toBeTrue();
    pivot(cwd, ["apply", "other", "dir"]);
    expect(existsSync(`${cwd}/other`)).toBeTrue();
    pivot(cwd, ["apply", "--force"]);
    expect(readFileSync(`${cwd}/file`, "utf8")).toBe("file of the host\nview\n");
    expect(readFileSync(`${cwd}/new`, "utf8")).toBe("x\n");
  });

  test("a file that the host removed meanwhile does not come back unasked", () => {
    const cwd = project();
    attempt(cwd, "echo more >>file");
    rmSync(`${cwd}/file`);
    expect(pivot(cwd, ["apply"], 1).stderr).toContain("it is gone from the host");
    expect(existsSync(`${cwd}/file`)).toBeFalse();
    pivot(cwd, ["discard"]);
  });

  test("--name goes on with a view, also after a part of it was applied and changed again", () => {
    const cwd = project();
    attempt(cwd, "echo 1 >step", ["--name", "long"]);
    expect(attempt(cwd, "cat step; echo 2 >>step; exit 3", ["--name", "long"])).toMatchObject({
      stdout: "1\n",
      code: 3,
    });
    pivot(cwd, ["apply", "--name", "long", "step"]);
    attempt(cwd, "echo 3 >>step", ["--name", "long"]);
    pivot(cwd, ["apply", "--name", "long"]);
    expect(readFileSync(`${cwd}/step`, "utf8")).toBe("1\n2\n3\n");
    expect(attempt(cwd, "true", ["--name", "999"]).stderr).toContain("there is no try 999");
    expect(attempt(cwd, "true", ["--name", "../x"]).code).toBe(125);
  });

  test("links that the program plants lead neither diff nor apply anywhere else", () => {
    const cwd = project();
    const canary = `${ground.directory}/canary-${count++}`;
    mkdirSync(`${canary}/deep`, { recursive: true });
    writeFileSync(`${canary}/file`, "secret\n");
    const before = everything(canary);
    attempt(
      cwd,
      `rm -r dir; ln -s ${canary} dir; ln -s ${canary}/file planted; rm file; ln -s ${canary}/file file`,
    );
    expect(pivot(cwd, ["diff", "-p"]).stdout).not.toContain("secret");
    const upper = `${ground.root}/tries/${lines(pivot(cwd, ["ls", "-q"]))[0]}/0/upper`;
    pivot(cwd, ["apply", "--keep"]);
    expect(everything(canary)).toEqual(before);
    expect(find(cwd, "%P %l")).toContain(`dir ${canary}`);
    // A directory of the view becomes a link after it was looked at, and one of the host.
    const steps = (path: string) => `A f - 0 1 1 1 1 0 0\0${path}\0\0`;
    symlinkSync(canary, `${upper}/out`);
    for (const path of ["out/file", `${cwd.slice(1)}/dir/new`, "../x", "/x", "a//b"]) {
      const args = ["view", "apply", `${ground.root}/tries`, upper, "/"];
      const ran = spawnSync(pivotPath, args, { argv0: "pivot-executor", input: steps(path) });
      expect(ran.status).toBe(1);
      expect(ran.stdout.toString()).toStartWith("fail 0 ");
    }
    expect(everything(canary)).toEqual(before);
    pivot(cwd, ["discard"]);
  });

  test("a directory of the host that became a link meanwhile is not written through", () => {
    const cwd = project();
    const canary = `${ground.directory}/canary-${count++}`;
    mkdirSync(canary);
    attempt(cwd, "echo x >dir/new");
    rmSync(`${cwd}/dir`, { recursive: true });
    symlinkSync(canary, `${cwd}/dir`);
    pivot(cwd, ["apply"], 1);
    expect(readdirSync(canary)).toEqual([]);
    // Forced, the link gives way to the directory of the view.
    pivot(cwd, ["apply", "--force"]);
    expect(readdirSync(canary)).toEqual([]);
    expect(readFileSync(`${cwd}/dir/new`, "utf8")).toBe("x\n");
  });

  test("setuid files are refused unless they are allowed; devices cannot be made", () => {
    const cwd = project();
    const ran = attempt(cwd, "cp /bin/true suid; chmod 4755 suid; echo x >plain; mknod dev c 1 3");
    expect(ran.stderr).toMatch(/mknod.*not permitted/);
    expect(pivot(cwd, ["apply"], 1).stderr).toContain("suid: it runs with others' rights");
    expect(existsSync(`${cwd}/plain`)).toBeFalse();
    pivot(cwd, ["apply", "--allow-privileged"]);
    expect(find(cwd, "%f %m")).toContain("suid 4755");
  });

  const noSetcap = Bun.which("setcap") === null ? "setcap is not there: libcap2-bin" : undefined;
  test.skipIf(noSetcap !== undefined)(
    `extended attributes come along (${noSetcap ?? "capabilities"})`,
    () => {
      const cwd = project();
      attempt(cwd, "cp /bin/true able; setcap cap_net_bind_service+ep able; chmod 755 file");
      expect(pivot(cwd, ["diff"]).stdout).toContain("A\table  (runs with others' rights)");
      expect(pivot(cwd, ["apply"], 1).stderr).toContain("able: it runs with others' rights");
      pivot(cwd, ["apply", "--allow-privileged"]);
      const able = spawnSync("getcap", [`${cwd}/able`], { encoding: "utf8" }).stdout;
      expect(able).toContain("cap_net_bind_service=ep");
      // Taken away from the view's copy, it is taken away from the host's.
      attempt(cwd, "setcap -r able");
      expect(pivot(cwd, ["diff"]).stdout).toBe("M\table  (extended attributes)\n");
      pivot(cwd, ["apply"]);
      expect(spawnSync("getcap", [`${cwd}/able`], { encoding: "utf8" }).stdout).toBe("");
    },
  );

  test("names of one file stay names of one file", () => {
    const cwd = project();
    linkSync(`${cwd}/file`, `${cwd}/also`);
    attempt(cwd, "ln dir/file dir/second; echo x >one; ln one two; ln one dir/three");
    pivot(cwd, ["apply"]);
    const inodes = Object.fromEntries(find(cwd, "%P %i").map((line) => line.split(" ")));
    expect(inodes["dir/second"]).toBe(inodes["dir/file"]);
    expect(inodes["two"]).toBe(inodes["one"]);
    expect(inodes["dir/three"]).toBe(inodes["one"]);
    expect(inodes["also"]).toBe(inodes["file"]);
    // In the view only one of the two is another file now.
    attempt(cwd, "chmod 600 also");
    pivot(cwd, ["apply"]);
    expect(find(cwd, "%P %m")).toEqual(expect.arrayContaining(["also 600", "file 644"]));
    // Both names go: the first to go changes the inode that the second is known by.
    attempt(cwd, "rm one; rm two; mkdir two");
    pivot(cwd, ["apply"]);
    expect(find(cwd, "%P %y")).toContain("two d");
    expect(existsSync(`${cwd}/one`)).toBeFalse();
  });
});

describe.skipIf(whyNot !== undefined)(`try and the machine (${whyNot ?? "as root"})`, () => {
  test("sockets of the host cannot be spoken to, but for those that are shared", async () => {
    const cwd = project();
    const server = createServer((socket) => void socket.end("hello\n"));
    await new Promise<void>((resolve) => void server.listen(`${cwd}/socket`, resolve));
    const program =
      'const net = require("net"); net.connect(process.argv[1]).on("error", e => console.log(e.code)).on("data", d => console.log(String(d).trim()))';
    const ask = async (flags: string[]): Promise<string> => {
      const words = ["try", ...flags, "--", process.execPath, "-e", program, `${cwd}/socket`];
      const child = Bun.spawn([pivotPath, ...ground.roots(), ...words], {
        cwd,
        env,
        stdin: "ignore",
      });
      return (await new Response(child.stdout).text()).trim();
    };
    expect(await ask([])).toBe("ECONNREFUSED");
    expect(await ask(["--share", `${cwd}/socket`])).toBe("hello");
    server.close();
    expect(attempt(cwd, "ls /run; ls /dev/shm").stdout).toBe("lock\n");
  });

  test("what the host runs is not seen, and its kernel settings cannot be changed", () => {
    const cwd = project();
    const script =
      "ps ax | grep -c '[p]ivot-init'; ls /proc | grep -c '^[0-9]'; echo 1 >/proc/sys/kernel/sysrq; echo x >/sys/power/state; cat /proc/1/status | grep -E 'NoNewPrivs|CapEff'";
    const { stdout, stderr } = attempt(cwd, script);
    const [init, processes, noNewPrivs, capabilities] = stdout.split("\n");
    expect(init).toBe("1");
    expect(Number(processes)).toBeLessThan(8);
    expect(`${noNewPrivs}${capabilities}`).toContain("00000000a00405fb");
    expect(stderr).toMatch(/sysrq.*\n.*power/s);
    expect(attempt(cwd, "grep NoNewPrivs /proc/self/status").stdout).toBe("NoNewPrivs:\t1\n");
  });

  test("the network is the host's, or none", () => {
    const cwd = project();
    const own = spawnSync("readlink", ["/proc/self/ns/net"], { encoding: "utf8" }).stdout;
    expect(attempt(cwd, "readlink /proc/self/ns/net").stdout).toBe(own);
    const none = attempt(cwd, "readlink /proc/self/ns/net; ls /sys/class/net", [
      "--network",
      "none",
    ]);
    expect(none.stdout).not.toContain(own);
    expect(none.stdout).toMatch(/\nlo\n$/);
  });

  test("keys are covered, without anything being made for those that are not there", () => {
    const cwd = project();
    mkdirSync(`${cwd}/.ssh`);
    writeFileSync(`${cwd}/.ssh/id`, "key\n");
    writeFileSync(`${cwd}/.netrc`, "password\n");
    const home = { env: { ...env, HOME: cwd } };
    const script = "cat .ssh/id .netrc dir/file file; ls -A .ssh; ls -A";
    const { stdout } = attempt(cwd, script, ["--hide", "./file"], home);
    expect(stdout).toBe("dir/file of the host\n.netrc\n.ssh\nagain\ndir\nfile\ngone\nlink\nswap\n");
    expect(attempt(cwd, "cat .ssh/id", ["--show", "~/.ssh"], home).stdout).toBe("key\n");
  });

  test("--share shows a place as it is", () => {
    const cwd = project();
    attempt(cwd, "echo real >dir/shared; echo view >file", ["--share", "dir"]);
    expect(readFileSync(`${cwd}/dir/shared`, "utf8")).toBe("real\n");
    expect(readFileSync(`${cwd}/file`, "utf8")).toBe("file of the host\n");
    expect(attempt(cwd, "true", ["--share", "nowhere"]).stderr).toContain("--share");
  });

  test("mounts below the root have views of their own, at their own paths", () => {
    const cwd = project();
    mkdirSync(`${cwd}/ram`);
    mkdirSync(`${cwd}/fixed`);
    writeFileSync(`${cwd}/bound`, "below\n");
    writeFileSync(`${ground.directory}/over`, "above\n");
    const word = [pivotPath, ...ground.roots()].map((each) => `'${each}'`).join(" ");
    const script = `
      pivot() { ${word} "$@"; }
      mount -t tmpfs ram ram; mkdir -m 1777 ram/in; echo host >ram/file; chmod 1770 ram
      mount -t tmpfs fixed fixed; echo host >fixed/file; mount -o remount,ro fixed
      mount --bind ${ground.directory}/over bound
      find ram fixed bound -printf '%p %i %C@ %m %s\\n' >../before
      pivot try -- sh -c 'stat -c %a ram; cat ram/file bound; echo view >ram/file; echo x >ram/in/new; rm -r ram/in; echo y >ram/y; echo z >fixed/z; echo z >bound; grep -c " overlay " /proc/mounts'
      find ram fixed bound -printf '%p %i %C@ %m %s\\n' >../after
      cmp ../before ../after && echo untouched
      pivot try diff
      pivot try apply ram/y ram/file
      cat ram/y; ls ram; cat ram/file
      umount ram
      pivot try diff; pivot try discard`;
    const ran = ground.command(
      ["unshare", "-m", "--propagation", "private", "bash", "-c", script],
      {
        cwd,
        env,
      },
    );
    expect(ran.stdout).toMatch(
      /^1770\nhost\nabove\n\d+\nuntouched\nM\tram\/file\nD\tram\/in\/\nA\tram\/y\nApplied 2 changes\ny\nfile\nin\ny\nview\n\w+\n$/,
    );
    expect(ran.stderr).toMatch(/fixed\/z: Read-only.*bound: Read-only.*ram is left out/s);
    expect(existsSync(`${cwd}/ram/y`)).toBeFalse();
  });

  test("when the disk is full midway, it says what is not applied, and the view stays", () => {
    const cwd = project();
    mkdirSync(`${cwd}/small`);
    const word = [pivotPath, ...ground.roots()].map((each) => `'${each}'`).join(" ");
    const script = `
      pivot() { ${word} "$@"; }
      mount -t tmpfs -o size=64k small small; echo host >small/b
      pivot try -- sh -c 'echo a >small/a; head -c 100000 /dev/zero >small/b; echo c >small/c'
      pivot try apply; echo "code $?"; cat small/*; ls -A small
      mount -o remount,size=1m small; pivot try apply; stat -c %s small/b; cat small/c`;
    const unshared = ["unshare", "-m", "--propagation", "private", "bash", "-c", script];
    const ran = ground.command(unshared, { cwd, env });
    expect(ran.stderr).toMatch(
      /small\/b: it could not be applied: ENOSPC[^\n]*\n[^\n]*the rest is not/,
    );
    expect(ran.stdout).toMatch(
      /^code 1\na\nhost\na\nb\nApplied 2 changes, and discarded the try \d+\n100000\nc\n$/,
    );
  });

  test("a killed try leaves nothing on the host, and its view can be gone on with", async () => {
    const cwd = project();
    const before = everything(cwd);
    const args = [...ground.roots(), "try", "--name", "killed", "--", "sh", "-c"];
    const child = spawn(pivotPath, [...args, "echo x >new; echo ready; sleep 100"], { cwd, env });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    for (const words of [
      ["apply", "--name", "killed"],
      ["discard", "killed"],
    ]) {
      expect(ground.pivot(["try", ...words], { cwd, env }).stderr).toContain("is in use");
    }
    expect(attempt(cwd, "true", ["--name", "killed"]).stderr).toContain(
      "a program runs in the try",
    );
    expect(lines(pivot(cwd, ["ls"])).find((line) => line.startsWith("killed"))).toContain(
      "running",
    );
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
    expect(everything(cwd)).toEqual(before);
    let ran = attempt(cwd, "cat new", ["--name", "killed"]);
    for (let i = 0; i < 40 * patience && ran.code !== 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50)); // its init is still ending
      ran = attempt(cwd, "cat new", ["--name", "killed"]);
    }
    expect(ran.stdout).toBe("x\n");
    ground.pivot(["system", "prune", "-f"]);
    expect(lines(pivot(cwd, ["ls", "-q"]))).toContain("killed");
    expect(pivot(cwd, ["discard", "killed"]).stdout).toBe("killed\n");
  });

  test("what a killed command left half made is removed by system prune", () => {
    const left = `${ground.root}/tries`;
    mkdirSync(`${left}/.new-999999999-1/0/upper`, { recursive: true });
    mkdirSync(`${left}/half-removed/0/upper`, { recursive: true });
    mkdirSync(`${left}/.new-${process.pid}-1`, { recursive: true });
    const { stdout } = ground.pivot(["system", "prune", "-f"]);
    expect(stdout).toContain(`${left}/half-removed\n`);
    expect(listIfThere(left)).not.toContain(".new-999999999-1");
    expect(listIfThere(left)).toContain(`.new-${process.pid}-1`);
    rmSync(`${left}/.new-${process.pid}-1`, { recursive: true });
  });

  test("a directory of a view that was never written down lends it nothing", () => {
    const cwd = project();
    const mode = (): string => attempt(cwd, "stat -c %a /", ["--name", "cut"]).stdout;
    const before = mode();
    expect(before).toBe(`${(statSync("/").mode & 0o7777).toString(8)}\n`);
    // As a kill leaves it: the directories are made, and the record knows none of them yet.
    const at = `${ground.root}/tries/cut`;
    const record = JSON.parse(readFileSync(`${at}/try.json`, "utf8"));
    writeFileSync(`${at}/try.json`, JSON.stringify({ ...record, parts: [] }));
    chmodSync(`${at}/0/upper`, 0o700);
    writeFileSync(`${at}/0/upper/left`, "");
    expect(mode()).toBe(before);
    expect(attempt(cwd, "ls /left", ["--name", "cut"]).code).not.toBe(0);
    pivot(cwd, ["discard", "cut"]);
  });

  test("the engine's own directories are empty inside", () => {
    const cwd = project();
    expect(attempt(cwd, `ls -A ${ground.root} ${ground.runRoot}`).stdout).toBe(
      `${ground.root}:\n\n${ground.runRoot}:\n`,
    );
    const inside = ground.pivot(["try", "--", "true"], { cwd: ground.root, env });
    expect(inside.stderr).toContain("is not shown in a view");
  });

  test("--root on an overlay is refused in one line", () => {
    const cwd = project();
    const script = `
      mkdir l u w m; mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m
      '${pivotPath}' --root m/data --runroot '${ground.runRoot}' try -- true`;
    const ran = ground.command(["unshare", "-m", "bash", "-c", script], { cwd, env });
    expect(ran.stderr).toMatch(/^pivot: [^\n]*is on overlayfs, [^\n]*--root\n$/);
    expect(ran.code).toBe(125);
  });

  test("a limit is a cgroup's, which goes with the try", () => {
    const cwd = project();
    const script = "for i in 1 2 3 4 5 6 7 8; do sleep 0.1 & done; wait";
    expect(attempt(cwd, script, ["--pids-limit", "5"]).stderr).toMatch(/fork/i);
    expect(attempt(cwd, script)).toMatchObject({ code: 0, stderr: "" });
  });

  test("a program that is not there, and one of another machine's", () => {
    const cwd = project();
    chmodSync(`${cwd}/file`, 0o755);
    const missing = ground.pivot(["try", "--", "no-such-program"], { cwd, env });
    expect(missing.code).toBe(127);
    expect(missing.stderr).toContain("no such program: no-such-program");
    expect(ground.pivot(["try", "--", "./file"], { cwd, env }).code).toBe(126);
  });
});

describe.skipIf(whyNot !== undefined)(`views of the library (${whyNot ?? "as root"})`, () => {
  test("run, changes, patch, apply, discard", async () => {
    const cwd = project();
    const roots = { dataRoot: ground.root, runRoot: ground.runRoot };
    const view = openView({ cwd, roots });
    expect(view.changes()).toEqual([]);
    const nowhere = openView({ cwd: `${cwd}/nowhere`, roots });
    await expect(nowhere.run({ command: ["true"] })).rejects.toThrow("there is no directory");
    const script = "cat >>file; rm gone/a; pwd; exit 5";
    const ran = await view.run({ command: ["sh", "-c", script], stdin: "more\n", network: "none" });
    expect(ran).toMatchObject({ exitCode: 5, stdout: `${cwd}\n`, stderr: "" });
    expect(view.changes(["file"])).toEqual([{ change: "M", path: `${cwd}/file`, conflict: null }]);
    expect(view.patch(["file"])).toContain("\n+more\n");
    expect((await view.run({ command: ["cat", "file"] })).stdout).toContain("more\n");
    writeFileSync(`${cwd}/gone/a`, "changed meanwhile\n");
    await expect(view.apply()).rejects.toThrow("it changed on the host");
    expect(await view.apply({ paths: ["file"] })).toHaveLength(1);
    expect(readFileSync(`${cwd}/file`, "utf8")).toEndWith("more\n");
    expect(view.changes().map(({ change }) => change)).toEqual(["D"]);
    await view.discard();
    expect(listIfThere(`${ground.root}/tries`)).not.toContain(view.name ?? "");
  });
});

const nobody = 54321;

/** Why no ordinary user can try something here. */
const whyNoUser = ((): string | undefined => {
  if (whyNot !== undefined) return whyNot;
  const as = ["--reuid", String(nobody), "--regid", String(nobody), "--clear-groups"];
  const canRead = spawnSync("setpriv", [...as, "test", "-x", pivotPath]);
  if (canRead.error !== undefined) return "setpriv is not there: install util-linux";
  if (canRead.status !== 0) return "ordinary users cannot reach this directory";
  const canUnshare = spawnSync("setpriv", [...as, "unshare", "-U", "true"]);
  return canUnshare.status === 0 ? undefined : "ordinary users get no user namespaces here";
})();

describe.skipIf(whyNoUser !== undefined)(`try (${whyNoUser ?? "as an ordinary user"})`, () => {
  let home = "";
  beforeAll(() => {
    home = mkdtempSync(`${realpathSync(tmpdir())}/pivot-try-user-`);
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  const asUser = (words: string[], cwd: string): Ran => {
    const as = ["--reuid", String(nobody), "--regid", String(nobody), "--clear-groups"];
    const roots = ["--root", `${home}/data`, "--runroot", `${home}/run`];
    return ground.command(["setpriv", ...as, pivotPath, ...roots, "try", ...words], {
      cwd,
      env: { ...env, HOME: home },
    });
  };
  const ownProject = (): string => {
    const cwd = `${home}/project-${count++}`;
    spawnSync("cp", ["-r", project(), cwd]);
    mkdirSync(`${home}/.ssh`, { recursive: true });
    writeFileSync(`${home}/.ssh/id`, "key\n");
    spawnSync("chown", ["-R", `${nobody}:${nobody}`, home]);
    return cwd;
  };

  test("they are who they are, and what they write goes to the view", () => {
    const cwd = ownProject();
    const before = everything(cwd);
    const script = `id -u; id -g; pwd; cat ~/.ssh/id; ${manyChanges}; ${listing}`;
    const changes = script.replace(/chown \S+ \S+;?/, "");
    const ran = asUser(["--", "sh", "-c", changes], cwd);
    const [uid, gid, directory, ...rest] = ran.stdout.split("\n");
    expect([uid, gid, directory]).toEqual([String(nobody), String(nobody), cwd]);
    expect(ran.stderr).toMatch(
      /^(pivot: warning: [^\n]* read-only [^\n]*\n)*cat: [^\n]*id: No such file or directory\n$/,
    );
    expect(everything(cwd)).toEqual(before);
    expect(asUser(["diff"], cwd).stdout).toContain("T\tswap  (directory -> file)");
    expect(asUser(["apply"], cwd)).toMatchObject({ code: 0, stderr: "" });
    expect(treeOf(cwd)).toBe(rest.join("\n"));
    expect(readdirSync(`${home}/data/tries`)).toEqual([]);
  });

  test("what cannot be covered, since something is mounted there, is named", () => {
    const cwd = ownProject();
    const mounted = `${cwd}/mounted`;
    const as = `setpriv --reuid ${nobody} --regid ${nobody} --clear-groups`;
    const roots = `--root ${home}/data --runroot ${home}/run`;
    const script = `mkdir ${mounted}; mount -t tmpfs none ${mounted}; cd ${cwd}
      exec ${as} ${pivotPath} ${roots} try -- sh -c 'echo x >${cwd}/new; cat ${cwd}/new'`;
    const words = ["unshare", "-m", "--propagation", "private", "bash", "-c", script];
    const { stdout, stderr } = ground.command(words, { cwd, env: { ...env, HOME: home } });
    expect(stdout).toBe("");
    expect(stderr).toContain(
      `pivot: warning: ${cwd} is read-only in this view, since ${mounted} is mounted below it: unmount that, or be root\n`,
    );
    expect(stderr).toMatch(/new: Read-only file system/);
    expect(asUser(["discard", "--all"], cwd).code).toBe(0);
  });

  test("the rest of the machine is read-only, and without what root could do", () => {
    const cwd = ownProject();
    const script =
      "echo x >/usr/new; echo x >/var/tmp/in-the-view; cat /var/tmp/in-the-view; ls /run; grep CapEff /proc/self/status";
    const { stdout, stderr } = asUser(["--", "sh", "-c", script], cwd);
    expect(stdout).toBe("x\nlock\nCapEff:\t0000000000000000\n");
    expect(stderr).toMatch(/read-only file system/i);
    expect(existsSync("/var/tmp/in-the-view")).toBeFalse();
    expect(asUser(["-m", "64m", "--", "true"], cwd).stderr).toContain("limits of ordinary users");
    expect(asUser(["discard", "--all"], cwd).code).toBe(0);
    expect(readdirSync(`${home}/data/tries`)).toEqual([]);
  });
});
