// Volumes: made, filled once and wholly, shared, kept while somebody uses them, and removed.

import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tarArchive } from "../src/image/tar-writer.ts";
import { makeImage, writeLayout } from "../src/image/testing/image.ts";
import { dir, file, link } from "../src/image/testing/members.ts";
import { patience } from "./patience.ts";
import { Ground, pivotPath, type Ran, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("named-volumes");
const volumes = `${ground.root}/volumes`;
const dataOf = (name: string): string => `${volumes}/${name}/_data`;

let count = 0;

/** A root with `/data` of many files, modes and owners. */
function richRoot(files = 3): string {
  const root = makeSmallRoot(ground, `root-${count++}`);
  mkdirSync(`${root}/data/sub`, { recursive: true });
  for (let i = 0; i < files; i++) writeFileSync(`${root}/data/file-${i}`, `content ${i}\n`);
  writeFileSync(`${root}/data/sub/tool`, "#!/bin/sh\n");
  chownSync(`${root}/data/sub/tool`, 11, 12);
  chmodSync(`${root}/data/sub/tool`, 0o4751);
  linkSync(`${root}/data/sub/tool`, `${root}/data/again`);
  symlinkSync("/etc/shadow", `${root}/data/link`);
  chownSync(`${root}/data`, 33, 34);
  chmodSync(`${root}/data`, 0o2770);
  return root;
}

const inRoot = (root: string, flags: readonly string[], script: string): Ran =>
  ground.run([...flags, "--rootfs", root, "/bin/sh", "-c", script]);

const said = (ran: Ran): string => {
  if (ran.code !== 0) throw new Error(`code ${ran.code}: ${ran.stderr}`);
  return ran.stdout.trimEnd();
};

const pivot = (...words: string[]): Ran => ground.pivot(words);

/** Anonymous volumes that are there. */
const anonymous = (): string[] =>
  readdirSync(volumes).filter((name) => /^[0-9a-f]{64}$/.test(name));

describe.skipIf(whyNot !== undefined)(`volumes with a name (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("a new volume gets what the root has there: content, owners, modes, links", () => {
    const root = richRoot();
    said(inRoot(root, ["-v", "rich:/data"], "echo mine >/data/mine"));
    const data = dataOf("rich");
    expect(readdirSync(data).sort()).toEqual([
      "again",
      "file-0",
      "file-1",
      "file-2",
      "link",
      "mine",
      "sub",
    ]);
    const top = statSync(data);
    expect([top.uid, top.gid, top.mode & 0o7777]).toEqual([33, 34, 0o2770]);
    const tool = statSync(`${data}/sub/tool`);
    expect([tool.uid, tool.gid, tool.mode & 0o7777, tool.nlink]).toEqual([11, 12, 0o4751, 2]);
    expect(statSync(`${data}/again`).ino).toBe(tool.ino);
    expect(existsSync(`${root}/data/mine`)).toBeFalse();
  });

  test("one with something in it is left as it is, and shared by all that name it", () => {
    expect(ground.shell(["-v", "rich:/etc"], "cat /etc/mine; ls /etc/passwd; true")).toBe("mine");
  });

  test("nocopy leaves it empty, an image without the directory too", () => {
    const root = richRoot();
    expect(said(inRoot(root, ["-v", "bare:/data:nocopy"], "ls -A /data"))).toBe("");
    expect(said(inRoot(root, ["-v", "bare:/nowhere"], "ls -A /nowhere"))).toBe("");
    const mount = "type=volume,src=bare,dst=/data,volume-nocopy";
    expect(said(inRoot(root, ["--mount", mount], "ls -A /data"))).toBe("");
    expect(said(inRoot(root, ["-v", "bare:/data"], "ls /data/file-0"))).toBe("/data/file-0");
  });

  test("ro is read-only, and is filled all the same", () => {
    const root = richRoot();
    const ran = inRoot(root, ["-v", "shut:/data:ro"], "cat /data/file-1; echo x >/data/x");
    expect(ran.stdout).toBe("content 1\n");
    expect(ran.stderr).toContain("Read-only file system");
  });

  test("a subpath of a volume; a link in it leads nowhere outside", () => {
    const root = richRoot();
    said(inRoot(root, ["-v", "parts:/data"], "true"));
    const at = (path: string) => `type=volume,src=parts,dst=/in,volume-subpath=${path}`;
    expect(ground.shell(["--mount", at("sub")], "ls /in")).toBe("tool");
    symlinkSync("/", `${dataOf("parts")}/out`);
    expect(ground.shell(["--mount", at("out")], "ls /in/file-0; ls /in/etc || true")).toBe(
      "/in/file-0",
    );
    const ran = ground.run(["--mount", at("none"), "busybox", "true"]);
    expect(ran.code).toBe(125);
    expect(ran.stderr).toContain("the volume has no such directory");
  });

  test("cp of a container that does not run sees of volumes what the container would", () => {
    const local = `${ground.directory}/copied`;
    const device = `${ground.directory}/tenant-device`;
    writeFileSync(local, "new");
    mkdirSync(device);
    ground.shell(
      ["-v", "tenants:/in"],
      "mkdir /in/a /in/b; echo x >/in/b/secret; ln -s ../b /in/c",
    );
    said(
      pivot("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", `device=${device}`, "dev"),
    );
    const part = "type=volume,src=tenants,dst=/in,volume-subpath=a";
    said(pivot("run", "--name", "tenant", "--mount", part, "-v", "dev:/dev-in", "busybox", "true"));
    try {
      for (const at of ["/in/new", "/dev-in/new"]) {
        expect(pivot("cp", local, `tenant:${at}`)).toMatchObject({ code: 0 });
      }
      expect(readdirSync(dataOf("tenants")).sort()).toEqual(["a", "b", "c"]);
      expect(readdirSync(`${dataOf("tenants")}/a`)).toEqual(["new"]);
      expect(readdirSync(device)).toEqual(["new"]);
      for (const at of ["/in/b/secret", "/in/c/secret", "/in/../b/secret"]) {
        expect(pivot("cp", `tenant:${at}`, `${ground.directory}/stolen`).code).toBe(1);
      }
    } finally {
      pivot("rm", "tenant");
      pivot("volume", "rm", "tenants", "dev");
    }
  });

  test("containers that start at once with the same new volume all see the whole", async () => {
    const root = richRoot(200);
    const starts = Array.from({ length: 5 }, async () => {
      const words = ["run", "--rm", "-v", "shared:/data", "--rootfs", `${root}:ro`];
      const child = spawn(
        pivotPath,
        [...ground.roots(), ...words, "/bin/sh", "-c", "ls -A /data | busybox wc -l"],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      let text = "";
      child.stdout.on("data", (bytes) => {
        text += bytes;
      });
      await once(child, "close");
      return text.trim();
    });
    expect(await Promise.all(starts)).toEqual(Array.from({ length: 5 }, () => "203"));
    expect(readdirSync(`${volumes}/shared`).sort()).toEqual(["_data", "users", "volume.json"]);
  });

  test("what a kill leaves is thrown away before the copy was whole, and ended after it", () => {
    const root = richRoot();
    const make = (name: string) => {
      said(pivot("volume", "create", name));
      mkdirSync(`${volumes}/${name}/.pivot-filling`);
      writeFileSync(`${volumes}/${name}/.pivot-filling/half`, "");
    };
    make("before");
    expect(said(inRoot(root, ["-v", "before:/data"], "ls /data"))).not.toContain("half");
    expect(readdirSync(dataOf("before")).length).toBe(6);
    make("after");
    writeFileSync(`${volumes}/after/filled`, "");
    writeFileSync(`${dataOf("after")}/moved`, "");
    chmodSync(`${volumes}/after/.pivot-filling`, 0o711);
    expect(said(inRoot(root, ["-v", "after:/data:nocopy"], "ls /data"))).toBe("half\nmoved");
    expect(statSync(dataOf("after")).mode & 0o777).toBe(0o711);
    expect(readdirSync(`${volumes}/after`).sort()).toEqual(["_data", "users", "volume.json"]);
  });

  test("a start that is killed at any moment leaves a volume that the next one fills", {
    timeout: 30_000 * patience,
  }, async () => {
    const root = richRoot(400);
    for (let i = 0; i < 8; i++) {
      const args = [...ground.roots(), "run", "--rm", "-v", `killed${i}:/data`];
      const child = spawn(pivotPath, [...args, "--rootfs", `${root}:ro`, "/bin/true"], {
        stdio: "ignore",
      });
      const closed = once(child, "close");
      await new Promise((resolve) => setTimeout(resolve, 20 + i * 6));
      child.kill("SIGKILL");
      await closed;
      const seen = said(inRoot(root, ["-v", `killed${i}:/data`], "ls -A /data | busybox wc -l"));
      expect(`${i}: ${seen}`).toBe(`${i}: 403`);
    }
    said(pivot("system", "prune", "-f"));
    said(pivot("volume", "rm", ...Array.from({ length: 8 }, (_, i) => `killed${i}`)));
  });

  test("an anonymous volume goes with --rm", () => {
    const before = anonymous();
    const script = "grep ' /anon ' /proc/self/mountinfo; echo x >/anon/x";
    expect(ground.shell(["-v", "/anon"], script)).toMatch(/volumes\/[0-9a-f]{64}\/_data \/anon/);
    expect(anonymous()).toEqual(before);
  });

  test("the image's volumes are made and filled, a link in the image leads nowhere outside", () => {
    const busybox = readFileSync("/bin/busybox");
    const layer = tarArchive([
      dir("bin/"),
      { ...file("bin/busybox"), mode: 0o755, content: busybox },
      link("bin/sh", "busybox"),
      link("bin/ls", "busybox"),
      dir("srv/"),
      file("srv/page", "hello"),
      link("out", "/etc"),
      dir("etc/"),
      file("etc/inner", "of the image"),
      dir("asked/"),
    ]);
    const config = { Volumes: { "/srv": {}, "/out": {}, "/asked": {} } };
    const layout = `${ground.directory}/layout`;
    writeLayout(
      layout,
      makeImage([{ tar: layer }], {
        config: { config, architecture: process.arch === "x64" ? "amd64" : "arm64" },
      }),
    );
    const before = anonymous();
    const script = "ls /srv /etc /asked; busybox grep -c volumes/ /proc/self/mountinfo";
    const ran = ground.run(["-v", "mine:/asked", `oci:${layout}`, "/bin/sh", "-c", script]);
    expect(
      said(ran)
        .split("\n")
        .filter((line) => /page|inner|passwd|^\d+$/.test(line)),
    ).toEqual(["inner", "page", "3"]);
    expect(anonymous()).toEqual(before);
  });

  test("a container that is kept keeps its volumes: in use until rm, anonymous ones with -v", () => {
    const before = anonymous();
    said(pivot("run", "--name", "keeper", "-v", "kept:/kept", "-v", "/anon", "busybox", "true"));
    const made = anonymous().filter((name) => !before.includes(name));
    expect(made).toHaveLength(1);
    const ran = pivot("volume", "rm", "kept", made[0] ?? "");
    expect(ran.code).toBe(1);
    expect(ran.stderr.split("\n").slice(0, 2)).toEqual([
      "pivot: volume kept is in use by keeper: remove it first",
      `pivot: volume ${made[0]} is in use by keeper: remove it first`,
    ]);
    expect(said(pivot("volume", "ls", "-q", "-f", "dangling=true")).split("\n")).not.toContain(
      "kept",
    );
    expect(said(pivot("volume", "prune", "-a", "-f", "--filter", "label=none"))).toBe(
      "Total reclaimed space: 0B",
    );
    const [shown] = JSON.parse(said(pivot("container", "inspect", "keeper")));
    expect(shown.Mounts).toContainEqual({
      Type: "volume",
      Name: "kept",
      Source: dataOf("kept"),
      Driver: "local",
      Destination: "/kept",
      Mode: "",
      RW: true,
      Propagation: "",
    });
    said(pivot("rm", "-v", "keeper"));
    expect(anonymous()).toEqual(before);
    expect(said(pivot("volume", "rm", "kept"))).toBe("kept");
    expect(existsSync(`${volumes}/kept`)).toBeFalse();
  });

  test("create makes the volumes, the start fills them, and every start has the same", () => {
    const before = anonymous();
    said(pivot("create", "--name", "later", "-v", "laid:/etc", "-v", "/anon", "busybox", "true"));
    expect(said(pivot("volume", "ls", "-q")).split("\n")).toContain("laid");
    expect(readdirSync(dataOf("laid"))).toEqual([]);
    expect(anonymous().length).toBe(before.length + 1);
    expect(pivot("volume", "rm", "laid").stderr).toContain("in use by later");
    for (let i = 0; i < 2; i++) said(pivot("start", "-a", "later"));
    expect(readdirSync(dataOf("laid"))).toContain("passwd");
    expect(anonymous().length).toBe(before.length + 1);
    said(pivot("rm", "-v", "later"));
    expect(anonymous()).toEqual(before);
    said(pivot("volume", "rm", "laid"));
  });

  test("--volumes-from: volumes and binds of another container, its anonymous ones stay", async () => {
    mkdirSync(`${ground.directory}/host`);
    writeFileSync(`${ground.directory}/host/file`, "of the host");
    const before = anonymous();
    const flags = ["-v", "/anon", "-v", "from:/named", "-v", `${ground.directory}/host:/host:ro`];
    const running = await ground.start(flags);
    const script = "ls /host; echo x >/anon/x; echo y >/named/y; echo z >/host/z";
    const ran = ground.run(["--volumes-from", running.name, "busybox", "sh", "-c", script]);
    expect(ran.stdout).toBe("file\n");
    expect(ran.stderr).toContain("Read-only file system");
    const made = anonymous().filter((name) => !before.includes(name));
    expect(made).toHaveLength(1);
    expect(readFileSync(`${dataOf(made[0] ?? "")}/x`, "utf8")).toBe("x\n");
    const shut = ground.run(
      ["--volumes-from", `${running.name}:ro`, "-v", "/anon", "busybox", "sh", "-c"].concat(
        "ls /anon; echo >/named/n",
      ),
    );
    expect(shut.stdout).toBe("");
    expect(shut.stderr).toContain("Read-only file system");
    expect(pivot("volume", "rm", "from").stderr).toContain(`in use by ${running.name}`);
    await running.stop();
    expect(anonymous()).toEqual(before);
    expect(said(pivot("volume", "rm", "from"))).toBe("from");
    expect(ground.run(["--volumes-from", "nobody", "busybox", "true"]).stderr).toContain("nobody");
  });

  test("a volume of a directory of the host is filled there, one of tmpfs in memory", () => {
    const root = richRoot();
    const device = `${ground.directory}/device`;
    mkdirSync(device);
    const option = (text: string) => ["-o", text];
    const bind = ["type=none", "o=bind", `device=${device}`].flatMap(option);
    said(pivot("volume", "create", ...bind, "onhost"));
    said(inRoot(root, ["-v", "onhost:/data"], "echo x >/data/x"));
    expect(readdirSync(device).sort()).toEqual([
      "again",
      "file-0",
      "file-1",
      "file-2",
      "link",
      "sub",
      "x",
    ]);
    const memory = ["type=tmpfs", "o=size=1m,mode=700", "device=tmpfs"].flatMap(option);
    said(pivot("volume", "create", ...memory, "inmemory"));
    const script = "ls /data/file-0; grep ' /data ' /proc/self/mountinfo";
    expect(said(inRoot(root, ["-v", "inmemory:/data"], script))).toMatch(
      /^\/data\/file-0\n.* - tmpfs tmpfs .*size=1024k,mode=700/,
    );
    said(pivot("volume", "rm", "onhost", "inmemory"));
    expect(readdirSync(device)).toHaveLength(7);
  });

  test("create, ls and inspect print what docker prints", () => {
    expect(said(pivot("volume", "create", "--label", "a=b", "shown"))).toBe("shown");
    expect(said(pivot("volume", "create", "shown"))).toBe("shown");
    const listed = said(pivot("volume", "ls", "-f", "name=shown"));
    expect(listed.split("\n").map((line) => line.split(/\s{2,}/))).toEqual([
      ["DRIVER", "VOLUME NAME"],
      ["local", "shown"],
    ]);
    const format = '{{.Name}} {{.Driver}} {{.Labels}} {{.Label "a"}} {{.Links}}';
    expect(said(pivot("volume", "ls", "-f", "label=a=b", "--format", format))).toBe(
      "shown local a=b b 0",
    );
    const [document] = JSON.parse(said(pivot("volume", "inspect", "shown")));
    expect(document).toMatchObject({
      Driver: "local",
      Labels: { a: "b" },
      Mountpoint: dataOf("shown"),
      Name: "shown",
      Options: null,
      Scope: "local",
    });
    const missing = pivot("volume", "inspect", "none");
    expect([missing.code, missing.stdout.trim()]).toEqual([1, "[]"]);
    expect(missing.stderr).toStartWith("pivot: no such volume: none");
    expect(said(pivot("volume", "create"))).toMatch(/^[0-9a-f]{64}$/);
  });

  test("prune asks, and takes anonymous ones only unless told", () => {
    expect(pivot("volume", "prune").stderr).toContain("give -f to go on");
    writeFileSync(`${dataOf(anonymous()[0] ?? "")}/file`, "12345");
    mkdirSync(`${volumes}/.gone-1-1`);
    expect(said(pivot("volume", "prune", "-f"))).toMatch(
      /^Deleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: 5B$/,
    );
    expect(existsSync(dataOf("shown"))).toBeTrue();
    expect(said(pivot("volume", "prune", "-af"))).toContain("\nshown\n");
    expect(readdirSync(volumes)).toEqual([]);
  });

  test("what a killed removal has left is named by check, and taken away by prune", () => {
    const mine = `${volumes}/.gone-${process.pid}-1.000000000`;
    const nobodys = `${volumes}/.gone-4194305-1.000000000`;
    for (const path of [mine, nobodys]) mkdirSync(`${path}/_data`, { recursive: true });
    const { stdout } = pivot("system", "check", "-q");
    expect(stdout).toContain(`problem: ${nobodys} is what is left of a removed volume (`);
    expect(stdout).not.toContain(mine);
    expect(said(pivot("system", "prune", "-f"))).toContain(`Deleted:\n${nobodys}\n`);
    expect(readdirSync(volumes)).toEqual([mine.slice(volumes.length + 1)]);
    rmSync(mine, { recursive: true });
  });

  test("what makes no sense is one line", () => {
    const line = (...words: string[]) => pivot(...words).stderr.split("\n")[0] ?? "";
    expect(line("volume", "create", "a b")).toContain("no name for a volume");
    expect(line("volume", "create", "-d", "nfs", "x")).toContain("has only local");
    expect(line("volume", "create", "-o", "size=1m", "x")).toContain('invalid option: "size"');
    expect(line("volume", "create", "-o", "type=tmpfs", "x")).toContain('option: "device"');
    expect(line("volume", "rm", "none")).toContain("no such volume: none");
    expect(pivot("volume", "rm", "-f", "none").code).toBe(0);
    expect(line("run", "--rm", "--volumes-from", "a:b:c", "busybox", "true")).toContain(
      "--volumes-from",
    );
    expect(existsSync(volumes) ? readdirSync(volumes) : []).toEqual([]);
  });

  test("a note of a container that is no more does not keep a volume", () => {
    said(pivot("volume", "create", "stale"));
    writeFileSync(`${volumes}/stale/users/${"0".repeat(64)}`, "");
    renameSync(`${volumes}/stale/volume.json`, `${ground.directory}/lost.json`);
    expect(said(pivot("volume", "ls", "-q"))).toBe("stale");
    expect(said(pivot("volume", "rm", "stale"))).toBe("stale");
    rmSync(`${ground.directory}/lost.json`);
  });
});
