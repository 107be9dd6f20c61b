// redis, nginx and Node in containers of one image: real clients, signals, logs, volumes, limits.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import {
  Background,
  command,
  directory,
  fetched,
  makeImages,
  named,
  printed,
  Store,
  until,
  whyNoDebian,
} from "./ground.ts";

const reason = whyNoDebian("buildah", "redis-cli");
const store = new Store();

const run = (name: string, ...words: string[]): string =>
  store.said("run", "-d", "--name", name, "--network", "host", ...words);

const redis = (...words: string[]): string => printed(["redis-cli", "-h", "127.0.0.1", ...words]);
const pings = (): boolean => command(["redis-cli", "-h", "127.0.0.1", "ping"]).stdout === "PONG\n";

describe.skipIf(reason !== undefined)(named("daemons", reason), () => {
  beforeAll(() => void makeImages(), 300_000);
  afterAll(async () => {
    store.removeAll();
    store.said("volume", "prune", "-af");
    await store.expectNothingLeft();
  });

  describe("redis", () => {
    const start = (name: string): string =>
      run(
        name,
        ..."-u redis -v cache:/data --read-only --tmpfs /tmp -m 64m --cap-drop ALL".split(" "),
        ..."--health-cmd redis-cli_ping --health-interval 300ms"
          .split(" ")
          .map((word) => word.replace("_", " ")),
        ..."services redis-server --dir /data --appendonly yes --bind 127.0.0.1".split(" "),
      );

    test("read-only, without capabilities, as its own user, it serves and keeps a volume", async () => {
      start("kv");
      await until("it answers", pings);
      expect(redis("set", "greeting", "hello")).toBe("OK");
      for (let i = 0; i < 50; i++) redis("lpush", "list", `entry ${i}`);
      expect(store.said("exec", "kv", "redis-cli", "get", "greeting")).toBe("hello");
      const status = readFileSync(`/proc/${store.inspect("kv", "{{.State.Pid}}")}/status`, "utf8");
      expect(status).toContain("CapEff:\t0000000000000000");
      expect(status).not.toContain("Uid:\t0\t");
      await until("it is healthy", () => store.status("kv").endsWith("(healthy)"), 10);
      const shown = store.said("stats", "--no-stream", "--format", "{{.MemUsage}}", "kv");
      expect(shown).toMatch(/iB \/ 64MiB$/);
    });

    test("stop lets it write its data; a new container of the volume has it", async () => {
      expect(store.said("stop", "kv")).toBe("kv");
      expect(store.status("kv")).toMatch(/^Exited \(0\) /);
      expect(store.logs("kv")).toContain("Redis is now ready to exit, bye bye...");
      store.said("rm", "kv");
      start("kv2");
      await until("it answers", pings);
      expect(redis("get", "greeting")).toBe("hello");
      expect(redis("llen", "list")).toBe("50");
    });

    test("killed, it is started again by `always`, with what it has appended", async () => {
      store.said("update", "--restart", "always", "kv2");
      redis("set", "greeting", "again");
      await Bun.sleep(1200); // it synchronises every second
      const before = store.inspect("kv2", "{{.State.Pid}}");
      process.kill(Number(before), "SIGKILL");
      await until(
        "another runs",
        () => !["0", before].includes(store.inspect("kv2", "{{.State.Pid}}")),
      );
      await until("it answers", pings);
      expect(redis("get", "greeting")).toBe("again");
      store.said("rm", "-f", "kv2");
      expect(pings()).toBeFalse();
    });
  });

  describe("nginx", () => {
    const page = (): Promise<string | undefined> => fetched("http://127.0.0.1:8080/page.html");

    test("serves what cp brings in; workers are www-data; its log is the container's", async () => {
      run("web", "--stop-signal", "SIGQUIT", "services", "nginx", "-g", "daemon off;");
      await until(
        "it answers",
        async () => (await fetched("http://127.0.0.1:8080/")) !== undefined,
      );
      writeFileSync(`${directory}/page.html`, "<p>from the host\n");
      store.said("cp", `${directory}/page.html`, "web:/var/www/html/page.html");
      expect(await page()).toBe("<p>from the host\n");
      expect(store.said("top", "web", "-o", "user,pid,args")).toMatch(
        /\nwww-data .*worker process/,
      );
      await until("it is logged", () => store.logs("web").includes("GET /page.html"), 5);
      expect(store.said("diff", "web")).toContain("A /var/www/html/page.html");
    });

    test("a signal makes it read its configuration again", async () => {
      const words = "sed -i s/8080/8081/ /etc/nginx/sites-enabled/default";
      store.said("exec", "web", ...words.split(" "));
      store.said("kill", "-s", "HUP", "web");
      await until(
        "it answers elsewhere",
        async () => (await fetched("http://127.0.0.1:8081/page.html")) === "<p>from the host\n",
      );
      expect(store.status("web")).toMatch(/^Up /);
    });

    test("paused it does not answer; unpaused it does", async () => {
      store.said("pause", "web");
      expect(store.status("web")).toContain("(Paused)");
      const late = fetch("http://127.0.0.1:8081/page.html", { signal: AbortSignal.timeout(400) });
      await expect(late).rejects.toThrow();
      store.said("unpause", "web");
      expect(await fetched("http://127.0.0.1:8081/page.html")).toBe("<p>from the host\n");
    });

    test("it stops by its own signal, and an image of it serves the same", async () => {
      store.said("stop", "web");
      expect(store.status("web")).toMatch(/^Exited \(0\) /);
      store.said("commit", "-c", 'CMD ["nginx", "-g", "daemon off;"]', "web", "site:1");
      store.said("rm", "web");
      run("site", "--init", "site:1");
      await until(
        "it answers",
        async () => (await fetched("http://127.0.0.1:8081/page.html")) === "<p>from the host\n",
      );
      store.said("rm", "-f", "site");
      store.said("rmi", "site:1");
    });
  });

  describe("Node", () => {
    const program = `const server = require("node:http").createServer((request, response) => {
      console.log(request.method, request.url);
      if (request.url === "/crash") process.exit(3);
      response.end(JSON.stringify({ pid: process.pid, who: process.env.WHO, uid: process.getuid() }));
    });
    process.on("SIGTERM", () => { console.error("asked to end"); server.close(() => process.exit(0)); });
    server.listen(3000, "127.0.0.1", () => console.log("listens"));`;

    test("answers fetch, is started again after a crash, and logs both streams apart", async () => {
      const flags = "--restart on-failure:2 -e WHO=someone -u 1000:1000 --init".split(" ");
      run("app", ...flags, "services", "node", "-e", program);
      const url = "http://127.0.0.1:3000";
      await until("it answers", async () => (await fetched(url)) !== undefined);
      const answer = JSON.parse((await fetched(url)) ?? "{}");
      expect(answer).toMatchObject({ who: "someone", uid: 1000 });
      expect(answer.pid).toBeGreaterThan(1); // --init is the first
      const follower = new Background(store.words(["logs", "-f", "--tail", "0", "app"]));
      await Bun.sleep(300);
      expect(await fetched(`${url}/crash`)).toBeUndefined();
      await until("it answers again", async () => (await fetched(url)) !== undefined);
      await until("the log goes on", () => /crash[^]*listens/.test(follower.text), 5);
      expect(store.inspect("app", "{{.RestartCount}}")).toBe("1");
      expect(store.said("stop", "app")).toBe("app");
      expect(await follower.end()).toBe(0);
      const { stdout, stderr } = store.pivot(["logs", "app"]);
      expect(stderr).toBe("asked to end\n");
      expect(stdout).toContain("GET /crash\n");
      expect(store.status("app")).toMatch(/^Exited \(0\) /);
      store.said("rm", "app");
    });
  });
});
