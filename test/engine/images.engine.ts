// Images that other tools make, and pivot's own in other tools, by way of archives, layouts and
// Debian's docker-registry, with a login and without.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { DockerRegistry } from "../docker-registry.ts";
import { command, directory, makeImages, named, printed, Store, whyNoDebian } from "./ground.ts";

const reason = whyNoDebian("docker-registry", "buildah", "skopeo", "umoci", "podman");
const store = new Store();
const other = new Store(`${directory}/other`);
const login = { username: "alice", password: "correct horse" };

/** buildah's and podman's own store, and no configuration of the machine's registries. */
const storage = ["--root", `${directory}/containers`, "--runroot", `${directory}/containers-run`];
const tool = (name: "buildah" | "podman", ...words: string[]): string =>
  printed([name, ...storage, "--storage-driver", "vfs", ...words]);

let open: DockerRegistry;
let closed: DockerRegistry;

const idOf = (of: Store, name: string): string =>
  of.said("image", "inspect", "-f", "{{.Id}}", name);

/** Every file of an image's root, as seen from inside: type, mode, owner, size, links, content. */
const sumOf = (of: Store, name: string): string => {
  const look =
    "cd / && { find . -xdev -path ./proc -prune -o -path ./sys -prune -o -path ./dev -prune -o -printf '%p %y %m %U %G %l\\n' | sort; find usr/bin etc -xdev -type f ! -name hosts ! -name hostname ! -name resolv.conf -print0 | sort -z | xargs -0 md5sum; } | md5sum";
  return of.said("run", "--rm", "-u", "0", "--entrypoint", "", name, "sh", "-c", look);
};

const busyboxSays = (of: Store, name: string): string =>
  of.said("run", "--rm", name, "busybox", "cat", "/mark");

