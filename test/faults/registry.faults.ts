// A registry that does what it should not, as a command meets it: one clear line, what was whole before
// still is, and nothing is left that prune does not take. How pulls go on is in src/registry/pull.test.ts.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { digestOf } from "../../src/image/blob.ts";
import { tarArchive } from "../../src/image/tar-writer.ts";
import { makeImage } from "../../src/image/testing/image.ts";
import { file } from "../../src/image/testing/members.ts";
import { answer, FakeRegistry, refuse } from "../../src/registry/testing/fake-registry.ts";
import { Ground, pivotPath, whyNot } from "../pivot.ts";
import { unclear, World } from "./aftermath.ts";
import { ok } from "./scenario.ts";

const layer = (seed: number): Buffer =>
  tarArchive([file(`f${seed}`, `${seed} some text `.repeat(20_000 + seed))]);

const image = makeImage(
  [1, 2].map((seed) => ({ tar: layer(seed), packed: gzipSync(layer(seed)) })),
);
const manifestPath = /GET .*\/manifests\//;
const blobPath = /GET .*\/blobs\/sha256/;
/** The configuration comes before them, and has guards of its own. */
const layerPath = new RegExp(`GET .*/blobs/(${image.blobs.slice(0, 2).map(digestOf).join("|")})`);

/** Half of what was promised, and then the connection is gone. */
const half = (response: ServerResponse, bytes: Buffer): void => {
  response.writeHead(200, { "Content-Length": String(bytes.length) });
  response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
};

