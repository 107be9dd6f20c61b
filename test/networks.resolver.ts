// Name servers of running containers follow the machine's, however its file is replaced; on a machine of
// the test's own with an /etc of its own.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { networkState, say, whyNoNames } from "./network-world.ts";
import { OutsideWorld, whyNoEgress, whyNoPasta } from "./outside-world.ts";
import { Ground, pivotPath, type Ran } from "./pivot.ts";

const limit = 60_000;
const why = whyNoEgress ?? whyNoPasta ?? whyNoNames;

describe.skipIf(why !== undefined)(
  `name servers follow the machine's${why ? `: ${why}` : ""}`,
  () => {
    let ground: Ground;
    let world: OutsideWorld;
    let files: ChildProcess;
    let untouched = "";

    beforeAll(async () => {
      untouched = networkState(say);
      ground = new Ground("resolver");
      world = await OutsideWorld.make(ground);
      const ready = `${ground.directory}/ready`;
      const script = `mount --make-rprivate / && mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w /mnt/r &&
      mount -t overlay -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w overlay /etc &&
      mkdir -p /run/systemd/resolve && mount --bind /mnt/r /run/systemd/resolve &&
      rm -f /etc/resolv.conf && echo nameserver 203.0.113.99 >/etc/resolv.conf && : >${ready} && exec sleep 1000`;
      // /run as well: what is made in it stays in this mount namespace.
      files = spawn("unshare", ["-m", "sh", "-c", `mount -t tmpfs none /run && ${script}`], {
        stdio: "ignore",
      });
      for (let i = 0; i < 250 && !existsSync(ready); i++) await Bun.sleep(20);
    }, limit);

    afterAll(async () => {
      const left = pivot("ps", "-aq").stdout.split("\n").filter(Boolean);
      if (left.length > 0) pivot("rm", "-f", ...left);
      files.kill("SIGKILL");
      world.close();
      await ground.close();
      expect(networkState(say)).toBe(untouched);
    }, limit);

    const there = (...words: string[]): Ran =>
      world.machine.ran(["nsenter", `--mount=/proc/${files.pid}/ns/mnt`, "--", ...words]);

    const pivot = (...words: string[]): Ran => there(pivotPath, ...ground.roots(), ...words);

    const shown = (name: string): string => pivot("exec", name, "cat", "/etc/resolv.conf").stdout;

    const looksUp = (name: string): boolean =>
      pivot("exec", name, "wget", "-qO-", "http://example.com/").code === 0;

    const names = ["bridged", "hosts", "pasted"] as const;
    const modes = { bridged: "bridge", hosts: "host", pasted: "pasta" } as const;

    /** What a container that starts now would have, and that those that run come to have the same. */
    async function settle(): Promise<string> {
      for (const name of names) {
        const flags = ["--rm", "--network", modes[name]];
        const fresh = pivot("run", ...flags, "busybox", "cat", "/etc/resolv.conf").stdout;
        for (let i = 0; i < 50 && shown(name) !== fresh; i++) await Bun.sleep(50);
        expect(shown(name)).toBe(fresh);
      }
      return shown("bridged");
    }

    const changes = [
      [
        "written in place",
        "printf 'search a.example\\nnameserver 203.0.113.1 \\n#nameserver 1.1.1.1\\n options ndots:2' >/etc/resolv.conf",
        "search a.example\nnameserver 203.0.113.1\noptions ndots:2\n",
      ],
      [
        "replaced by a rename, with servers of the machine's loopback among others",
        "printf 'domain b.example\\nnameserver 127.0.0.1\\nnameserver 203.0.113.1\\nnameserver ::1\\n' >/etc/r && mv /etc/r /etc/resolv.conf",
        "domain b.example\nnameserver 203.0.113.1\n",
      ],
      [
        "a link to the stub of systemd-resolved",
        `cd /run/systemd/resolve && echo nameserver 127.0.0.53 >stub-resolv.conf &&
       printf 'nameserver 203.0.113.1\\nsearch c.example\\n' >resolv.conf &&
       ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf`,
        "search c.example\nnameserver 203.0.113.1\n",
      ],
      [
        "what is behind the link is replaced",
        `cd /run/systemd/resolve && printf 'nameserver 203.0.113.1\\noptions edns0\\n' >new && mv new resolv.conf`,
        "nameserver 203.0.113.1\noptions edns0\n",
      ],
    ] as const;

    test(
      "whatever way the file changes",
      async () => {
        for (const name of names) {
          pivot("run", "-d", "--name", name, "--network", modes[name], "busybox", "sleep", "1000");
        }
        expect(await settle()).toBe("nameserver 203.0.113.99\n");
        for (const [what, script, expected] of changes) {
          expect(there("sh", "-c", script).code).toBe(0);
          expect(`${what}: ${await settle()}`).toBe(`${what}: ${expected}`);
        }
      },
      limit,
    );

    test(
      "names resolve by the new server: with an egress list, in a named network, and not where a container has a file of its own",
      async () => {
        const write = (text: string) =>
          there("sh", "-c", `echo '${text}' >/etc/r; mv /etc/r /etc/resolv.conf`);
        write("nameserver 203.0.113.99");
        pivot("network", "create", "named");
        const egress = ["--egress", "allow=example.com"];
        pivot("run", "-d", "--name", "listed", ...egress, "busybox", "sleep", "1000");
        pivot("run", "-d", "--name", "member", "--network", "named", "busybox", "sleep", "1000");
        pivot("run", "-d", "--name", "stubborn", "busybox", "sleep", "1000");
        pivot("exec", "stubborn", "sh", "-c", "echo nameserver 192.0.2.1 >/etc/resolv.conf");
        const own = `${ground.directory}/own`;
        writeFileSync(own, "nameserver 192.0.2.2\n");
        const mounted = ["-v", `${own}:/etc/resolv.conf:ro`];
        pivot("run", "-d", "--name", "mounted", ...mounted, "busybox", "sleep", "1000");
        const given = ["--dns", "192.0.2.3"];
        pivot("run", "-d", "--name", "given", ...given, "busybox", "sleep", "1000");
        write("nameserver 203.0.113.1");
        for (const name of ["listed", "member"]) {
          for (let i = 0; i < 5 && !looksUp(name); i++) await Bun.sleep(200);
          expect(`${name} ${looksUp(name)}`).toBe(`${name} true`);
        }
        expect(shown("listed")).toBe("nameserver 127.0.0.11\n");
        expect(shown("stubborn")).toBe("nameserver 192.0.2.1\n");
        expect(shown("mounted")).toBe("nameserver 192.0.2.2\n");
        expect(shown("given")).toBe("nameserver 192.0.2.3\n");
      },
      limit,
    );

    test(
      "pasta passes questions on to a server at the machine's loopback",
      async () => {
        const program = [process.execPath, new URL("outside.ts", import.meta.url).pathname];
        const server = world.machine.start([
          ...program,
          "127.0.0.1",
          '{"near.example":["203.0.113.7"]}',
        ]);
        there("sh", "-c", "echo nameserver 127.0.0.1 >/etc/r; mv /etc/r /etc/resolv.conf");
        try {
          const look = [
            "busybox",
            "sh",
            "-c",
            "cat /etc/resolv.conf; wget -qO- http://near.example/",
          ];
          let stdout = "";
          for (let i = 0; i < 5 && !stdout.includes("203.0.113.7"); i++) {
            stdout = pivot("run", "--rm", "--network", "pasta", ...look).stdout;
          }
          expect(stdout).toBe("nameserver 169.254.1.1\n203.0.113.7 80 to 203.0.113.2\n");
        } finally {
          server.kill("SIGKILL");
        }
      },
      limit,
    );
  },
);
