// /etc/hosts, /etc/hostname and /etc/resolv.conf as a container sees them.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { Ground, whyNot } from "./pivot.ts";
import { parseMountinfo } from "./sight.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("network-files");
const cat = (flags: readonly string[], path: string): string => ground.shell(flags, `cat ${path}`);

const servers = (text: string) => text.split("\n").filter((line) => /^nameserver\s/.test(line));

describe.skipIf(whyNot !== undefined)(`names of the network (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("the hostname is the beginning of the id, in the kernel and in /etc/hostname", async () => {
    const { hostname } = ground.probe([]);
    expect(hostname).toMatch(/^[0-9a-f]{12}$/);
    expect(cat([], "/etc/hostname /proc/sys/kernel/hostname")).toMatch(/^([0-9a-f]{12})\n\1$/);
    const running = await ground.start([]);
    const id = ground.stateOf(running).replace(/^.*\//, "");
    expect(readFileSync(`/proc/${running.pid}/root/etc/hostname`, "utf8")).toBe(
      `${id.slice(0, 12)}\n`,
    );
    await running.stop();
  });

  test("--hostname is what the kernel, the file and /etc/hosts say", () => {
    const sight = ground.probe(["--hostname", "web"], ["read:/etc/hostname", "read:/etc/hosts"]);
    expect(sight.hostname).toBe("web");
    expect(sight.attempts["read:/etc/hostname"]?.text).toBe("web\n");
    expect(sight.attempts["read:/etc/hosts"]?.text).toMatch(/^127\.0\.1\.1\tweb$/m);
  });

  test("the host keeps its own name", () => {
    const before = readFileSync("/proc/sys/kernel/hostname", "utf8");
    ground.shell(["--hostname", "other", "--cap-add", "SYS_ADMIN"], "hostname again");
    expect(readFileSync("/proc/sys/kernel/hostname", "utf8")).toBe(before);
  });

  test("--domainname is what the kernel says", () => {
    expect(ground.probe(["--domainname", "example.org"]).domainname).toBe("example.org");
  });

  test("with --uts host the name is the host's", () => {
    const host = readFileSync("/proc/sys/kernel/hostname", "utf8").trim();
    expect(ground.probe(["--uts", "host"]).hostname).toBe(host);
  });

  test("--hostname with --uts host is refused: the host would be renamed", () => {
    const ran = ground.run(["--uts", "host", "--hostname", "x", "busybox", "true"]);
    expect(ran.code).toBe(125);
    expect(ran.stderr).toMatch(/^pivot: [^\n]*--hostname[^\n]*\n$/);
  });

  test("/etc/hosts knows localhost by both families, and nothing of the host's", () => {
    const hosts = cat(["--hostname", "web"], "/etc/hosts");
    expect(hosts).toBe(
      [
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost ip6-loopback",
        "fe00::\tip6-localnet",
        "ff00::\tip6-mcastprefix",
        "ff02::1\tip6-allnodes",
        "ff02::2\tip6-allrouters",
        "127.0.1.1\tweb",
      ].join("\n"),
    );
  });

  test("--add-host adds lines, of both families", () => {
    const flags = ["--add-host", "db:10.1.2.3", "--add-host", "six:2001:db8::1"];
    const lines = cat(flags, "/etc/hosts").split("\n");
    expect(lines).toContain("10.1.2.3\tdb");
    expect(lines).toContain("2001:db8::1\tsix");
  });

  test("with --net host the names of the host are known", () => {
    expect(cat(["--net", "host"], "/etc/hosts")).toBe(
      readFileSync("/etc/hosts", "utf8").replace(/\n$/, ""),
    );
  });

  test("/etc/resolv.conf has the host's name servers", () => {
    const host = existsSync("/etc/resolv.conf") ? readFileSync("/etc/resolv.conf", "utf8") : "";
    expect(servers(cat([], "/etc/resolv.conf"))).toEqual(servers(host));
  });

  test("--dns, --dns-search and --dns-option say what is in it", () => {
    const flags = ["--dns", "192.0.2.1", "--dns", "2001:db8::53", "--dns-search", "example.org"];
    expect(cat([...flags, "--dns-option", "ndots:3"], "/etc/resolv.conf")).toBe(
      "search example.org\nnameserver 192.0.2.1\nnameserver 2001:db8::53\noptions ndots:3",
    );
  });

  test("--dns that is no address is refused by name", () => {
    const ran = ground.run(["--dns", "resolver", "busybox", "true"]);
    expect(ran.code).toBe(125);
    expect(ran.stderr).toMatch(/^pivot: invalid argument "resolver" for "--dns": [^\n]+\n$/);
  });

  test("a change of the file on the host is seen inside at once", async () => {
    const running = await ground.start(["--hostname", "web"]);
    const file = `${ground.stateOf(running)}/hosts`;
    const inside = `/proc/${running.pid}/root/etc/hosts`;
    expect(readFileSync(inside, "utf8")).toBe(readFileSync(file, "utf8"));
    writeFileSync(file, "10.9.8.7\tnew\n");
    const nsenter = ["nsenter", "--target", String(running.pid), "--mount", "cat", "/etc/hosts"];
    expect(ground.command(nsenter).stdout).toBe("10.9.8.7\tnew\n");
    await running.stop();
  });

  test("a change inside is not seen by the next container", () => {
    ground.shell([], "echo spoilt >>/etc/hosts; echo spoilt >/etc/resolv.conf");
    expect(cat([], "/etc/hosts /etc/resolv.conf")).not.toContain("spoilt");
  });

  for (const name of ["hosts", "hostname", "resolv.conf"]) {
    test(`the user's own /etc/${name} wins, and is mounted once`, () => {
      writeFileSync(`${ground.directory}/${name}`, "mine\n");
      const sight = ground.probe(
        ["-v", `${ground.directory}/${name}:/etc/${name}`],
        [`read:/etc/${name}`],
      );
      expect(sight.attempts[`read:/etc/${name}`]?.text).toBe("mine\n");
      const mounts = parseMountinfo(sight.mountinfo).filter(({ at }) => at === `/etc/${name}`);
      expect(mounts).toHaveLength(1);
    });
  }

  test("a user's own /etc shows them over its own files, which stay as they are", () => {
    const own = makeSmallRoot(ground, "own", {
      "etc/hosts": "mine\n",
      "etc/hostname": "mine\n",
      "etc/resolv.conf": "mine\n",
      "etc/other": "mine\n",
    });
    const flags = ["--hostname", "web", "-v", `${own}/etc:/etc`];
    expect(cat(flags, "/etc/hostname /etc/other")).toBe("web\nmine");
    expect(readFileSync(`${own}/etc/hostname`, "utf8")).toBe("mine\n");
  });

  test("a root directory that lacks the files gets empty ones to mount on, with nothing in them", () => {
    const root = makeSmallRoot(ground, "bare");
    const words = ["--rootfs", root, "/bin/cat", "/etc/hostname"];
    expect(ground.run(["--hostname", "web", ...words])).toMatchObject({ code: 0, stdout: "web\n" });
    expect(lstatSync(`${root}/etc/hostname`).size).toBe(0);
  });

  test("--read-only shows them all the same", () => {
    const flags = ["--read-only", "--hostname", "web", "--dns", "192.0.2.1"];
    expect(cat(flags, "/etc/hostname /etc/resolv.conf")).toMatch(
      /^web\n(search .*\n)?nameserver 192\.0\.2\.1/,
    );
  });
});
