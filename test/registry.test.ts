/** Registries, black-box: docker-registry and skopeo on the other side, and connections that end. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { digestOf } from "../src/image/blob.ts";
import { tarArchive } from "../src/image/tar-writer.ts";
import { makeImage, simple, writeLayout } from "../src/image/testing/image.ts";
import * as library from "../src/mod.ts";
import { FakeRegistry } from "../src/registry/testing/fake-registry.ts";
import { DockerRegistry, whyNoRegistry } from "./docker-registry.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";

const why = whyNot ?? whyNoRegistry("skopeo");

describe.skipIf(why !== undefined)(`docker-registry (${why ?? "with skopeo"})`, () => {
  const login = { username: "alice", password: "a secret" };
  let ground: Ground;
  let open: DockerRegistry;
  let closed: DockerRegistry;
  let env: Record<string, string>;

  beforeAll(async () => {
    ground = new Ground("registry");
    mkdirSync(`${ground.directory}/home`);
    env = { PATH: process.env["PATH"] ?? "", HOME: `${ground.directory}/home` };
    [open, closed] = await Promise.all([
      DockerRegistry.start(`${ground.directory}/open`),
      DockerRegistry.start(`${ground.directory}/closed`, login),
    ]);
    ground.shell([], "true"); // makes the image busybox
    writeLayout(`${ground.directory}/layout`, simple);
  });
  afterAll(async () => {
    await Promise.all([open.stop(), closed.stop()]);
    await ground.close();
  });

  const pivot = (...words: string[]) => ground.pivot(words, { env });
  const succeed = (...words: string[]): string => {
    const ran = pivot(...words);
    if (ran.code !== 0) throw new Error(`${words.join(" ")}: ${ran.code}: ${ran.stderr}`);
    return ran.stdout;
  };
  const skopeo = (...words: string[]): string => {
    const ran = ground.command(["skopeo", "--insecure-policy", ...words], { env });
    if (ran.code !== 0) throw new Error(`skopeo ${words.join(" ")}: ${ran.stderr}`);
    return ran.stdout;
  };
  const digestThere = (reference: string, ...flags: string[]): string =>
    digestOf(
      Buffer.from(
        skopeo("inspect", "--raw", "--tls-verify=false", ...flags, `docker://${reference}`),
      ),
    );

  test.each(["oci", "v2s2"])(
    "what skopeo has pushed as %s is pulled, and pushed on as it is",
    (format) => {
      const there = `${open.host}/from/skopeo:${format}`;
      skopeo(
        "copy",
        "--dest-tls-verify=false",
        `--format=${format}`,
        `oci:${ground.directory}/layout`,
        `docker://${there}`,
      );
      const digest = digestThere(there);
      const said = succeed("pull", there);
      expect(said.split("\n").slice(-4)).toEqual([
        `Digest: ${digest}`,
        `Status: Downloaded newer image for ${there}`,
        there,
        "",
      ]);
      expect(succeed("pull", there)).toContain(`Status: Image is up to date for ${there}\n`);
      const proxied = {
        ...env,
        HTTP_PROXY: "http://127.0.0.1:1",
        HTTPS_PROXY: "http://127.0.0.1:1",
      };
      expect(ground.pivot(["pull", "-q", there], { env: proxied }).code).toBe(0);
      expect(succeed("image", "pull", "--quiet", `${open.host}/from/skopeo@${digest}`)).toBe(
        `${open.host}/from/skopeo@${digest}\n`,
      );
      expect(succeed("push", there)).toMatch(
        new RegExp(`Layer already exists\\n${format}: digest: ${digest} size: \\d+\\n$`),
      );
    },
  );

  test("the library pulls and pushes", async () => {
    const there = `${open.host}/from/library:1`;
    const layout = `oci:${ground.directory}/layout`;
    skopeo("copy", "--dest-tls-verify=false", layout, `docker://${there}`);
    const request = {
      dataRoot: `${ground.directory}/library`,
      findCredentials: async () => undefined,
    };
    const pulled = await library.pull(there, { ...request, platform: "linux/amd64" });
    expect(pulled).toMatchObject({ isNew: true, digest: digestThere(there), references: [there] });
    expect((await library.push(there, request)).digest).toBe(pulled.digest);
    const { stdout } = await library
      .run({
        image: there,
        pull: "never",
        command: ["/no/such/program"],
        roots: { dataRoot: request.dataRoot, runRoot: ground.runRoot },
      })
      .catch((error: Error) => ({ stdout: error.message }));
    expect(stdout).toContain("the image has no such program");
    await expect(library.pull("oci:/somewhere", request)).rejects.toThrow("is an image in a file");
  });

  test("run pulls what is missing, when it may", async () => {
    const layout = `${ground.directory}/busybox`;
    ground.command(["cp", "-r", `${ground.root}/blobs`, `${ground.directory}/`]);
    mkdirSync(layout);
    ground.command(["mv", `${ground.directory}/blobs`, layout]);
    const name = readdirSync(`${ground.root}/refs`).find((each) => each.includes("busybox"));
    const descriptor = JSON.parse(readFileSync(`${ground.root}/refs/${name}`, "utf8"));
    await Bun.write(`${layout}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
    await Bun.write(
      `${layout}/index.json`,
      JSON.stringify({ schemaVersion: 2, manifests: [{ ...descriptor, annotations: {} }] }),
    );
    const there = `${open.host}/busybox`;
    skopeo("copy", "--dest-tls-verify=false", `oci:${layout}`, `docker://${there}`);
    const run = (...flags: string[]) =>
      ground.pivot(["run", "--rm", ...flags, there, "echo", "hello"], { env });
    expect(run("--pull", "never")).toMatchObject({
      code: 125,
      stderr: `pivot: no image "${there}:latest" in ${ground.root}: pull or import it\n`,
    });
    const first = run();
    expect(first).toMatchObject({ code: 0, stdout: "hello\n" });
    expect(first.stderr).toStartWith(`Unable to find image '${there}:latest' locally\n`);
    expect(run()).toEqual({ code: 0, signal: null, stdout: "hello\n", stderr: "" });
    expect(run("--pull=always").stderr).toContain("Status: Image is up to date");
    expect(run("--pull=always", "-q").stderr).toBe("");
    await open.stop();
    expect(run().stdout).toBe("hello\n");
    expect(run("--pull=always")).toMatchObject({
      code: 125,
      stderr: expect.stringContaining(`pivot: cannot reach ${open.host}: connection refused\n`),
    });
    open = await DockerRegistry.start(`${ground.directory}/open`);
  });

  test("logging in, pushing, pulling, logging out", () => {
    skopeo(
      "copy",
      "--dest-tls-verify=false",
      "--dest-creds=alice:a secret",
      `oci:${ground.directory}/layout`,
      `docker://${closed.host}/team/app:1`,
    );
    const there = `${closed.host}/team/app:1`;
    const stranger = pivot("pull", there);
    expect(stranger.code).toBe(1);
    expect(stranger.stderr).toContain(`\`pivot login ${closed.host}\``);
    const attempt = (password: string) =>
      ground.pivot(["login", "-u", "alice", "--password-stdin", closed.host], {
        env,
        input: `${password}\n`,
      });
    expect(attempt("guess").stderr).toMatch(/^pivot: \S+ refuses the login: 401 [^\n]*\n$/);
    const config = `${env["HOME"]}/.docker/config.json`;
    expect(existsSync(config)).toBe(false);
    expect(attempt(login.password)).toMatchObject({ code: 0, stdout: "Login Succeeded\n" });
    expect(statSync(config).mode & 0o777).toBe(0o600);
    const digest = digestThere(there, `--authfile=${config}`);
    expect(succeed("pull", there)).toContain(`Digest: ${digest}\n`);
    const copy = `${closed.host}/team/copy:2`;
    const refs = `${ground.root}/refs`;
    ground.command([
      "cp",
      `${refs}/${encodeURIComponent(there)}`,
      `${refs}/${encodeURIComponent(copy)}`,
    ]);
    expect(succeed("push", copy)).toContain("Mounted from team/app\n");
    expect(digestThere(copy, "--creds=alice:a secret")).toBe(digest);
    expect(succeed("logout", closed.host)).toBe(`Removed login credentials for ${closed.host}\n`);
    expect(pivot("push", copy).stderr).toContain("answers 401");
  });
});

describe.skipIf(whyNot !== undefined)(`pulls that end early (${whyNot ?? "as root"})`, () => {
  const tar = tarArchive([{ name: "noise", mode: 0o644, content: Buffer.alloc(4 << 20, 7) }]);
  const image = makeImage([{ tar }]);
  const digest = digestOf(tar);
  const isLayer = new RegExp(`GET .*${digest}`);
  let ground: Ground;
  let registry: FakeRegistry;
  let child: ChildProcess;

  beforeAll(async () => {
    ground = new Ground("pulls");
    registry = await FakeRegistry.start();
    registry.add(image, "app:1");
  });
  afterEach(() => child.kill("SIGKILL"));
  afterAll(async () => {
    await registry.stop();
    await ground.close();
  });

  const start = (root: string) => {
    const platform = ["--platform", "linux/amd64"];
    const words = ["--root", root, "pull", "-q", ...platform, `${registry.host}/app:1`];
    child = spawn(pivotPath, words, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    return once(child, "close").then(([code, signal]) => ({ code, signal, said }));
  };
  /** Half of the layer, and then nothing. */
  const stall = () => {
    registry.tricks.length = 0;
    registry.trick(isLayer, 1, (_, response) => {
      response.writeHead(200, { "Content-Length": String(tar.length) });
      response.write(tar.subarray(0, 2 << 20));
    });
  };
  const hasPart = async (root: string) => {
    const directory = `${root}/downloads`;
    for (let i = 0; i < 200; i++) {
      const parts = existsSync(directory) ? readdirSync(directory) : [];
      if (parts.some((name) => statSync(`${directory}/${name}`).size >= 1 << 20)) return;
      await Bun.sleep(20);
    }
    throw new Error("no part came");
  };
  const temporaries = (root: string) =>
    ["layers", "blobs/sha256", "refs"].flatMap((path) =>
      readdirSync(`${root}/${path}`).filter((name) => name.startsWith(".tmp")),
    );

  test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
    "by %s: the next one goes on",
    async (signal) => {
      const root = `${ground.directory}/${signal}`;
      stall();
      const first = start(root);
      await hasPart(root);
      child.kill(signal);
      const ended = await first;
      const codes = { SIGINT: 130, SIGTERM: 143, SIGKILL: null };
      expect(ended).toMatchObject({ code: codes[signal], said: "" });
      if (signal !== "SIGKILL") {
        expect(temporaries(root)).toEqual([]);
        expect(readdirSync(`${root}/downloads`)).toEqual([digest.slice(7)]);
      }
      expect(await start(root)).toMatchObject({ code: 0 });
      expect(registry.asked.at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d+-$/);
      expect(readdirSync(`${root}/downloads`)).toEqual([]);
    },
  );

  test("two processes at once fetch once", async () => {
    const root = `${ground.directory}/two`;
    registry.tricks.length = 0;
    const before = registry.count(isLayer);
    const [one, other] = await Promise.all([start(root), start(root)]);
    expect([one.code, other.code, one.said, other.said]).toEqual([0, 0, "", ""]);
    expect(registry.count(isLayer) - before).toBe(1);
    expect(readdirSync(`${root}/downloads`)).toEqual([]);
    expect(temporaries(root)).toEqual([]);
  });
});
