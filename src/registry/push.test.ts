/** Pushes, to a registry that loses connections and knows some of the blobs. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { importImage, memorySource } from "../image/import.ts";
import { parseManifest } from "../image/manifest.ts";
import { blobPath, openStore, type Store } from "../image/store.ts";
import { dropDirectory, isRoot, makeDirectory } from "../image/testing/fixture.ts";
import { simple } from "../image/testing/image.ts";
import { type PushOptions, type PushProgress, pushImage, storedTags } from "./push.ts";
import { answer, FakeRegistry, refuse } from "./testing/fake-registry.ts";
import { failureOf, pull, pullOptions, referenceOf } from "./testing/pulling.ts";
import { basicAuthorization } from "./token.ts";

const manifest = parseManifest(
  simple.blobs.at(-1) ?? Buffer.of(),
  simple.manifest.mediaType,
  "the manifest",
);
const layers = manifest.kind === "manifest" ? manifest.layers : [];
const layer = layers[0]?.digest ?? "";

describe.skipIf(!isRoot)("pushes (need root: owners are kept)", () => {
  let directory = "";
  let count = 0;
  let store: Store;
  let registry: FakeRegistry;
  const name = (reference: string) => `${registry.host}/${reference}`;
  const push = (reference: string, more: Partial<PushOptions> = {}) =>
    pushImage(store, referenceOf(name(reference)), { ...pullOptions(), ...more } as PushOptions);
  const put = (...references: readonly string[]) =>
    importImage(
      store,
      memorySource("the image", simple.blobs),
      simple.manifest,
      references.map(name),
      pullOptions() as Parameters<typeof importImage>[4],
    );

  beforeAll(() => {
    directory = makeDirectory();
  });
  beforeEach(async () => {
    registry = await FakeRegistry.start();
    store = openStore(`${directory}/${count++}`);
    await put("app:1");
  });
  afterEach(() => registry.stop());
  afterAll(() => dropDirectory(directory));

  test("an image, and then nothing of it again", async () => {
    const states: string[] = [];
    const onProgress = (progress: PushProgress) => {
      if (progress.kind === "layer") states.push(progress.outcome.state);
    };
    expect((await push("app:1", { onProgress })).digest).toBe(simple.manifest.digest);
    await push("app:1", { onProgress });
    expect(states).toEqual(["pushed", "pushed", "exists", "exists"]);
    expect(registry.count(/POST/)).toBe(3);
    const other = openStore(`${directory}/${count++}`);
    expect((await pull(other, name("app:1"))).digest).toBe(simple.manifest.digest);
  });

  test("in pieces, going on where the registry says when a connection is lost", async () => {
    registry.trick(/PATCH/, 1, ({ path, body }, response) => {
      // Half of the second half arrives, and the connection goes.
      const id = /upload-\d+/.exec(path)?.[0] ?? "";
      const known = registry.uploads.get(id) ?? Buffer.of();
      registry.uploads.set(id, Buffer.concat([known, body.subarray(0, 20)]));
      response.destroy();
    });
    registry.trick(/PUT .*upload/, 1, (_, response) => refuse(response, 502, "GATEWAY"));
    const retries: string[] = [];
    await push("app:1", { chunkBytes: 50, parallel: 1, onRetry: (why) => retries.push(why) });
    expect(retries).toHaveLength(2);
    expect(registry.blobs.has(layer)).toBe(true);
    expect(registry.count(/GET .*upload-/)).toBeGreaterThan(0);
    const other = openStore(`${directory}/${count++}`);
    expect((await pull(other, name("app:1"))).digest).toBe(simple.manifest.digest);
  });

  test("what is small goes again as a whole", async () => {
    registry.trick(/PUT .*upload/, 1, (_, response) => refuse(response, 503, "BUSY"));
    await push("app:1", { parallel: 1 });
    expect(registry.count(/POST/)).toBe(4);
  });

  test("blobs that another repository of the registry has are not sent", async () => {
    await push("app:1");
    await put("copy:1", "app:2");
    const from: string[] = [];
    await push("copy:1", {
      onProgress: (progress) => {
        if (progress.kind === "layer" && progress.outcome.state === "mounted") {
          from.push(progress.outcome.from);
        }
      },
    });
    // HEAD says yes to everything here, since the registry has one heap of blobs.
    expect(from).toEqual([]);
    registry.trick(/HEAD/, 2, (_, response) => answer(response, 404));
    await push("copy:1", {
      onProgress: (progress) => {
        if (progress.kind === "layer" && progress.outcome.state === "mounted") {
          from.push(progress.outcome.from);
        }
      },
    });
    expect(from).toEqual(["app", "app"]);
    expect((await storedTags(store, referenceOf(name("app")))).map(({ tag }) => tag)).toEqual([
      "1",
      "2",
    ]);
  });

  test("an upload is not sent where it would not be encrypted, nor where it is no address", async () => {
    for (const [Location, words] of [
      ["ftp://127.0.0.1/", "only http and https are followed"],
      ["", "no address"],
    ] as const) {
      registry.tricks.length = 0;
      registry.trick(/POST/, 9, (_, response) => answer(response, 202, { Location }));
      expect((await failureOf(push("app:1"))).message).toContain(words);
    }
  });

  test("an upload at another host gets no credentials", async () => {
    const alice = { username: "alice", password: "s:e cret" };
    const basic = basicAuthorization(alice.username, alice.password);
    let uploads = 0;
    registry.tricks.push((asked, response) => {
      if (asked.headers.host !== registry.host) return false;
      if (asked.headers.authorization !== basic) {
        return answer(response, 401, { "WWW-Authenticate": 'Basic realm="here"' });
      }
      if (asked.method !== "POST") return false;
      const upload = `elsewhere-${uploads++}`;
      registry.uploads.set(upload, Buffer.of());
      const Location = `http://${registry.otherHost}/v2/app/blobs/uploads/${upload}?s=a%3D`;
      return answer(response, 202, { Location });
    });
    await push("app:1", { findCredentials: async () => ({ kind: "password", ...alice }) });
    const elsewhere = registry.asked.filter(({ headers }) => headers.host !== registry.host);
    expect(elsewhere.length).toBeGreaterThan(2);
    expect(elsewhere.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });

  test("who may not push is told how to log in", async () => {
    registry.trick(/POST/, 9, (_, response) => refuse(response, 403, "DENIED"));
    expect((await failureOf(push("app:1"))).message).toMatch(
      /^cannot push blob sha256:.* answers 403 "DENIED: denied": .*; `pivot login 127\.0\.0\.1:\d+` says who you are$/,
    );
  });

  test("what the store lacks, and what is for another platform", async () => {
    expect((await failureOf(push("other:1"))).code).toBe("not-found");
    const platform = { os: "linux", architecture: "riscv64", variant: undefined };
    expect((await failureOf(push("app:1", { platform }))).message).toBe(
      `"${name("app:1")}" is for linux/amd64, not for linux/riscv64`,
    );
    rmSync(blobPath(store, layer));
    expect((await failureOf(push("app:1"))).message).toBe(
      `the store has lost the layer ${layer} of "${name("app:1")}": pull or import it again`,
    );
    expect(registry.asked).toEqual([]);
  });
});