describe.skipIf(whyNot !== undefined)(`registries (${whyNot ?? "as root"})`, () => {
  const ground = new Ground("registry");
  let registry: FakeRegistry;
  let world: World;
  beforeAll(async () => {
    registry = await FakeRegistry.start();
    registry.add(image, "some/image:1");
    ok(ground, "run", "--rm", "busybox", "true");
    ok(ground, "tag", "busybox", "kept:1");
    world = new World(ground);
  });
  afterAll(async () => {
    await registry.stop();
    await ground.close();
  });

  /** A pull, in the background so that the registry can answer. */
  async function pull(
    name = "some/image:1",
    after?: (kill: (signal: NodeJS.Signals) => void) => Promise<void>,
  ) {
    const words = [pivotPath, ...ground.roots(), "pull", "-q", `${registry.host}/${name}`];
    const child = Bun.spawn(words, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    await after?.((signal) => child.kill(signal));
    const [stdout, stderr] = await Promise.all(
      [child.stdout, child.stderr].map((stream) => new Response(stream).text()),
    );
    return { code: await child.exited, stdout: stdout ?? "", stderr: stderr ?? "", met: true };
  }

  /** What has to be so after each. */
  async function expectSound(): Promise<void> {
    expect(ok(ground, "images", "-q", "kept:1")).not.toBe("");
    ok(ground, "run", "--rm", "--pull", "never", "kept:1", "true");
    expect(ground.pivot(["system", "check"]).stdout).not.toMatch(
      /problem: (?!.*(interrupted|no image))/,
    );
    ok(ground, "system", "prune", "-f");
    expect(await world.difference(20)).toBeUndefined();
  }

  const demand = (
    name: string,
    play: Parameters<FakeRegistry["trick"]>,
    line: RegExp | null,
  ): void =>
    test(name, async () => {
      registry.trick(...play);
      const came = await pull();
      registry.tricks.length = 0;
      expect(unclear(came)).toBeUndefined();
      if (line === null) expect(came).toMatchObject({ code: 0, stderr: "" });
      else expect(came.stderr).toMatch(line);
      if (line === null) ok(ground, "rmi", `${registry.host}/some/image:1`);
      else expect(came.code).not.toBe(0);
      await expectSound();
    }, 240_000);

  const always = Number.POSITIVE_INFINITY;
  const bytesOf = (path: string): Buffer =>
    registry.blobs.get(path.replace(/^.*\//, "")) ?? Buffer.of();

  demand(
    "a layer that stalls once, and then goes on",
    [
      blobPath,
      1,
      ({ path }, response) => {
        response.writeHead(200, { "Content-Length": String(bytesOf(path).length) });
        response.write(bytesOf(path).subarray(0, 100));
      },
    ],
    null,
  );
  demand(
    "connections that are dropped halfway",
    [blobPath, 3, ({ path }, response) => half(response, bytesOf(path))],
    null,
  );
  demand(
    "a layer with other bytes than its digest says",
    [
      layerPath,
      always,
      ({ path }, response) => {
        // Another time in gzip's header: all that is in it is the same, and nothing but the digest tells.
        const other = Buffer.from(bytesOf(path));
        other.writeUInt32LE(7, 4);
        answer(response, 200, {}, other);
      },
    ],
    /has the digest sha256:\w+ instead/,
  );
  demand(
    "a layer that is longer than the manifest says",
    [
      layerPath,
      always,
      ({ path }, response) =>
        void answer(response, 200, {}, Buffer.concat([bytesOf(path), Buffer.alloc(70_000)])),
    ],
    / sends \d+ bytes in place of the \d+ promised/,
  );
  demand(
    "a layer that is longer, and does not say so",
    [
      layerPath,
      always,
      ({ path }, response) => {
        response.writeHead(200);
        response.write(bytesOf(path));
        response.end(Buffer.alloc(70_000));
      },
    ],
    /it has more bytes than the \d+ promised/,
  );
  demand(
    "a layer that is shorter than the manifest says",
    [
      layerPath,
      always,
      ({ path }, response) => void answer(response, 200, {}, bytesOf(path).subarray(0, 500)),
    ],
    /bytes|size|length|ended/i,
  );
  demand(
    "a manifest that is another one each time",
    [
      manifestPath,
      always,
      (_, response) =>
        void answer(
          response,
          200,
          {
            "Content-Type": image.manifest.mediaType,
            "Docker-Content-Digest": `sha256:${"0".repeat(64)}`,
          },
          "{}",
        ),
    ],
    /manifest of .* has the digest sha256:\w+ instead/,
  );
  demand(
    "a manifest without end",
    [
      manifestPath,
      always,
      (_, response) => {
        response.writeHead(200, { "Content-Type": image.manifest.mediaType });
        const more = (): void => {
          if (!response.destroyed)
            response.write(Buffer.alloc(65_536, 32), () => setImmediate(more));
        };
        more();
      },
    ],
    /\b(4 MiB|4194304)/,
  );
  demand(
    "redirects that lead round",
    [blobPath, always, ({ path }, response) => void answer(response, 307, { Location: path })],
    /redirect/i,
  );
  demand(
    "a redirect to an address with a password in it",
    [
      blobPath,
      always,
      ({ path }, response) =>
        void answer(response, 307, { Location: `http://me:secret@${registry.otherHost}${path}` }),
    ],
    /^(?!.*secret).*an address with a password in it/,
  );
  demand(
    "a redirect to what is no address",
    [
      blobPath,
      always,
      (_, response) => void answer(response, 307, { Location: "file:///etc/passwd" }),
    ],
    /only http and https are followed/,
  );
  demand(
    "a redirect without an address",
    [blobPath, always, (_, response) => void answer(response, 307, {})],
    /no address/,
  );
  test("one that never answers, and one that stalls each time", async () => {
    registry.add(image, "never/answers:1");
    registry.trick(/GET .*never\/answers\/manifests\//, always, () => undefined);
    registry.trick(blobPath, always, ({ path }, response) => {
      response.writeHead(200, { "Content-Length": String(bytesOf(path).length) });
      response.write(bytesOf(path).subarray(0, 100));
    });
    // Each is waited for as long as may be, several times: so at once.
    const [answers, stalls] = await Promise.all([pull("never/answers:1"), pull()]);
    registry.tricks.length = 0;
    for (const came of [answers, stalls]) {
      expect(unclear(came)).toBeUndefined();
      expect(came.code).not.toBe(0);
      expect(came.stderr).toContain(`${registry.host} stalled`);
    }
    await expectSound();
  }, 600_000);

  demand(
    "connections that are dropped each time",
    [layerPath, always, ({ path }, response) => half(response, bytesOf(path))],
    /the connection was closed in the middle/,
  );
  demand(
    "an answer that is no HTTP",
    [manifestPath, always, (_, response) => void response.socket?.end("SSH-2.0-OpenSSH_9.2\r\n")],
    /./,
  );
  demand(
    "refusals",
    [blobPath, always, (_, response) => void refuse(response, 403, "DENIED")],
    /denied/i,
  );

  test("credentials do not follow a redirect to another origin", async () => {
    const seen: (string | undefined)[] = [];
    const config = `${ground.directory}/docker`;
    ground.command(["mkdir", "-p", config]);
    const auth = Buffer.from("me:secret").toString("base64");
    await Bun.write(
      `${config}/config.json`,
      JSON.stringify({ auths: { [registry.host]: { auth } } }),
    );
    registry.tricks.push((asked, response) => {
      const { headers, path, method } = asked;
      if (headers.host === registry.otherHost) {
        seen.push(headers.authorization);
        return answer(response, 200, {}, bytesOf(path));
      }
      if (headers.authorization === undefined)
        return answer(response, 401, { "WWW-Authenticate": 'Basic realm="r"' });
      if (!blobPath.test(`${method} ${path}`)) return false;
      return answer(response, 307, { Location: `http://${registry.otherHost}${path}` });
    });
    const words = [pivotPath, ...ground.roots(), "pull", "-q", `${registry.host}/some/image:1`];
    const env = { ...process.env, DOCKER_CONFIG: config };
    const child = Bun.spawn(words, { stdin: "ignore", stdout: "ignore", stderr: "pipe", env });
    const stderr = await new Response(child.stderr).text();
    registry.tricks.length = 0;
    expect({ code: await child.exited, stderr }).toEqual({ code: 0, stderr: "" });
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((each) => each !== undefined)).toEqual([]);
    expect(registry.asked.some(({ headers }) => headers.authorization?.startsWith("Basic"))).toBe(
      true,
    );
    ok(ground, "rmi", `${registry.host}/some/image:1`);
    await expectSound();
  }, 120_000);

  test("interrupted while a registry stalls, it ends at once", async () => {
    let asked = (): void => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    registry.trick(blobPath, always, () => asked());
    const began = { at: 0 };
    const came = await pull("some/image:1", async (kill) => {
      await isAsked;
      began.at = Date.now();
      kill("SIGINT");
    });
    registry.tricks.length = 0;
    expect(Date.now() - began.at).toBeLessThan(5000);
    expect(came.code).toBe(130);
    await expectSound();
  }, 60_000);
});
