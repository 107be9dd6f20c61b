// Where a container's root comes from, and what is left of what is written there.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { makeBundle } from "./bundle.ts";
import { Ground, pivotPath, type Ran, whyNot } from "./pivot.ts";
import { parseMountinfo } from "./sight.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("root");

/** Asserts success, gives what was said. */
function said(ran: Ran): string {
  if (ran.code !== 0) throw new Error(`code ${ran.code}: ${ran.stderr}`);
  return ran.stdout;
}

const runShell = (flags: readonly string[], script: string): Ran =>
  ground.run([...flags, "/bin/sh", "-c", script]);

const tool = (...words: string[]): string =>
  said(ground.command(words, { cwd: ground.directory, timeout: 60_000 }));

/** A layout with two images, `one` and `two`, whose /etc/which says which; and archives of them. */
function makeImages(rootfs: string): void {
  tool("umoci", "init", "--layout", "layout");
  for (const name of ["one", "two"]) {
    writeFileSync(`${rootfs}/etc/which`, `${name}\n`);
    tool("umoci", "new", "--image", `layout:${name}`);
    tool("umoci", "insert", "--image", `layout:${name}`, rootfs, "/");
    tool(
      "umoci",
      "config",
      "--image",
      `layout:${name}`,
      "--config.cmd=/bin/cat",
      "--config.cmd=/etc/which",
      `--config.env=NAME=${name}`,
      "--config.workingdir=/srv",
    );
  }
  const archive = "docker-archive:one.tar:registry.example/one:latest";
  tool("skopeo", "copy", "--insecure-policy", "oci:layout:one", archive);
}