describe.skipIf(reason !== undefined)(named("images", reason), () => {
  beforeAll(async () => {
    makeImages();
    store.said("run", "--rm", "busybox", "true"); // the image is made by its first use
    open = await DockerRegistry.start(`${directory}/registry`);
    closed = await DockerRegistry.start(`${directory}/registry-with-login`, login);
    writeFileSync(`${directory}/mark`, "made elsewhere\n");
  }, 300_000);
  afterAll(async () => {
    await open?.stop();
    await closed?.stop();
    for (const each of [store, other]) {
      each.removeAll();
      await each.expectNothingLeft();
    }
    for (const each of ["containers", "containers-run", "registry", "registry-with-login"]) {
      rmSync(`${directory}/${each}`, { recursive: true, force: true });
    }
  });

  test("a Debian of several layers: pushed, pulled into another store, file by file the same", () => {
    const name = `${open.host}/team/services:1`;
    store.said("tag", "services", name);
    store.said("push", "-q", name);
    expect(other.said("pull", "-q", name)).toBe(name);
    expect(idOf(other, name)).toBe(idOf(store, "services"));
    expect(other.said("history", "-q", name).split("\n").length).toBeGreaterThan(1);
    expect(sumOf(other, name)).toBe(sumOf(store, "services"));
    // A second image shares the large layer: nothing of it is sent or had again.
    const second = `${open.host}/team/postgres:1`;
    store.said("tag", "postgres", second);
    const before = Date.now();
    store.said("push", "-q", second);
    other.said("pull", "-q", second);
    expect(Date.now() - before).toBeLessThan(10_000);
    expect(other.said("run", "--rm", second, "postgres", "--version")).toContain("PostgreSQL");
    expect(other.said("run", "--rm", second, "id", "-un")).toBe("postgres");
  }, 300_000);

  test("skopeo and podman take what pivot has pushed and saved", () => {
    const remote = `docker://${open.host}/team/services:1`;
    const inspected = printed(["skopeo", "inspect", "--tls-verify=false", "--config", remote]);
    expect(JSON.parse(inspected)).toMatchObject({ architecture: "amd64", os: "linux" });
    store.said("save", "-o", `${directory}/busybox.tar`, "busybox");
    tool("podman", "load", "-q", "-i", `${directory}/busybox.tar`);
    expect(tool("podman", "images", "--format", "{{.ID}}", "--no-trunc")).toContain(
      idOf(store, "busybox"),
    );
  });

  test("with a login: refused without, wrong and after logout; else as without", () => {
    const name = `${closed.host}/private/busybox:1`;
    const env = { DOCKER_CONFIG: `${directory}/docker-config` };
    const words = (...args: string[]) => store.pivot(args, { env });
    const log = (password: string) =>
      store.pivot(["login", "-u", login.username, "--password-stdin", closed.host], {
        env,
        input: password,
      });
    store.said("tag", "busybox", name);
    expect(words("push", name)).toMatchObject({ code: 1 });
    expect(log("wrong")).toMatchObject({ code: 1 });
    expect(log(login.password)).toMatchObject({ code: 0, stdout: "Login Succeeded\n" });
    expect(words("push", "-q", name)).toMatchObject({ code: 0 });
    const pull = other.pivot(["pull", "-q", name], { env });
    expect(pull).toMatchObject({ code: 0, stdout: `${name}\n` });
    expect(idOf(other, name)).toBe(idOf(store, "busybox"));
    // The credentials are docker's: other tools find them there.
    const auth = ["--authfile", `${env.DOCKER_CONFIG}/config.json`, "--tls-verify=false"];
    printed(["skopeo", "inspect", ...auth, `docker://${name}`]);
    expect(words("logout", closed.host).code).toBe(0);
    const refused = other.pivot(["pull", name], { env });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("login");
  });

  test("buildah builds and pushes; pivot pulls and runs", () => {
    const name = `${open.host}/buildah/made:1`;
    const from = tool("buildah", "from", "scratch");
    tool("buildah", "copy", from, Bun.which("busybox") ?? "", "/bin/busybox");
    tool("buildah", "copy", from, `${directory}/mark`, "/mark");
    tool("buildah", "config", "--env", "A=b", "--cmd", "/bin/busybox cat /mark", from);
    tool("buildah", "commit", "-q", from, name);
    tool("buildah", "push", "-q", "--tls-verify=false", name);
    // `run` pulls what is not there, and says so on standard error alone.
    expect(store.said("run", "--rm", name)).toBe("made elsewhere");
    expect(busyboxSays(store, name)).toBe("made elsewhere");
    expect(store.said("image", "inspect", "-f", "{{json .Config.Env}}", name)).toContain('"A=b"');
    tool("buildah", "rm", from);
  });

  test("skopeo copies between formats; all are the same image", () => {
    const remote = `docker://${open.host}/buildah/made:1`;
    const archive = `docker-archive:${directory}/skopeo.tar:skopeo/made:1`;
    const layout = `oci:${directory}/skopeo-layout:1`;
    printed(["skopeo", "copy", "-q", "--src-tls-verify=false", remote, archive]);
    printed(["skopeo", "copy", "-q", "--src-tls-verify=false", remote, layout]);
    expect(store.said("load", "-i", `${directory}/skopeo.tar`)).toBe("Loaded image: skopeo/made:1");
    expect(busyboxSays(store, "skopeo/made:1")).toBe("made elsewhere");
    expect(busyboxSays(store, layout)).toBe("made elsewhere");
    const copied = `docker://${open.host}/skopeo/zstd:1`;
    const zstd = ["--dest-compress-format", "zstd", "--dest-tls-verify=false"];
    printed(["skopeo", "copy", "-q", ...zstd, layout, copied]);
    expect(busyboxSays(other, `${open.host}/skopeo/zstd:1`)).toBe("made elsewhere");
  });

  test("umoci makes a layout of its own, and takes one of pivot's apart", () => {
    const layout = `${directory}/umoci`;
    printed(["umoci", "init", "--layout", layout]);
    printed(["umoci", "new", "--image", `${layout}:1`]);
    const bundle = `${directory}/umoci-bundle`;
    printed(["umoci", "unpack", "--image", `${layout}:1`, bundle]);
    mkdirSync(`${bundle}/rootfs/bin`);
    printed(["cp", Bun.which("busybox") ?? "", `${bundle}/rootfs/bin/busybox`]);
    printed(["cp", `${directory}/mark`, `${bundle}/rootfs/mark`]);
    printed(["umoci", "repack", "--image", `${layout}:1`, bundle]);
    const set = ["--config.cmd", "/bin/busybox", "--config.cmd", "cat", "--config.cmd", "/mark"];
    printed(["umoci", "config", "--image", `${layout}:1`, ...set]);
    expect(store.said("run", "--rm", `oci:${layout}:1`)).toBe("made elsewhere");
    store.said("image", "copy", "-q", "busybox", `oci:${directory}/pivot-layout:1`);
    printed(["umoci", "unpack", "--image", `${directory}/pivot-layout:1`, `${directory}/apart`]);
    expect(command(["test", "-x", `${directory}/apart/rootfs/bin/busybox`]).code).toBe(0);
  });

  test("save and load: the whole Debian by an archive", () => {
    const archive = `${directory}/services.tar`;
    store.said("save", "-o", archive, "services");
    const third = new Store(`${directory}/third`);
    expect(third.said("load", "-q", "-i", archive)).toBe("Loaded image: services:latest");
    expect(idOf(third, "services")).toBe(idOf(store, "services"));
    expect(third.said("run", "--rm", "services", "node", "-p", "6 * 7")).toBe("42");
    rmSync(archive);
    rmSync(third.base, { recursive: true });
  }, 300_000);
});
