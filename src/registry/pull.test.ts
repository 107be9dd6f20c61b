/** Pulls from a registry that does what it is told to do wrong. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createCipheriv } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { digestOf } from "../image/blob.ts";
import { ociIndexType, ociLayerType, ociManifestType } from "../image/manifest.ts";
import { blobPath, openStore, resolveImage, type Store } from "../image/store.ts";
import { tarArchive } from "../image/tar-writer.ts";
import { startTimeOf } from "../image/temporary.ts";
import { dropDirectory, isRoot, makeDirectory } from "../image/testing/fixture.ts";
import { describeBlob, expectClean, makeImage, simple } from "../image/testing/image.ts";
import { file } from "../image/testing/members.ts";
import { downloadsDirectory, idleParts } from "./partial.ts";
import { listRemoteTags } from "./pull.ts";
import { answer, FakeRegistry, refuse } from "./testing/fake-registry.ts";
import { failureOf, pull, pullOptions, referenceOf } from "./testing/pulling.ts";

/** A layer that does not fit into one piece of anything. */
const noise = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(
  Buffer.alloc(3 << 20),
);
const bigTar = tarArchive([{ name: "noise", mode: 0o644, content: noise }]);
const bigBlob = gzipSync(bigTar, { level: 1 });
const big = makeImage([{ tar: bigTar, packed: bigBlob }]);
const bigDigest = digestOf(bigBlob);

