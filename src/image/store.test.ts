/** Finding images: what is there quickly, and what is not with a clear line. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { digestOf } from "./blob.ts";
import { ImageError, type ImageErrorCode } from "./error.ts";
import { readManifest } from "./inspect.ts";
import { ociConfigType, ociLayerType, ociManifestType } from "./manifest.ts";
import {
  blobPath,
  chainIdsAnnotation,
  configAnnotation,
  layerPath,
  openStore,
  referencePath,
  resolveImage,
  type Store,
} from "./store.ts";
import { dropDirectory, makeDirectory } from "./testing/fixture.ts";

let directory = "";
let count = 0;
beforeAll(() => {
  directory = makeDirectory();
});
afterAll(() => dropDirectory(directory), 60_000);

const chainId = "c".repeat(64);

/** What stands in place of what is sound. */
interface Broken {
  readonly config?: unknown;
  readonly chainIds?: string | undefined;
  readonly reference?: object;
}

/** A store with one image, written by hand. */
function makeStore(broken: Broken = {}) {
  const store = openStore(`${directory}/${count++}/`);
  for (const path of ["blobs/sha256", "refs", `layers/${chainId}`]) {
    mkdirSync(`${store.root}/${path}`, { recursive: true });
  }
  const put = (value: unknown) => {
    const bytes = Buffer.from(JSON.stringify(value));
    writeFileSync(blobPath(store, digestOf(bytes)), bytes);
    return { digest: digestOf(bytes), size: bytes.length };
  };
  const diffId = `sha256:${"d".repeat(64)}`;
  const rootfs = { type: "layers", diff_ids: [diffId] };
  const config = put(broken.config ?? { os: "linux", architecture: "amd64", rootfs });
  const manifest = put({
    schemaVersion: 2,
    config: { mediaType: ociConfigType, ...config },
    layers: [{ mediaType: ociLayerType, digest: diffId, size: 1 }],
  });
  const chainIds = "chainIds" in broken ? broken.chainIds : chainId;
  const annotations = { [configAnnotation]: config.digest, [chainIdsAnnotation]: chainIds };
  const reference = { mediaType: ociManifestType, ...manifest, annotations, ...broken.reference };
  writeFileSync(referencePath(store, "docker.io/library/x:latest"), JSON.stringify(reference));
  return { store, digest: manifest.digest, config: config.digest };
}

