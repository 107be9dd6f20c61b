// The engine and what surrounds it: sockets, defaults, builds, registries, who is attached.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { digestOf } from "../../../src/image/blob.ts";
import { simple } from "../../../src/image/testing/image.ts";
import { answer, FakeRegistry } from "../../../src/registry/testing/fake-registry.ts";
import { compileC } from "../../pivot.ts";
import type { Sight } from "../../sight.ts";
import { secret } from "../canary.ts";
import type { EngineWorld } from "../engine.ts";
import { notApplicable, type Outcome, type Row, unless } from "../outcome.ts";

/** Sockets below a directory. */
const socketsBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isSocket())
    .map((entry) => `${entry.parentPath}/${entry.name}`);

const probe = (world: EngineWorld, flags: readonly string[], attempts: readonly string[]): Sight =>
  world.ground.probe(flags, attempts);

/** Kilobytes that a process has to itself. */
const privateMemory = (pid: number): number =>
  [...readFileSync(`/proc/${pid}/smaps_rollup`, "utf8").matchAll(/^Private_\w+:\s+(\d+)/gm)]
    .map(([, kilobytes]) => Number(kilobytes))
    .reduce((sum, each) => sum + each, 0);

export const surroundings: readonly Row<EngineWorld>[] = [
  {
    ids: ["CVE-2020-15257", "CVE-2025-9074"],
    title: "a container reaches a socket by which the engine is told what to do",
    tried:
      "a container with the host's network looks for abstract and TCP sockets; another user connects to those in the state",
    run: (world): Outcome => {
      const listening = (file: string) =>
        readFileSync(file, "utf8")
          .split("\n")
          .filter((line) => / 0A /.test(line));
      const abstract = () =>
        readFileSync("/proc/net/unix", "utf8")
          .split("\n")
          .filter((line) => / @/.test(line));
      const before = new Set([...listening("/proc/net/tcp"), ...abstract()]);
      const name = world.detached(["--network", "host", "busybox"]);
      const findings = [
        ...listening("/proc/net/tcp"),
        ...listening("/proc/net/tcp6"),
        ...abstract(),
      ]
        .filter((line) => !before.has(line))
        .map((line) => `there is a socket ${line}`);
      const sockets = socketsBelow(world.ground.runRoot);
      for (const path of sockets) {
        const { mode } = lstatSync(path);
        if ((mode & 0o066) !== 0)
          findings.push(`${path} has the mode ${(mode & 0o777).toString(8)}`);
        const other = world.ground.command([
          "setpriv",
          "--reuid=65534",
          "--regid=65534",
          "--clear-groups",
          "sh",
          "-c",
          `test -w ${path} && echo reached`,
        ]);
        if (other.stdout !== "") findings.push(`another user reaches ${path}`);
      }
      const inside = world.ground.pivot([
        "exec",
        name,
        "sh",
        "-c",
        "find / -xdev -type s; ls /run",
      ]);
      if (inside.stdout.includes("attach"))
        findings.push(`inside there is ${inside.stdout.trim()}`);
      world.remove(name);
      return unless(
        [...(sockets.length === 0 ? ["no socket was found to look at"] : []), ...findings],
        `${sockets.length} socket in the state, closed to others; none elsewhere`,
      );
    },
  },
  {
    ids: ["CVE-2017-16539", "CVE-2018-10892", "CVE-2022-0492"],
    title: "files of the kernel that change the machine can be written",
    tried:
      "what /proc and /sys have of that kind, as root with every capability but without --privileged",
    run: (world): Outcome => {
      const words = [
        "write:/proc/scsi/scsi",
        "opendir:/proc/scsi",
        "opendir:/proc/acpi",
        "write:/proc/acpi/wakeup",
        "write:/proc/sysrq-trigger",
        "write:/proc/sys/kernel/core_pattern",
        "write:/proc/sys/kernel/modprobe",
        "write:/proc/sys/vm/drop_caches",
        "write:/sys/kernel/uevent_helper",
        "write:/sys/power/state",
        "create:/sys/fs/cgroup/release_agent",
        "mkdir:/sys/fs/cgroup/inside",
        "write:/proc/irq/default_smp_affinity",
        "write:/proc/bus/pci/devices",
        "read:/proc/kcore",
        "read:/proc/keys",
        "read:/proc/timer_list",
      ];
      const { attempts } = probe(world, ["--cap-add", "ALL"], words);
      const findings = words.filter((word) => {
        const { errno, text = "", count = 0 } = attempts[word] ?? { errno: null };
        // An empty directory, and the null device, are what masks are.
        if (word.startsWith("opendir:")) {
          return errno === null && world.ground.run(["busybox", "ls", word.slice(8)]).stdout !== "";
        }
        return errno === null && (word.startsWith("read:") ? text !== "" || count > 0 : true);
      });
      // A mask is the null device: it takes what is written, and nothing comes of it.
      const written = findings.filter((word) => {
        const path = word.slice(word.indexOf(":") + 1);
        const stat = world.ground.run(["busybox", "stat", "-c", "%t:%T", path]);
        return stat.stdout.trim() !== "1:3";
      });
      return unless(
        written.map((word) => `${word} succeeds`),
        `${words.length} files and directories`,
      );
    },
  },
  {
    ids: ["CVE-2022-0185", "CVE-2021-3493", "CVE-2023-0386", "CVE-2023-32629"],
    title: "parts of the kernel that unprivileged code should not reach",
    tried:
      "user and mount namespaces, new mounts, keyrings, bpf, perf, userfaultfd, io_uring, handles of files",
    run: (world): Outcome => {
      const words = [
        "unshare:0x10000000",
        "unshare:0x00020000",
        "unshare:0x30000000",
        "mount:tmpfs:/mnt",
        "mount:overlay:/mnt",
        "mount:cgroup:/mnt",
        "bind:/proc:/mnt",
        "handle:/etc/hosts",
      ];
      const { attempts } = probe(world, [], words);
      // By number, of x86-64: fsopen, open_tree, move_mount, keyctl, add_key, bpf, perf_event_open,
      // userfaultfd, io_uring_setup, clone3, kexec_load, init_module, ptrace of the first process.
      const numbers = [430, 428, 429, 250, 248, 321, 298, 323, 425, 246, 175];
      const calls = world.callsFrom(numbers);
      return unless(
        [
          ...words
            .filter((word) => attempts[word]?.errno === null)
            .map((word) => `${word} succeeds`),
          ...calls.flatMap((said, i) =>
            /^(EPERM|ENOSYS|EACCES)$/.test(said) ? [] : [`the call ${numbers[i]} says ${said}`],
          ),
        ],
        `${words.length + numbers.length} calls`,
      );
    },
  },
  {
    ids: ["CVE-2020-14370", "CVE-2021-3602"],
    title: "the caller's environment is in the container, or in an image made of it",
    tried: "run, exec and commit by a caller with a secret in its environment",
    run: async (world): Promise<Outcome> => {
      const env = { PIVOT_SECURITY_SECRET: secret };
      const ran = await world.pivot(["run", "--rm", "busybox", "env"], env);
      const kept = await world.pivot(
        ["run", "-d", "--name", "environment", "busybox", "sleep", "1000"],
        env,
      );
      const executed = await world.pivot(["exec", "environment", "env"], env);
      const monitor = await world.pivot(["exec", "environment", "cat", "/proc/1/environ"], env);
      await world.pivot(["commit", "environment", "environment"], env);
      const inspected = await world.pivot(["inspect", "environment"], env);
      const image = await world.pivot(["image", "inspect", "environment"], env);
      world.remove("environment");
      const all = { ran, executed, monitor, inspected, image };
      return unless(
        [
          ...(kept.code === 0 ? [] : [`nothing ran: ${kept.stderr}`]),
          ...Object.entries(all)
            .filter(([, { stdout }]) => stdout.includes(secret))
            .map(([what]) => `the secret is in what was ${what}`),
        ],
        "run, exec, its first process, commit and inspect",
      );
    },
  },
  {
    ids: ["CVE-2020-15157", "CVE-2021-41092"],
    title: "a registry sends the client, with its password, elsewhere",
    tried: "a redirect of each blob, and a realm, at another host",
    run: async (world): Promise<Outcome> => {
      const registry = await FakeRegistry.start();
      // Another host, by an address that is not loopback's.
      const address = "10.91.91.91";
      world.ground.command(["busybox", "ip", "address", "add", `${address}/32`, "dev", "lo"]);
      const stolen: string[] = [];
      const thief = createServer((request, response) => {
        stolen.push(`${request.url} ${JSON.stringify(request.headers)}`);
        const wanted = request.url?.replace(/^.*\//, "");
        const blob = simple.blobs.find((bytes) => digestOf(bytes) === wanted);
        response.end(blob ?? '{"token":"t"}');
      }).listen(0, address);
      await once(thief, "listening");
      const there = `${address}:${(thief.address() as AddressInfo).port}`;
      const findings: string[] = [];
      const basic = Buffer.from("ada:a-password").toString("base64");
      const config = world.fresh("auth.json");
      writeFileSync(config, JSON.stringify({ auths: { [registry.host]: { auth: basic } } }));
      const env = { REGISTRY_AUTH_FILE: config };
      try {
        registry.add(simple, "it:1");
        registry.tricks.push((asked, response) => {
          if (asked.headers.authorization === `Basic ${basic}`) return false;
          return answer(response, 401, { "WWW-Authenticate": 'Basic realm="here"' });
        });
        registry.tricks.push((asked, response) => {
          if (!asked.path.includes("/blobs/")) return false;
          return answer(response, 307, { Location: `http://${there}${asked.path}` });
        });
        const pulled = await world.pivot(["pull", `${registry.host}/it:1`], env);
        const plain = registry.asked.some(({ headers }) => headers.authorization !== undefined);
        if (!plain) findings.push(`the registry itself got no password: ${pulled.stderr}`);
        if (stolen.length === 0) findings.push(`nobody was sent elsewhere: ${pulled.stderr}`);
        registry.tricks.length = 0;
        registry.tricks.push((_, response) =>
          answer(response, 401, {
            "WWW-Authenticate": `Bearer realm="http://${there}/token",service="it"`,
          }),
        );
        await world.pivot(["pull", `${registry.host}/it:1`], env);
        for (const said of stolen) {
          if (said.includes(basic) || said.includes("a-password")) {
            findings.push(`another host is sent the password: ${said}`);
          }
        }
      } finally {
        await registry.stop();
        thief.close();
      }
      return unless(findings, "a redirect of each blob, and a realm elsewhere");
    },
  },
  {
    ids: ["CVE-2022-23471", "CVE-2022-31030", "CVE-2023-25153", "CVE-2025-64329"],
    title: "who attaches, and does not read, fills the engine's memory",
    tried: "hundreds of attach and exec, and clients that do not read sixteen megabytes of output",
    run: async (world): Promise<Outcome> => {
      const name = world.detached(
        ["-i", "busybox"],
        "while read line; do case $line in flood) dd if=/dev/zero bs=1M count=16 2>/dev/null;; esac; done",
      );
      const monitor = Number(
        /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${world.pid(name)}/status`, "utf8"))?.[1],
      );
      const path = socketsBelow(world.ground.runRoot).find((each) => each.endsWith("attach"));
      if (path === undefined) return notApplicable("there is no socket to attach to");
      const descriptors = () => readdirSync(`/proc/${monitor}/fd`).length;
      const before = { memory: privateMemory(monitor), descriptors: descriptors() };
      const clients = spawn(compileC("security/attach-many.c"), [dirname(path), "400"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const said = await Promise.race([once(clients.stdout, "data"), once(clients, "close")]);
      const attached = Number(/attached (\d+)/.exec(String(said))?.[1] ?? 0);
      await world.pivot(["exec", name, "sh", "-c", "echo flood >/proc/1/fd/0 2>/dev/null; true"]);
      for (let i = 0; i < 5; i++) {
        await world.pivot([
          "exec",
          name,
          "dd",
          "if=/dev/zero",
          "of=/proc/1/fd/1",
          "bs=1M",
          "count=4",
        ]);
      }
      await Bun.sleep(300);
      clients.kill("SIGKILL");
      await Bun.sleep(300);
      const after = { memory: privateMemory(monitor), descriptors: descriptors() };
      world.remove(name);
      return unless(
        [
          ...(attached < 300 ? [`only ${attached} of 400 have been attached`] : []),
          ...(after.memory > before.memory + 8192
            ? [`its memory grew from ${before.memory} to ${after.memory} kB`]
            : []),
          ...(after.descriptors > before.descriptors + 1
            ? [`its descriptors grew from ${before.descriptors} to ${after.descriptors}`]
            : []),
        ],
        `400 clients: ${before.memory} kB before, ${after.memory} kB after`,
      );
    },
  },
  {
    ids: ["CVE-2020-13401", "CVE-2020-10749", "CVE-2024-32473"],
    title: "a container tells others, or the host, where its IPv6 routes lead",
    tried:
      "router advertisements at a container and at the host's bridge, and addresses where nobody asked for IPv6",
    run: (world): Outcome => {
      const look =
        "for i in /proc/sys/net/ipv6/conf/*; do echo ${i##*/} $(cat $i/accept_ra) $(cat $i/disable_ipv6); done; cat /proc/net/if_inet6";
      const none = world.ground.run(["--network", "none", "busybox", "sh", "-c", look]);
      const others = none.stdout
        .split("\n")
        .filter((line) => /^[0-9a-f]{32} /.test(line) && !line.endsWith(" lo"));
      const findings = others.map((line) => `without a network it has the address ${line}`);
      if (Bun.which("netavark") === null && !world.hasNetavark()) {
        return findings.length > 0
          ? unless(findings, "")
          : unless([], "without a network; netavark is not installed");
      }
      const conf = "/proc/sys/net/ipv6/conf";
      const name = world.detached(["--network", "bridge", "busybox"]);
      for (const each of readdirSync(conf).filter((interfaceName) =>
        /^(pv|br)-/.test(interfaceName),
      )) {
        const accepts = readFileSync(`${conf}/${each}/accept_ra`, "utf8").trim();
        if (accepts !== "0") findings.push(`the host takes router advertisements at ${each}`);
      }
      world.remove(name);
      const bridged = world.ground.run(["--network", "bridge", "busybox", "sh", "-c", look]);
      for (const line of bridged.stdout.split("\n")) {
        if (/^eth0 [12] 0/.test(line)) findings.push(`eth0 takes router advertisements: ${line}`);
        if (/^[0-9a-f]{32} .* eth0$/.test(line)) findings.push(`eth0 has an address: ${line}`);
      }
      if (bridged.code !== 0) findings.push(`it did not run: ${bridged.stderr}`);
      return unless(
        findings,
        "without a network, in a bridge without IPv6, and the host at that bridge",
      );
    },
  },
  ...(
    [
      [
        ["CVE-2024-41110", "CVE-2026-34040", "CVE-2026-33997"],
        "an authorisation plugin sees another request than is carried out",
        "there is no API that is listened at, and there are no plugins",
      ],
      [["CVE-2025-9566"], "kube play goes through links", "there is no kube play"],
      [
        ["CVE-2019-13139"],
        "a git address of a build runs other commands",
        "addresses are handed to buildah as they are, in namespaces of its own",
      ],
      [
        ["CVE-2024-24557"],
        "the cache of the classic builder takes another image's layer",
        "the cache is buildah's",
      ],
    ] as const
  ).map(
    ([ids, title, why]): Row<EngineWorld> => ({
      ids,
      title,
      tried: "nothing",
      run: () => notApplicable(why),
    }),
  ),
];
