// 200 requests in and 200 out through each mode of the network, with an egress list and without; `npm run
// test:networks`.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { networkState, say } from "./network-world.ts";
import { OutsideWorld, soon, title, whyNoEgress, whyNoPasta } from "./outside-world.ts";
import { Ground } from "./pivot.ts";
import { requests } from "./requests.ts";

const limit = 120_000;
const count = 200;
const why = whyNoEgress ?? whyNoPasta;

describe.skipIf(why !== undefined)(title(`${count} requests through each mode`, why), () => {
  let ground: Ground;
  let world: OutsideWorld;
  let untouched = "";

  beforeAll(async () => {
    untouched = networkState(say);
    ground = new Ground("modes");
    world = await OutsideWorld.make(ground);
  }, limit);

  afterAll(async () => {
    world.close();
    await ground.close();
    expect(networkState(say)).toBe(untouched);
  }, limit);

  /** But for what netavark leaves, and whether a bridge has noticed its port yet. */
  const state = (): string =>
    networkState((words) => world.machine.say(words))
      .replace(/^:NETAVARK-DN-\w+ - \n/gm, "")
      .replace(/^(pv-\S+ +)[A-Z]+ +/gm, "$1");

  const out = `n=0; for i in $(seq ${count}); do wget -qO- http://example.com/ >/dev/null && n=$((n+1)); done; echo $n`;
  const listed = ["--egress", "allow=example.com:80"];
  const modes = [
    ["bridge", [], 8001],
    ["bridge with a list", listed, 8002],
    ["pasta", ["--network", "pasta"], 8003],
    ["pasta with a list", ["--network", "pasta", ...listed], 8004],
    ["host", ["--network", "host"], 8005],
    ["container", ["--network", "container:holder"], 8006],
    ["path", ["--network"], 8007],
  ] as const;

  for (const [mode, flags, port] of modes) {
    test(
      mode,
      async () => {
        const { host, outside } = world;
        const hasHolder = mode === "container" || mode === "path";
        const isShared = mode === "host" || hasHolder;
        // netavark leaves chains without rules behind, for the next container.
        if (!isShared) host.pivot("run", "--rm", ...flags, "-p", `${port}:80`, "busybox", "true");
        const before = state();
        if (hasHolder) {
          const holder = ["--dns", "203.0.113.1", "-p", `${port}:80`, "busybox", "sleep", "1000"];
          host.pivot("run", "-d", "--name", "holder", ...holder);
        }
        const pid = mode === "path" ? host.pivot("inspect", "-f", "{{.State.Pid}}", "holder") : "";
        const path = mode === "path" ? [`ns:/proc/${pid}/ns/net`] : [];
        const dns = mode === "container" ? [] : ["--dns", "203.0.113.1"];
        const publish = isShared ? [] : ["-p", `${port}:80`];
        const inside = mode === "host" ? port : 80;
        const server = `echo page >/index.html; httpd -f -p ${inside}`;
        const words = [
          "--name",
          "server",
          ...dns,
          ...flags,
          ...path,
          ...publish,
          "busybox",
          "sh",
          "-c",
          server,
        ];
        host.pivot("run", "-d", ...words);
        try {
          const url = `http://203.0.113.2:${port}/index.html`;
          // The server has to listen first.
          await soon(() => outside.ran(requests(url, 1)).stdout === "1\n");
          const asked = requests(url, count);
          expect(outside.ran(asked).stdout).toBe(`${count}\n`);
          expect(host.ran(["exec", "server", "sh", "-c", out]).stdout).toBe(`${count}\n`);
        } finally {
          host.pivot("rm", "-f", "server");
          if (hasHolder) host.pivot("rm", "-f", "holder");
        }
        expect(state()).toBe(before);
      },
      limit,
    );
  }

  test(
    "none: each is refused, and nothing is published",
    () => {
      const { host, outside } = world;
      const server = "echo page >/index.html; httpd -f -p 80";
      const none = ["--network", "none", "busybox", "sh", "-c"];
      host.pivot("run", "-d", "--name", "server", ...none, server);
      try {
        const asked = requests("http://203.0.113.2:80/index.html", count);
        expect(outside.ran(asked).stdout).toBe("0\n");
        const address = out.replace("example.com", "203.0.113.7");
        for (const each of [out, address]) {
          const { code, stdout } = host.ran(["exec", "server", "sh", "-c", each]);
          expect({ code, stdout }).toEqual({ code: 0, stdout: "0\n" });
        }
        // Within itself it is served all the same.
        const own = `until wget -qO- http://127.0.0.1/index.html >/dev/null; do sleep 0.1; done; ${out.replace("example.com/", "127.0.0.1/index.html")}`;
        expect(host.ran(["exec", "server", "sh", "-c", own]).stdout).toBe(`${count}\n`);
      } finally {
        host.pivot("rm", "-f", "server");
      }
      const published = host.ran(["run", "--rm", "-p", "8008:80", ...none, "true"]);
      expect(published).toMatchObject({
        code: 0,
        stderr: "pivot: warning: -p: published ports are discarded with --network none\n",
      });
    },
    limit,
  );
});