function failure(
  store: Store,
  reference = "x",
): { readonly code: ImageErrorCode; readonly message: string } {
  try {
    resolveImage(store, reference);
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
  throw new Error("it was found");
}

test("an image by tag and by digest", () => {
  const { store, digest } = makeStore();
  const image = resolveImage(store, "x");
  expect(image).toMatchObject({
    reference: "docker.io/library/x:latest",
    digest,
    layers: [`${store.root}/layers/${chainId}`],
  });
  expect(resolveImage(store, `x@${digest}`)).toEqual({
    ...image,
    reference: `docker.io/library/x@${digest}`,
  });
  expect(failure(store, `y@${digest}`).code).toBe("not-found");
  expect(failure(store, `x@sha256:${"0".repeat(64)}`).code).toBe("not-found");
});

test("what is not there", () => {
  const { store } = makeStore();
  expect(failure(store, "y")).toMatchObject({
    code: "not-found",
    message: expect.stringContaining("pull or import it"),
  });
  expect(failure(store, "../x").code).toBe("invalid-reference");
  const empty = openStore(`${directory}/never`);
  expect(failure(empty, "x").code).toBe("not-found");
  expect(failure(empty, `x@sha256:${"0".repeat(64)}`).code).toBe("not-found");
  expect(() => openStore("relative")).toThrow(ImageError);
  expect(openStore("/").root).toBe("/");
});

test("a layer that is missing, or a symbolic link to a directory", () => {
  const { store } = makeStore();
  rmSync(layerPath(store, chainId), { recursive: true });
  expect(failure(store)).toMatchObject({
    code: "not-unpacked",
    message: expect.stringContaining("layer 1 of 1"),
  });
  symlinkSync("/etc", layerPath(store, chainId));
  expect(failure(store).code).toBe("not-unpacked");
});

test("blobs that are missing or changed", async () => {
  const { store, digest, config } = makeStore();
  expect((await readManifest(store, "x")).manifest.config.digest).toBe(config);
  writeFileSync(blobPath(store, digest), "{}");
  await expect(readManifest(store, "x")).rejects.toThrow(/has only 2 bytes in place of/);
  rmSync(blobPath(store, digest));
  await expect(readManifest(store, "x")).rejects.toThrow(/cannot open .*ENOENT/);
  writeFileSync(blobPath(store, config), Buffer.alloc(5 << 20));
  expect(failure(store)).toMatchObject({
    code: "invalid-image",
    message: expect.stringContaining("larger than"),
  });
  rmSync(blobPath(store, config));
  expect(failure(store)).toMatchObject({
    code: "not-unpacked",
    message: expect.stringContaining("lost its config"),
  });
});

const annotated = (annotations: object) => ({
  reference: { annotations: { [configAnnotation]: `sha256:${"e".repeat(64)}`, ...annotations } },
});

test.each([
  ["no annotation", { reference: { annotations: {} } }, "not-unpacked", /was never unpacked/],
  ["no layers", { chainIds: undefined }, "not-unpacked", /was never unpacked/],
  ["too few layers", { chainIds: "" }, "invalid-image", /lists other layers/],
  ["a path for a layer", { chainIds: "../../etc" }, "invalid-image", /lists other layers/],
  ["a config that is not there", annotated({}), "not-unpacked", /has lost its config/],
  [
    "a path for a config",
    annotated({ [configAnnotation]: "sha256:../../x" }),
    "not-unpacked",
    /never unpacked/,
  ],
  [
    "a digest that is a path",
    { reference: { digest: "sha256:../../x" } },
    "invalid-image",
    /not sha256:/,
  ],
  [
    "a config that is a string",
    { config: "x" },
    "invalid-image",
    /config sha256:\w+ of .*must be an object/,
  ],
] as const)("%s", (_, broken, code, message) => {
  const found = failure(makeStore(broken).store);
  expect(found.code).toBe(code);
  expect(found.message).toMatch(message);
  expect(found.message).not.toContain("\n");
});

test("a reference that is no JSON", () => {
  const { store } = makeStore();
  writeFileSync(referencePath(store, "docker.io/library/x:latest"), "");
  expect(failure(store).message).toMatch(
    /the store's reference "docker.io\/library\/x:latest": it is not JSON/,
  );
});

test("no name is in the way of another", () => {
  const { store } = makeStore();
  const paths = [199, 200, 201, 400, 401].map((n) => referencePath(store, "a".repeat(n)));
  expect(new Set(paths).size).toBe(paths.length);
  for (const path of paths) {
    for (const other of paths) if (other !== path) expect(other.startsWith(`${path}/`)).toBe(false);
    for (const part of path.split("/")) expect(part.length).toBeLessThan(256);
  }
});

test("finding an image loads node:fs and nothing else", () => {
  const loaded = new Set<string>();
  const visit = (file: string) => {
    if (loaded.has(file)) return;
    loaded.add(file);
    if (file.startsWith("node:")) return;
    const source = readFileSync(new URL(file, import.meta.url), "utf8");
    for (const match of source.matchAll(/^(?:import|export) (?!type )[^;]*? from "([^"]+)"/gms))
      visit(match[1] ?? "");
    expect(source).not.toMatch(/\bimport\(|\brequire\(/);
  };
  visit("./store.ts");
  expect([...loaded].filter((file) => file.startsWith("node:"))).toEqual(["node:fs"]);
  expect(loaded.size).toBeGreaterThan(4);
});
