// The engine and images that mean harm: archives, documents, names and settings in them.

import { lstatSync, writeFileSync } from "node:fs";
import { ociConfigType, ociManifestType } from "../../../src/image/manifest.ts";
import { tarArchive } from "../../../src/image/tar-writer.ts";
import { hostileArchive, hostileLayers } from "../../../src/image/testing/hostile-layers.ts";
import { describeBlob, makeImage, simple } from "../../../src/image/testing/image.ts";
import { dir, file, link } from "../../../src/image/testing/members.ts";
import { pivotPath } from "../../pivot.ts";
import { secret } from "../canary.ts";
import { type EngineWorld, untidy } from "../engine.ts";
import { broken, type Row, unless } from "../outcome.ts";

/** Bytes of the largest resident set that a program and its children had. */
function peakOf(words: readonly string[]): { readonly bytes: number; readonly stderr: string } {
  const { resourceUsage, stderr } = Bun.spawnSync([...words], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    timeout: 60_000,
  });
  return { bytes: resourceUsage?.maxRSS ?? 0, stderr: stderr.toString() };
}

export const images: readonly Row<EngineWorld>[] = [
  {
    ids: ["CVE-2021-32760", "CVE-2018-20834", "CVE-2021-37712", "CVE-2026-26960", "CVE-2026-31802"],
    title: "archives of layers that lead out",
    tried:
      "links, hard links, `..`, whiteouts, devices, attributes, contradicting headers: inside, or refused in one line",
    run: (world) => {
      const canary = world.canary();
      const findings: string[] = [];
      let refused = 0;
      const tar = world.fresh("layer.tar");
      for (const { what, members } of hostileLayers) {
        const real = members.map((member) =>
          Buffer.isBuffer(member)
            ? member
            : { ...member, link: (member.link ?? "").replace("ROOT", canary.path) },
        );
        writeFileSync(tar, hostileArchive(real));
        const ran = world.ground.pivot(["import", tar]);
        if (ran.code !== 0) refused++;
        const how = untidy(ran);
        if (how !== undefined) findings.push(`${what}: ${how}`);
      }
      return unless(
        [...canary.changes(), ...findings],
        `${hostileLayers.length} archives: ${hostileLayers.length - refused} inside, ${refused} refused`,
      );
    },
  },
  {
    ids: ["CVE-2025-47290"],
    title: "layers that are unpacked at once change each other's way",
    tried: "eight imports at once of images whose layers exchange a directory for a link out",
    run: async (world) => {
      const canary = world.canary();
      const layers = Array.from({ length: 6 }, (_, i) =>
        i % 2 === 0
          ? [link("way", canary.path), file("mark", String(i))]
          : [
              file(".wh.way", ""),
              dir("way"),
              file("way/file", "overwritten"),
              file("mark", `${i}`),
            ],
      );
      const image = world.image([...layers, [file("way/file", "overwritten")]]);
      const all = await Promise.all(
        Array.from({ length: 8 }, () => world.pivot(["run", "--rm", image, "cat", "/way/file"])),
      );
      const findings = all
        .filter(({ code, stdout }) => code !== 0 || stdout !== "overwritten")
        .map((ran) => untidy(ran) ?? `it reads ${JSON.stringify(ran.stdout)}: ${ran.stderr}`);
      return unless([...canary.changes(), ...findings], "8 imports of 7 layers each");
    },
  },
  {
    ids: ["CVE-2017-14992"],
    title: "a header that claims terabytes fills the memory",
    tried: "sizes of files, of PAX records and of holes beyond every disk; 256 MiB packed into one",
    run: (world) => {
      const pax = (records: string) => {
        const text = Buffer.from(records);
        const header = Buffer.alloc(512);
        header.write("x", 0);
        header.write("0000644\0", 100);
        header.write(`${text.length.toString(8).padStart(11, "0")}\0`, 124);
        header.write("x", 156);
        header.write("ustar\0", 257);
        header.write("00", 263);
        header.fill(0x20, 148, 156);
        const sum = header.reduce((total, byte) => total + byte, 0);
        header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
        return Buffer.concat([header, text, Buffer.alloc(512 - (text.length % 512))]);
      };
      const large = Buffer.alloc(512);
      large.set(tarArchive([file("a", "")]).subarray(0, 512));
      large.write("77777777777\0", 124);
      large.fill(0x20, 148, 156);
      const sum = large.reduce((total, byte) => total + byte, 0);
      large.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
      const claims: readonly (readonly [string, Buffer])[] = [
        ["a file of 8 GiB", large],
        ["a PAX size of 2^62", Buffer.concat([pax("28 size=4611686018427387904\n"), large])],
        ["256 MiB packed into one", Buffer.of()],
        ["a long name of 8 GiB", Buffer.concat([large.fill("L", 156, 157), Buffer.alloc(1024)])],
      ];
      const findings: string[] = [];
      let most = 0;
      for (const [what, bytes] of claims) {
        const tar = world.fresh("claim.tar");
        writeFileSync(tar, bytes);
        if (bytes.length === 0) {
          // Not made in this process: what is large here counts as its children's.
          world.ground.command(["sh", "-c", 'head -c 256M /dev/zero | gzip -1 >"$0"', tar], {
            timeout: 60_000,
          });
        }
        const peak = peakOf([pivotPath, ...world.ground.roots(), "import", tar]);
        most = Math.max(most, peak.bytes);
        if (peak.bytes > 200 << 20) findings.push(`${what} takes ${peak.bytes >> 20} MiB`);
      }
      return unless(findings, `${claims.length} archives, ${most >> 20} MiB at most`);
    },
  },
  {
    ids: ["CVE-2021-41190", "CVE-2021-21285", "CVE-2024-3727"],
    title: "documents that are two things at once, or name blobs by paths",
    tried:
      "manifests that are indexes too, other media types, duplicate keys, digests with `..`, no JSON: refused in one line",
    run: (world) => {
      const canary = world.canary();
      const config = describeBlob(ociConfigType, simple.config);
      const good = JSON.parse(simple.blobs.at(-1)?.toString() ?? "") as Record<string, unknown>;
      const up = `../../../../../../..${canary.path}/file`;
      const manifests: readonly (readonly [string, string])[] = [
        ["a manifest with manifests", JSON.stringify({ ...good, manifests: [simple.manifest] })],
        [
          "an index's type",
          JSON.stringify({ ...good, mediaType: "application/vnd.oci.image.index.v1+json" }),
        ],
        ["duplicate keys", JSON.stringify(good).replace("{", '{"layers":[],')],
        ["no object", "[]"],
        ["no JSON", '{"schemaVersion":2,'],
        ["a key that is no string", JSON.stringify(good).replace("schema", "\0")],
        ["deep JSON", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
        [
          "a digest that is a path",
          JSON.stringify({ ...good, config: { ...config, digest: `sha256:${up}` } }),
        ],
        [
          "a digest of another algorithm",
          JSON.stringify({ ...good, config: { ...config, digest: `../../blobs:${up}` } }),
        ],
        ["a negative size", JSON.stringify({ ...good, config: { ...config, size: -1 } })],
        ["layers that are no list", JSON.stringify({ ...good, layers: { length: 1 } })],
      ];
      const findings: string[] = [];
      // Not `run`: what is taken, and has no program, would end as what is refused.
      const load = (...of: Parameters<EngineWorld["layout"]>) =>
        world.ground.pivot(["load", "-q", "-i", world.layout(...of).replace("oci:", "")]);
      const taken = load(simple);
      if (taken.code !== 0) return broken(`an image in order is refused: ${taken.stderr}`);
      // Other rows pull the same one.
      world.ground.pivot(["rmi", "-f", /sha256:[0-9a-f]{64}/.exec(taken.stdout)?.[0] ?? ""]);
      for (const [what, text] of manifests) {
        const bytes = Buffer.from(text);
        const image = { ...simple, blobs: [...simple.blobs, bytes] };
        const ran = load(image, [describeBlob(ociManifestType, bytes)]);
        if (ran.code === 0) findings.push(`${what} is taken`);
        const how = untidy(ran);
        if (how !== undefined) findings.push(`${what}: ${how}`);
      }
      for (const digest of [`sha256:${up}`, `sha256:${"A".repeat(64)}`, "sha256:../index.json"]) {
        const ran = load(simple, [{ ...simple.manifest, digest }]);
        if (ran.code === 0) findings.push(`the digest ${digest} is taken`);
        const name = world.ground.pivot(["pull", "--quiet", `127.0.0.1:1/x@${digest}`]);
        if (name.code === 0 || /ECONNREFUSED|connect/.test(name.stderr)) {
          findings.push(`a registry is asked for the digest ${digest}`);
        }
      }
      return unless(
        [...canary.changes(), ...findings],
        `${manifests.length + 6} documents and names`,
      );
    },
  },
  {
    ids: ["CVE-2022-23648", "CVE-2020-1726"],
    title: "an image's VOLUME takes what it holds from the host",
    tried: "volumes at links out and at paths with `..`: what is in them is the image's",
    run: (world) => {
      const canary = world.canary();
      const findings: string[] = [];
      const up = "../../../../../../../../../..";
      for (const to of [canary.path, `${up}${canary.path}`, `/proc/self/root${canary.path}`]) {
        for (const path of ["/x", "/x/deep", `/etc/${up}${canary.path}`]) {
          const image = world.image([[link("x", to)]], { Volumes: { [path]: {} } });
          const ran = world.shell(image, "cat /x/* /x/deep/* /proc/self/mountinfo");
          if (ran.stdout.includes(secret))
            findings.push(`VOLUME ${path} with /x -> ${to} is the host's`);
        }
      }
      return unless([...canary.changes(), ...findings], "9 images");
    },
  },
  {
    ids: ["CVE-2024-21626 (image)"],
    title: "an image's WORKDIR leads to a descriptor of the host",
    tried: "WORKDIR /proc/self/fd/N, also through a link",
    run: (world) => {
      const canary = world.canary();
      const findings: string[] = [];
      const look = "cat file ../file ../../../../etc/hostname; pwd";
      for (let n = 3; n < 16; n++) {
        const image = world.image([[link("wd", `/proc/self/fd/${n}`)]], {
          WorkingDir: n % 2 === 0 ? "/wd" : `/proc/self/fd/${n}`,
        });
        const script = `exec 3<${canary.path} 4</ 7<${canary.path} 8</sys/fs/cgroup; exec "$@"`;
        const run = [...world.ground.roots(), "run", "--rm", image, "/bin/sh", "-c", look];
        const ran = world.ground.command(["sh", "-c", script, "sh", pivotPath, ...run]);
        if (ran.stdout.includes(secret) || ran.stdout.includes("unreachable")) {
          findings.push(`WORKDIR /proc/self/fd/${n} is the host's`);
        }
      }
      return unless([...canary.changes(), ...findings], "13 images");
    },
  },
  {
    ids: ["CVE-2024-40635 (image)", "CVE-2016-3697 (image)"],
    title: "an image's USER is somebody else",
    tried:
      "USER beyond 2^31, negative, a number that /etc/passwd has as a name: exactly that id, or an error",
    run: (world) => {
      const findings: string[] = [];
      const users: readonly (readonly [string, string | null])[] = [
        ["1000", "1000"],
        ["2147483647", "2147483647"],
        ["2147483648", null],
        ["4294967295", null],
        ["4294967296", null],
        ["4294967297", null],
        ["18446744073709551616", null],
        ["-1", null],
        ["1e10", null],
        ["huge", null],
      ];
      const passwd =
        "root:x:0:0::/:/bin/sh\n1000:x:0:0::/:/bin/sh\nhuge:x:4294967296:0::/:/bin/sh\n";
      for (const [user, id] of users) {
        const image = world.image([[file("etc/passwd", passwd)]], { User: user });
        const ran = world.ground.run([image, "id", "-u"]);
        const got = ran.code === 0 ? ran.stdout.trim() : null;
        if (got !== id) findings.push(`USER ${user} is ${got ?? ran.stderr.trim()}`);
      }
      return unless(findings, `${users.length} users`);
    },
  },
  {
    ids: ["CVE-2026-47262", "CVE-2024-9676"],
    title: "an image's /etc/passwd hangs, fills the memory or is the host's",
    tried: "5 GB, a FIFO, a device, a directory, links out, for passwd and group",
    run: (world) => {
      const canary = world.canary();
      writeFileSync(`${canary.path}/passwd`, "canary:x:4242:4242::/:/bin/sh\n");
      const findings: string[] = [];
      const kinds: readonly (readonly [string, (path: string) => string])[] = [
        ["5 GB of holes", (path) => `busybox truncate -s 5G ${path}`],
        ["a FIFO", (path) => `mkfifo ${path}`],
        ["a device", (path) => `mknod ${path} c 1 5`],
        ["a directory", (path) => `mkdir ${path}`],
        ["a link out", (path) => `ln -s ${canary.path}/passwd ${path}`],
        ["a link up", (path) => `ln -s ../../../../../../../..${canary.path}/passwd ${path}`],
        ["a magic link", (path) => `ln -s /proc/self/fd/0 ${path}`],
      ];
      let most = 0;
      for (const [what, make] of kinds) {
        for (const name of ["passwd", "group"]) {
          const root = world.directory("root");
          const made = world.ground.command([
            "sh",
            "-c",
            `cd ${root} && mkdir -p bin etc proc sys dev tmp && cp /bin/busybox bin/ && ${make(`etc/${name}`)}`,
          ]);
          if (made.code !== 0) throw new Error(made.stderr);
          for (const user of ["5:5", "canary", "5:canary"]) {
            const begin = performance.now();
            const words = ["run", "--rm", "-u", user, "--rootfs", root, "/bin/busybox", "true"];
            const peak = peakOf([pivotPath, ...world.ground.roots(), ...words]);
            most = Math.max(most, peak.bytes);
            if (performance.now() - begin > 15_000) findings.push(`${name} as ${what} hangs`);
            if (peak.bytes > 300 << 20)
              findings.push(`${name} as ${what} takes ${peak.bytes >> 20} MiB`);
            if (user === "canary" && peak.stderr === "") findings.push(`${what} is the host's`);
          }
        }
      }
      return unless(findings, `${kinds.length * 6} starts, ${most >> 20} MiB at most`);
    },
  },
  {
    ids: ["CVE-2021-41103", "CVE-2021-41091", "CVE-2024-25621"],
    title: "set-user-id programs of images can be run from the store by any user",
    tried: "another user goes into the store, the state and the volumes",
    run: (world) => {
      const image = world.image([[{ ...file("bin/root", "#!/bin/sh\n"), mode: 0o4755 }]]);
      const name = world.detached(["-v", "filled:/data", image]);
      const findings: string[] = [];
      for (const path of [world.ground.root, world.ground.runRoot]) {
        const mode = lstatSync(path).mode & 0o777;
        if ((mode & 0o066) !== 0) findings.push(`${path} has the mode ${mode.toString(8)}`);
      }
      const found = world.ground.command([
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "sh",
        "-c",
        `find ${world.ground.root} ${world.ground.runRoot} -mindepth 1 2>/dev/null; ls ${world.ground.root}/layers ${world.ground.root}/volumes 2>/dev/null`,
      ]);
      world.remove(name);
      if (found.stdout !== "") findings.push(`another user sees ${found.stdout.split("\n")[0]}`);
      return unless(findings, "the store and the state are closed to others");
    },
  },
  {
    ids: ["CVE-2026-53488", "CVE-2026-50195", "CVE-2026-53489"],
    title: "labels and annotations of an image are orders to the engine",
    tried:
      "labels and annotations in the words of engines and runtimes, which name programs and files of the host",
    run: (world) => {
      const canary = world.canary();
      const touch = `/bin/touch ${canary.path}/ordered`;
      const orders = Object.fromEntries(
        [
          "containerd.io/restart.loguri",
          "containerd.io/restart.status",
          "io.containerd.image.config.label",
          "run.oci.hooks.stdout",
          "run.oci.handler",
          "run.oci.mount_context_type",
          "org.criu.config",
          "io.podman.annotations.init",
          "io.kubernetes.cri-o.Devices",
          "cdi.k8s.io/device",
          "pivot.hooks.poststop",
          "com.docker.hooks",
        ].map((name) => [name, `binary:///bin/sh?-c=${touch}`]),
      );
      const tar = tarArchive([dir("etc/")]);
      const plain = makeImage([{ tar }], {
        config: { config: { Cmd: ["sh"], Labels: orders, OnBuild: [`RUN ${touch}`] } },
        manifest: { annotations: orders },
      });
      const ran = world.ground.run([world.layout(plain), "/nothing"]);
      const image = world.image([], {
        Labels: orders,
        Healthcheck: { Test: ["CMD-SHELL", touch] },
      });
      const name = world.detached([image]);
      world.ground.pivot(["logs", name]);
      world.ground.pivot(["stop", "-t", "0", name]);
      world.ground.pivot(["start", name]);
      world.remove(name);
      const how = untidy(ran);
      return unless(
        [...canary.changes(), ...(how === undefined ? [] : [how])],
        `${Object.keys(orders).length} labels and annotations`,
      );
    },
  },
  {
    ids: ["CVE-2022-36109 (image)"],
    title: "groups of a user are those of root, or of the caller",
    tried: "id -G of users of the image, of numbers, and with --group-add",
    run: (world) => {
      const image = world.image([
        [
          file("etc/passwd", "root:x:0:0::/:/bin/sh\nada:x:1001:1001::/:/bin/sh\n"),
          file("etc/group", "root:x:0:\nwheel:x:10:root,ada\ndocs:x:300:ada\nada:x:1001:\n"),
        ],
      ]);
      const findings: string[] = [];
      for (const [flags, groups] of [
        [["-u", "ada"], "1001 10 300"],
        [["-u", "ada:docs"], "300"],
        [["-u", "4000:4000"], "4000"],
        [["-u", "1001:7", "--group-add", "77"], "7 77"],
      ] as const) {
        const words = [...world.ground.roots(), "run", "--rm", ...flags, image, "id", "-G"];
        const ran = world.ground.command(["setpriv", "--groups", "4,24,27", pivotPath, ...words]);
        const got = ran.stdout.trim().split(" ").sort().join(" ");
        if (got !== groups.split(" ").sort().join(" ")) {
          findings.push(`${flags.join(" ")} has the groups ${got || ran.stderr.trim()}`);
        }
      }
      if (findings.length === 0) return unless([], "4 users: theirs, and no others");
      return broken(findings[0] ?? "");
    },
  },
];