describe.skipIf(whyNot !== undefined)(`the root (${whyNot ?? "as root"})`, () => {
  let rootfs: string;
  beforeAll(() => {
    rootfs = makeSmallRoot(ground, "rootfs", {
      "etc/which": "directory\n",
      "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    });
    ground.shell([], "true"); // makes the image
  });
  afterAll(() => ground.close());

  describe("of an image", () => {
    test("is an overlay with a writable layer", () => {
      const root = parseMountinfo(ground.probe([]).mountinfo).find(({ at }) => at === "/");
      expect(root).toMatchObject({ type: "overlay", root: "/" });
      expect(root?.flags).toContain("rw");
      expect(ground.shell([], "echo changed >/etc/passwd; cat /etc/passwd")).toBe("changed");
    });

    test("is the same for the second container, whatever the first has written and removed", () => {
      const look = "find / -xdev | sort; cat /etc/passwd";
      const before = ground.shell([], look);
      const spoil = "rm -rf /bin/ls /home; echo x >/etc/passwd; mkdir /new; chmod 777 /etc";
      ground.shell([], spoil);
      expect(ground.shell([], look)).toBe(before);
      expect(ground.shell([], "stat -c %a /etc")).toBe("755");
    });

    test("is each container's own while both run", async () => {
      const script = "echo first >/mark; echo ready; exec sleep 1000";
      const first = await ground.start([], ["busybox", "sh", "-c", script]);
      expect(ground.shell([], "ls /mark 2>&1 || true")).toContain("No such file");
      await first.stop();
    });

    test("without --rm what was written stays in the container's layer until it is removed", () => {
      expect(ground.pivot(["run", "busybox", "sh", "-c", "echo kept >/mark"]).code).toBe(0);
      const [id = ""] = readdirSync(`${ground.root}/containers`);
      expect(readFileSync(`${ground.root}/containers/${id}/upper/mark`, "utf8")).toBe("kept\n");
      expect(said(ground.pivot(["system", "prune", "-f"]))).toContain(id);
      expect(readdirSync(`${ground.root}/containers`)).toEqual([]);
    });

    test("with --read-only refuses writes, also where a mount point had to be made", () => {
      const { attempts, mountinfo } = ground.probe(
        ["--read-only", "-v", `${ground.directory}:/made/for/it`],
        ["create:/file", "create:/etc/file", "mkdir:/made/more", "create:/dev/shm/file"],
      );
      const came = Object.entries(attempts).map(([word, { errno }]) => `${word} ${errno}`);
      expect(came).toEqual([
        "create:/file EROFS",
        "create:/etc/file EROFS",
        "mkdir:/made/more EROFS",
        "create:/dev/shm/file null",
      ]);
      expect(parseMountinfo(mountinfo).find(({ at }) => at === "/")?.flags).toContain("ro");
    });

    test("with --read-only has a writable place where --tmpfs makes one", () => {
      expect(ground.shell(["--read-only", "--tmpfs", "/tmp"], "echo x >/tmp/y; cat /tmp/y")).toBe(
        "x",
      );
    });
  });

  test("the store and the run root may be in directories of any name", () => {
    for (const name of ["with space", "a:b", "a,b=c", "back\\slash", 'quo"te', "línea\nnew"]) {
      const roots = ["--root", `${ground.directory}/${name}/data`];
      roots.push("--runroot", `${ground.directory}/${name}/run`);
      const words = ["busybox", "sh", "-c", "echo x >/mark && cat /mark /etc/hostname"];
      const ran = ground.command([pivotPath, ...roots, "run", "--rm", "-h", "web", ...words]);
      expect(ran).toEqual({ code: 0, signal: null, stdout: "x\nweb\n", stderr: "" });
    }
  });

  describe("of a directory", () => {
    test("is that directory: what is written stays there", () => {
      expect(said(runShell(["--rootfs", rootfs], "echo new >/tmp/new; cat /etc/which"))).toBe(
        "directory\n",
      );
      expect(readFileSync(`${rootfs}/tmp/new`, "utf8")).toBe("new\n");
    });

    test("is found from the working directory too", () => {
      const words = ["--rootfs", "rootfs", "/bin/cat", "/etc/which"];
      expect(said(ground.run(words, { cwd: ground.directory }))).toBe("directory\n");
    });

    for (const flags of [["DIR:ro"], ["DIR", "--read-only"]]) {
      test(`with ${flags.join(" ")} is not written to`, () => {
        const given = flags.map((flag) => flag.replace("DIR", rootfs));
        const ran = runShell(["--rootfs", ...given], "echo x 2>&1 >/tmp/no; echo $?");
        expect(said(ran)).toContain("Read-only file system");
        expect(existsSync(`${rootfs}/tmp/no`)).toBe(false);
      });
    }

    test("has /proc, /sys and /dev of its own, and nothing of them stays in the directory", () => {
      const before = readdirSync(`${rootfs}/dev`);
      expect(said(runShell(["--rootfs", rootfs], "ls -d /proc/1 /sys/kernel /dev/null"))).toBe(
        "/dev/null\n/proc/1\n/sys/kernel\n",
      );
      expect(readdirSync(`${rootfs}/dev`)).toEqual(before);
    });
  });

  describe("of a bundle", () => {
    test("runs as `runc spec` describes it", () => {
      const bundle = makeBundle(ground, "bundle", rootfs, ({ process }) => {
        process["args"] = ["/probe", "create:/file", "read:/proc/sys/kernel/hostname"];
      });
      const sight = ground.sight(ground.run(["--bundle", bundle]));
      expect(sight).toMatchObject({
        hostname: "runc",
        cwd: "/",
        noNewPrivs: 1,
        pid: 1,
        env: [
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
          "TERM=xterm",
          "HOME=/root",
        ],
      });
      expect(sight.attempts["create:/file"]?.errno).toBe("EROFS");
      expect(sight.attempts["read:/proc/sys/kernel/hostname"]?.text).toBe("runc\n");
      const mounts = parseMountinfo(sight.mountinfo).map(({ at }) => at);
      for (const at of ["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys"]) {
        expect(mounts).toContain(at);
      }
      expect(mounts).not.toContain("/etc/hosts");
    });

    test("writes into its rootfs when that is not read-only", () => {
      const bundle = makeBundle(ground, "writable", rootfs, ({ process, root }) => {
        process["args"] = ["/bin/sh", "-c", "echo x >/mark"];
        root["readonly"] = false;
      });
      expect(said(ground.run(["-b", bundle]))).toBe("");
      expect(readFileSync(`${bundle}/rootfs/mark`, "utf8")).toBe("x\n");
    });

    test("ends with its process's exit code", () => {
      const bundle = makeBundle(ground, "code", rootfs, ({ process }) => {
        process["args"] = ["/bin/sh", "-c", "exit 42"];
      });
      expect(ground.run(["--bundle", bundle])).toEqual({
        code: 42,
        signal: null,
        stdout: "",
        stderr: "",
      });
    });

    test("says of ambient capabilities that cannot be so that they are left out", () => {
      const bundle = makeBundle(ground, "ambient", rootfs, ({ process }) => {
        process["args"] = ["/bin/grep", "^CapAmb", "/proc/self/status"];
        const own = ["CAP_KILL"];
        const ambient = ["CAP_KILL", "CAP_CHOWN"];
        process["capabilities"] = { bounding: own, permitted: own, inheritable: own, ambient };
      });
      expect(ground.run(["--bundle", bundle])).toMatchObject({
        code: 0,
        stdout: "CapAmb:\t0000000000000020\n",
        stderr:
          "pivot: warning: process.capabilities.ambient: CAP_CHOWN is left out: it would have to be in permitted and inheritable too\n",
      });
    });
  });

  describe("of a file", () => {
    beforeAll(() => {
      rootfs = makeSmallRoot(ground, "image-root");
      mkdirSync(`${rootfs}/srv`);
      makeImages(rootfs);
    });

    for (const reference of ["oci:layout:one", "oci:layout:two"]) {
      test(`${reference} is taken from an OCI layout, with its command`, () => {
        const ran = ground.run([reference], { cwd: ground.directory });
        expect(said(ran)).toBe(`${reference.replace(/.*:/, "")}\n`);
      });
    }

    test("an OCI layout with one image needs no name", () => {
      tool("skopeo", "copy", "--insecure-policy", "oci:layout:one", "oci:single:only");
      expect(said(ground.run(["oci:single"], { cwd: ground.directory }))).toBe("one\n");
    });

    test("an OCI layout with two images asks for which", () => {
      const ran = ground.run(["oci:layout"], { cwd: ground.directory });
      expect(ran.code).toBe(125);
      expect(ran.stderr).toMatch(/^pivot: [^\n]*layout[^\n]*one[^\n]*two[^\n]*\n$/);
    });

    test("docker-archive:FILE is taken from what `docker save` writes", () => {
      const file = `docker-archive:${ground.directory}/one.tar`;
      expect(said(ground.run([file]))).toBe("one\n");
    });

    test("the image's environment and working directory are the container's", () => {
      const reference = `oci:${ground.directory}/layout:two`;
      expect(said(ground.run([reference, "sh", "-c", "pwd; echo $NAME"]))).toBe("/srv\ntwo\n");
    });

    test("an image that has changed since is taken anew", () => {
      writeFileSync(`${rootfs}/etc/which`, "changed\n");
      tool("umoci", "insert", "--image", "layout:one", `${rootfs}/etc/which`, "/etc/which");
      expect(said(ground.run([`oci:${ground.directory}/layout:one`]))).toBe("changed\n");
    });
  });
});