describe.skipIf(!isRoot)("pulls (need root: owners are kept)", () => {
  let directory = "";
  let count = 0;
  let store: Store;
  let registry: FakeRegistry;
  const name = (reference: string) => `${registry.host}/${reference}`;
  const parts = () =>
    existsSync(downloadsDirectory(store)) ? readdirSync(downloadsDirectory(store)) : [];

  beforeAll(() => {
    directory = makeDirectory();
  });
  beforeEach(async () => {
    registry = await FakeRegistry.start();
    registry.add(simple, "app:1");
    registry.add(big, "big:1");
    store = openStore(`${directory}/${count++}`);
  });
  afterEach(async () => {
    await registry.stop();
  });
  afterAll(() => dropDirectory(directory));

  test("an image, and then nothing of it again", async () => {
    const pulled = await pull(store, name("app:1"));
    expect(pulled).toMatchObject({ isNew: true, fetched: simple.manifest.digest });
    const { layers } = resolveImage(store, name("app:1"));
    expect(readFileSync(`${layers[1]}/etc/a`, "utf8")).toBe("two");
    expectClean(store, 2);
    expect(parts()).toEqual([]);
    expect(registry.count(/GET .*\/blobs\//)).toBe(3);
    expect(await pull(store, name("app:1"))).toMatchObject({ isNew: false });
    expect(registry.count(/GET .*\/blobs\//)).toBe(3);
    expect(registry.count(/GET .*\/manifests\//)).toBe(2);
  });

  test("by digest, whatever the tag is by now", async () => {
    const { digest } = simple.manifest;
    expect((await pull(store, name(`app:other@${digest}`))).digest).toBe(digest);
    expect(resolveImage(store, name(`app@${digest}`)).digest).toBe(digest);
  });

  test("the manifest of an index that is for the platform", async () => {
    const platform = (architecture: string) => ({ os: "linux", architecture });
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        manifests: [
          { ...big.manifest, platform: platform("arm64") },
          { ...simple.manifest, platform: platform("amd64") },
        ],
      }),
    );
    registry.addManifest(ociIndexType, index, "app:all");
    registry.addManifest(
      ociManifestType,
      registry.blobs.get(big.manifest.digest) ?? noise,
      "app:x",
    );
    const pulled = await pull(store, name("app:all"));
    expect(pulled).toMatchObject({ digest: simple.manifest.digest, fetched: digestOf(index) });
    const other = { os: "linux", architecture: "riscv64", variant: undefined };
    const failure = await failureOf(pull(store, name("app:all"), { platform: other }));
    expect(failure.message).toContain("it offers linux/arm64, linux/amd64");
    expect((await failureOf(pull(store, name("app:1"), { platform: other }))).message).toMatch(
      /^config sha256:.* of .* is for linux\/amd64, not linux\/riscv64$/,
    );
  });

  test("all tags, page by page", async () => {
    registry.trick(/GET .*\/tags\/list\?n=1000$/, 1, (_, response) => {
      const Link = '</v2/app/tags/list?n=1000&last=a>; rel="next"';
      answer(response, 200, { Link }, '{"tags":["a"]}');
    });
    const tags = await listRemoteTags(referenceOf(name("app")), pullOptions());
    expect(tags.map(({ tag }) => tag)).toEqual(["a", "1"]);
  });

  test("a connection that breaks goes on where it broke", async () => {
    registry.trick(new RegExp(`GET .*${bigDigest}`), 2, (asked, response) => {
      const from = Number(/\d+/.exec(asked.headers.range ?? "0")?.[0]);
      const range = `bytes ${from}-${bigBlob.length - 1}/${bigBlob.length}`;
      response.writeHead(from === 0 ? 200 : 206, {
        "Content-Length": String(bigBlob.length - from),
        ...(from === 0 ? {} : { "Content-Range": range }),
      });
      response.write(bigBlob.subarray(from, from + 600_000), () =>
        setTimeout(() => response.destroy(), 30),
      );
    });
    const retries: string[] = [];
    await pull(store, name("big:1"), { onRetry: (why) => retries.push(why) });
    expect(retries).toHaveLength(2);
    const ranges = registry.asked
      .filter(({ path }) => path.endsWith(bigDigest))
      .map(({ headers }) => headers.range);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1).every((range) => /^bytes=\d+-$/.test(range ?? ""))).toBe(true);
    expect(
      readFileSync(`${resolveImage(store, name("big:1")).layers[0]}/noise`).equals(noise),
    ).toBe(true);
  });

  /** Sends a third of the big blob, and then nothing. */
  const stallOnce = () =>
    registry.trick(new RegExp(`GET .*${bigDigest}`), 1, (_, response) => {
      response.writeHead(200, { "Content-Length": String(bigBlob.length) });
      response.write(bigBlob.subarray(0, 1 << 20));
    });

  test("a connection that stalls is given up, and another one goes on", async () => {
    stallOnce();
    const retries: string[] = [];
    await pull(store, name("big:1"), { onRetry: (why) => retries.push(why) });
    expect(retries).toEqual([`${registry.host} stalled`]);
  });

  test("a manifest or config that breaks off is asked for again", async () => {
    for (const path of [/manifests\/1/, new RegExp(digestOf(big.config))]) {
      registry.trick(new RegExp(`GET .*${path.source}`), 1, (_, response) => {
        response.writeHead(200, { "Content-Length": "500" });
        response.write("{", () => setTimeout(() => response.destroy(), 30));
      });
    }
    const retries: string[] = [];
    await pull(store, name("big:1"), { onRetry: (why) => retries.push(why) });
    expect(retries).toEqual(Array(2).fill(expect.stringMatching(/closed in the middle/)));
  });

  test("what an interrupted pull has fetched is there for the next", async () => {
    stallOnce();
    const controller = new AbortController();
    const reason = new Error("enough");
    const interrupted = pull(store, name("big:1"), {
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.kind === "downloading" && progress.done > 500_000) controller.abort(reason);
      },
    });
    await expect(interrupted).rejects.toBe(reason);
    expectClean(store, 0);
    const [part] = await idleParts(store);
    expect(part?.path).toBe(`${downloadsDirectory(store)}/${bigDigest.slice(7)}`);
    await pull(store, name("big:1"));
    expect(registry.asked.at(-1)?.headers.range).toBe(`bytes=${part?.size}-`);
    expect(parts()).toEqual([]);
    expectClean(store, 1);
  });

  const leavePart = (bytes: Buffer, owner = "") => {
    mkdirSync(downloadsDirectory(store), { recursive: true });
    writeFileSync(`${downloadsDirectory(store)}/${bigDigest.slice(7)}${owner}`, bytes);
  };

  test("a part of a process that is gone is taken over", async () => {
    leavePart(bigBlob.subarray(0, 1000), ".4194399-1-abcdef");
    await pull(store, name("big:1"));
    expect(registry.asked.at(-1)?.headers.range).toBe("bytes=1000-");
    expect(parts()).toEqual([]);
  });

  test("one of a process that does not get on with it is waited for, but not for ever", async () => {
    const start = startTimeOf(process.ppid);
    leavePart(bigBlob.subarray(0, 1000), `.${process.ppid}-${start}-abcdef`);
    const waiting: string[] = [];
    const began = Date.now();
    await pull(store, name("big:1"), {
      onProgress: ({ kind }) => kind === "waiting" && waiting.push(kind),
    });
    expect(waiting).toHaveLength(1);
    expect(Date.now() - began).toBeGreaterThan(350);
    expect(registry.asked.at(-1)?.headers.range).toBeUndefined();
    expect(parts()).toHaveLength(1);
  });

  test("a server without ranges sends all, and a part that is wrong is thrown away", async () => {
    registry.knowsRanges = false;
    leavePart(bigBlob.subarray(0, 1_000_000));
    await pull(store, name("big:1"));
    expect(registry.count(new RegExp(bigDigest))).toBe(1);
    store = openStore(`${directory}/${count++}`);
    registry.knowsRanges = true;
    leavePart(Buffer.alloc(1_000_000, 1));
    await pull(store, name("big:1"));
    expect(registry.asked.at(-1)?.headers.range).toBeUndefined();
  });

  test("two pulls at once fetch once", async () => {
    await Promise.all([pull(store, name("big:1")), pull(store, name("big:1"))]);
    expect(registry.count(new RegExp(`GET .*${bigDigest}`))).toBe(1);
    expectClean(store, 1);
    expect(parts()).toEqual([]);
  });

  test("a busy server is asked again, when it says", async () => {
    registry.trick(/manifests/, 1, (_, response) => {
      answer(response, 429, { "Retry-After": "0" });
    });
    registry.trick(/blobs/, 2, (_, response) => refuse(response, 503, "UNAVAILABLE"));
    const delays: number[] = [];
    await pull(store, name("app:1"), { onRetry: (_, delay) => delays.push(delay) });
    expect(delays).toHaveLength(3);
    expect(delays[0]).toBe(0);
    registry.trick(/manifests/, 99, (_, response) => {
      answer(response, 429, { "Retry-After": "3600" });
    });
    expect((await failureOf(pull(store, name("app:1")))).message).toBe(
      `${registry.host} answers 429; it asks to wait for 3600 s`,
    );
  });

  test("a server that stays busy is given up", async () => {
    registry.trick(/manifests/, 99, (_, response) => refuse(response, 500, "BROKEN"));
    const failure = await failureOf(pull(store, name("app:1")));
    expect(failure).toMatchObject({
      code: "unreachable",
      message: `${registry.host} answers 500 "BROKEN: broken"`,
    });
    expect(registry.count(/manifests/)).toBe(3);
  });

  test("what is not there, and what is no registry", async () => {
    expect(await failureOf(pull(store, name("app:2")))).toMatchObject({
      code: "not-found",
      message: `cannot get manifest of ${name("app:2")}: ${registry.host} answers 404 "MANIFEST_UNKNOWN: manifest_unknown": it has no such image, or no such tag of it`,
    });
    expect((await failureOf(pull(store, "127.0.0.1:1/x"))).message).toBe(
      "cannot reach 127.0.0.1:1: connection refused",
    );
  });

  describe("a registry that lies", () => {
    const sayOf = async (path: RegExp, play: Parameters<FakeRegistry["trick"]>[2]) => {
      registry.trick(path, 99, play);
      const { message } = await failureOf(pull(store, name("big:1")));
      expectClean(store, 0);
      expect(parts()).toEqual([]);
      return message;
    };
    const blob = new RegExp(`GET .*${bigDigest}`);
    const layer = () => `layer 1 of 1 of ${name("big:1")}: `;

    test("about the size", async () => {
      const longer = Buffer.concat([bigBlob, noise]);
      expect(await sayOf(blob, (_, response) => answer(response, 200, {}, longer))).toBe(
        `${layer()}${registry.host} sends ${longer.length} bytes in place of the ${bigBlob.length} promised`,
      );
    });

    test("by never ending", async () => {
      let isGone = false;
      const message = await sayOf(blob, (_, response) => {
        response.writeHead(200);
        response.on("close", () => {
          isGone = true;
        });
        const more = () => {
          if (!isGone) response.write(noise, () => setImmediate(more));
        };
        response.write(bigBlob, more);
      });
      expect(message).toBe(`${layer()}it has more bytes than the ${bigBlob.length} promised`);
    });

    test("about what was asked for", async () => {
      const wrong = Buffer.from(bigBlob);
      wrong.fill(0, wrong.length - 8);
      const message = await sayOf(blob, (_, response) => answer(response, 200, {}, wrong));
      expect(message).toMatch(/^layer 1 of 1 of .*: (what came has the digest|its gzip stream)/);
      store = openStore(`${directory}/${count++}`);
      expect(await sayOf(/GET .*\/manifests\//, (_, r) => answer(r, 200, {}, "{}"))).toContain(
        "schemaVersion must be 2",
      );
    });

    test("about a digest that it says itself", async () => {
      const message = await sayOf(/GET .*\/manifests\/1/, (_, response) => {
        const { bytes = noise } = registry.manifests.get("big/manifests/1") ?? {};
        answer(response, 200, { "Docker-Content-Digest": `sha256:${"0".repeat(64)}` }, bytes);
      });
      expect(message).toMatch(/^manifest of .* has the digest sha256:.* instead$/);
    });

    test("with a manifest that is too large", async () => {
      const message = await sayOf(/GET .*\/manifests\//, (_, response) => {
        response.writeHead(200, { "Content-Type": ociManifestType });
        response.end(Buffer.alloc(5 << 20, " "));
      });
      expect(message).toBe(`manifest of ${name("big:1")} is larger than 4194304 bytes`);
    });

    test("with redirects that lead round, elsewhere, or nowhere", async () => {
      const to = (location: string) => (_: unknown, response: Parameters<typeof answer>[0]) =>
        answer(response, 307, { Location: location });
      expect(await sayOf(/GET .*\/manifests\//, to("/v2/app/manifests/1"))).toBe(
        `${registry.host} redirects more than 5 times`,
      );
      for (const [location, words] of [
        ["file:///etc/passwd", "only http and https are followed"],
        ["http://user:pw@127.0.0.1/", "with a password in it"],
        ["https://[", "no address"],
      ] as const) {
        registry.tricks.length = 0;
        expect(await sayOf(/GET .*\/manifests\//, to(location))).toContain(words);
      }
    });

    test("with layers that are said to be elsewhere", async () => {
      const manifest = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          config: describeBlob("application/vnd.oci.image.config.v1+json", big.config),
          layers: [
            {
              ...describeBlob(ociLayerType, noise),
              urls: [`http://${registry.otherHost}/elsewhere`],
            },
          ],
        }),
      );
      registry.addManifest(ociManifestType, manifest, "big:1");
      const failure = await failureOf(pull(store, name("big:1")));
      expect(failure.message).toContain("BLOB_UNKNOWN");
      expect(registry.count(/elsewhere/)).toBe(0);
    });
  });

  test("what one layer lacks does not keep the parts of the others", async () => {
    const tar = tarArchive([file("a")]);
    registry.add(makeImage([{ tar }, { tar: bigTar, packed: bigBlob }]), "two:1");
    registry.blobs.delete(digestOf(tar));
    expect((await failureOf(pull(store, name("two:1")))).message).toContain("BLOB_UNKNOWN");
    expectClean(store, 0);
    expect(parts().every((part) => part === bigDigest.slice(7))).toBe(true);
  });

  test("a mirror is asked first, and the registry when it fails", async () => {
    const mirror = await FakeRegistry.start();
    try {
      const settings = {
        mirrors: new Map([[registry.host, ["127.0.0.1:1", `http://${mirror.host}`]]]),
        insecure: new Set<string>(),
      };
      await pull(store, name("app:1"), { settings });
      expect(mirror.count(/manifests/)).toBe(1);
      expect(registry.count(/manifests/)).toBe(1);
      mirror.add(simple, "app:1");
      await pull(store, name("app:1"), { settings });
      expect(registry.count(/manifests/)).toBe(1);
      expect(existsSync(blobPath(store, simple.manifest.digest))).toBe(true);
    } finally {
      await mirror.stop();
    }
  });
});
