/** Documents from strangers: manifests, indexes and configs, good ones and hostile ones. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseImageConfig } from "./config.ts";
import { refuseDuplicateKeys } from "./duplicate-key.ts";
import { ImageError } from "./error.ts";
import { type Descriptor, ociIndexType, ociManifestType, parseManifest } from "./manifest.ts";
import { platformOf, selectPlatform } from "./platform.ts";

const digest = `sha256:${"a".repeat(64)}`;
const bytes = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest, size: 2 };
const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest, size: 3 };
const manifest = { schemaVersion: 2, mediaType: ociManifestType, config, layers: [layer, layer] };
const index = { schemaVersion: 2, manifests: [{ mediaType: ociManifestType, digest, size: 1 }] };
const image = {
  os: "linux",
  architecture: "amd64",
  rootfs: { type: "layers", diff_ids: [digest] },
};

const refuse = (text: string) => () => refuseDuplicateKeys(text, "D");

test("a manifest and an index", () => {
  expect(parseManifest(bytes(manifest), ociManifestType, "it")).toEqual({
    kind: "manifest",
    config,
    layers: [layer, layer],
  });
  expect(parseManifest(bytes(index), ociIndexType, "it")).toEqual({
    kind: "index",
    manifests: index.manifests,
  });
});

describe("hostile manifests are refused in one line that names the document", () => {
  const layerWith = (more: object) => ({ ...manifest, layers: [{ ...layer, ...more }] });
  test.each([
    ["nothing", "", /not JSON/],
    ["no JSON", "{", /not JSON/],
    ["deep nesting", "[".repeat(200_000), /not JSON/],
    ["no UTF-8", Buffer.from([0x22, 0xff, 0x22]), /not JSON in UTF-8/],
    ["a list", [], /must be an object and is a list/],
    ["null", "null", /must be an object/],
    ["schema version 1", { ...manifest, schemaVersion: 1 }, /schemaVersion must be 2/],
    ["layers and manifests", { ...manifest, manifests: [] }, /must not have manifests/],
    ["another media type inside", { ...manifest, mediaType: ociIndexType }, /was referred to as/],
    ["no config", { ...manifest, config: null }, /config must be an object/],
    [
      "layers that are no list",
      { ...manifest, layers: {} },
      /layers must be a list and is an object/,
    ],
    ["a layer that is a string", { ...manifest, layers: ["x"] }, /layers\[0\] must be an object/],
    ["a layer without digest", layerWith({ digest: undefined }), /layers\[0\].digest is missing/],
    [
      "a digest that is a path",
      layerWith({ digest: "sha256:../../../etc/passwd" }),
      /is not sha256:/,
    ],
    ["a digest in capitals", layerWith({ digest: digest.toUpperCase() }), /is not sha256:/],
    ["a digest with a line after it", layerWith({ digest: `${digest}\n` }), /is not sha256:/],
    ["a digest of another kind", layerWith({ digest: `md5:${"a".repeat(32)}` }), /is not sha256:/],
    ["a negative size", layerWith({ size: -1 }), /layers\[0\].size must be a whole number/],
    ["half a byte", layerWith({ size: 1.5 }), /must be a whole number/],
    ["a size over 2^53", layerWith({ size: 2 ** 60 }), /must be a whole number/],
    ["a size in words", layerWith({ size: "10" }), /must be a whole number and is the string "10"/],
    ["no size", layerWith({ size: undefined }), /has no size/],
    [
      "a foreign layer type",
      layerWith({ mediaType: "text/html" }),
      /unknown media type "text\/html"/,
    ],
    [
      "an encrypted layer",
      layerWith({ mediaType: `${layer.mediaType}+encrypted` }),
      /unknown media type/,
    ],
    [
      "a chart",
      { ...manifest, config: { ...config, mediaType: "application/vnd.cncf.helm" } },
      /not a container image/,
    ],
    [
      "a config of 5 MiB",
      { ...manifest, config: { ...config, size: 5 << 20 } },
      /config is larger/,
    ],
    [
      "501 layers",
      { ...manifest, layers: Array.from({ length: 501 }, () => layer) },
      /layers has more than 500/,
    ],
    [
      "an annotation that is a number",
      layerWith({ annotations: { a: 1 } }),
      /annotations\["a"\] must be a string/,
    ],
  ])("%s", (_, document, why) => {
    const input = Buffer.isBuffer(document) ? document : bytes(document);
    expect(() => parseManifest(input, ociManifestType, "manifest M")).toThrow(why);
    expect(() => parseManifest(input, ociManifestType, "manifest M")).toThrow(
      /^manifest M: [^\n]*$/,
    );
  });

  test("an index with layers, and a media type that is neither", () => {
    expect(() => parseManifest(bytes({ ...index, layers: [] }), ociIndexType, "I")).toThrow(
      /must not have layers/,
    );
    expect(() => parseManifest(bytes({ ...index, config }), ociIndexType, "I")).toThrow(
      /must not have config/,
    );
    expect(() => parseManifest(bytes(manifest), "text/html", "I")).toThrow(/neither a manifest's/);
  });

  test("a key that is no string of JSON is an error of the document, and nothing else", () => {
    for (const text of ['{"\0":1}', '{"a\nb":1}', '{"\\x":1}', '{"\\u12":{}}']) {
      expect(() => refuseDuplicateKeys(text, "it")).toThrow(ImageError);
      expect(() => refuseDuplicateKeys(text, "it")).toThrow("it: it is not JSON");
    }
  });

  test("duplicate keys, at any depth, however they are written", () => {
    expect(refuse('{"a":1,"b":{"a":2},"c":[{"a":1},{"a":2}],"d":"a\\":1,\\"a"}')).not.toThrow();
    expect(refuse('{"a":1,"a":2}')).toThrow('D: the key "a" occurs twice');
    expect(refuse('{"x":{"a":[1,{}],"b":2,"\\u0061":2}}')).toThrow('the key "a" occurs twice');
    expect(refuse('[{"k":"k","k":1}]')).toThrow('"k" occurs twice');
  });
});

describe("configs", () => {
  test("a full one", () => {
    const full = {
      ...image,
      variant: "v1",
      created: "2020-01-01T00:00:00Z",
      config: {
        Entrypoint: ["/e"],
        Cmd: null,
        Env: ["A=b"],
        User: "1:2",
        WorkingDir: "/w",
        Labels: { a: "b", ["__proto__"]: "c" },
        Volumes: { "/v": {} },
        ExposedPorts: { "80/tcp": {} },
        StopSignal: "SIGINT",
        Healthcheck: { Test: ["CMD", "x"], Interval: 1_000_000_000, Retries: 3 },
        ArgsEscaped: true,
      },
      history: [{ created_by: "x", empty_layer: true }, {}],
    };
    const parsed = parseImageConfig(bytes(full), "config");
    expect(parsed).toMatchObject({
      os: "linux",
      architecture: "amd64",
      created: "2020-01-01T00:00:00Z",
      config: {
        Entrypoint: ["/e"],
        Cmd: [],
        Env: ["A=b"],
        User: "1:2",
        WorkingDir: "/w",
        Volumes: ["/v"],
        ExposedPorts: ["80/tcp"],
        StopSignal: "SIGINT",
        Healthcheck: {
          Test: ["CMD", "x"],
          Interval: 1_000_000_000,
          Retries: 3,
          Timeout: undefined,
        },
      },
      rootfs: { diff_ids: [digest] },
      history: [{ created_by: "x", empty_layer: true }, { empty_layer: false }],
    });
    expect(Object.entries(parsed.config.Labels)).toEqual([
      ["a", "b"],
      ["__proto__", "c"],
    ]);
  });

  test("the least there can be", () => {
    expect(parseImageConfig(bytes(image), "config").config).toMatchObject({
      Cmd: [],
      Env: [],
      User: "",
      Labels: {},
    });
  });

  const withConfig = (more: object) => ({ ...image, config: more });
  test.each([
    ["no system", { ...image, os: undefined }, /os is missing/],
    ["no rootfs", { ...image, rootfs: null }, /rootfs is missing/],
    ["a rootfs of another type", { ...image, rootfs: { type: "lvm", diff_ids: [] } }, /"lvm"/],
    [
      "a diff_id that is a path",
      { ...image, rootfs: { type: "layers", diff_ids: ["../x"] } },
      /diff_id "..\/x"/,
    ],
    [
      "variables that are an object",
      withConfig({ Env: {} }),
      /config.Env must be a list and is an object/,
    ],
    [
      "a variable that is a number",
      withConfig({ Env: ["A=b", 1] }),
      /config.Env\[1\] must be a string/,
    ],
    ["an argument with NUL", withConfig({ Cmd: ["a\0b"] }), /config.Cmd\[0\] holds a NUL/],
    [
      "a user that is a number",
      withConfig({ User: 0 }),
      /config.User must be a string and is the number 0/,
    ],
    ["a volume with NUL", withConfig({ Volumes: { "/a\0": {} } }), /Volumes holds a NUL/],
    [
      "labels in a list",
      withConfig({ Labels: [] }),
      /config.Labels must be an object and is a list/,
    ],
    ["a history that is none", { ...image, history: [1] }, /history\[0\] must be an object/],
    [
      "a negative interval",
      withConfig({ Healthcheck: { Interval: -1 } }),
      /Healthcheck.Interval must be a whole/,
    ],
  ])("%s", (_, document, why) => {
    expect(() => parseImageConfig(bytes(document), "config C")).toThrow(why);
    expect(() => parseImageConfig(bytes(document), "config C")).toThrow(/^config C: [^\n]*$/);
  });
});

test("any JSON is read or refused as an ImageError", () => {
  const noise = fc.oneof(
    fc.jsonValue(),
    fc.record({
      schemaVersion: fc.constant(2),
      config: fc.jsonValue(),
      layers: fc.jsonValue(),
      rootfs: fc.jsonValue(),
      os: fc.jsonValue(),
    }),
  );
  fc.assert(
    fc.property(noise, (value) => {
      for (const read of [
        () => parseManifest(bytes(value), ociManifestType, "d"),
        () => parseManifest(bytes(value), ociIndexType, "d"),
        () => parseImageConfig(bytes(value), "d"),
      ]) {
        try {
          read();
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
        }
      }
    }),
  );
});

function offer(...names: readonly string[]): readonly Descriptor[] {
  return names.map((name, i) => {
    const [os = "", architecture = "", variant] = name.split("/");
    return { mediaType: ociManifestType, digest, size: i, platform: { os, architecture, variant } };
  });
}

/** Which of the platforms is chosen on a machine. */
function choose(arch: string, ...platforms: readonly string[]): string | undefined {
  return platforms[selectPlatform(offer(...platforms), platformOf(arch), "index").size];
}

describe("platforms", () => {
  test("the nearest that runs here", () => {
    const all = [
      "windows/amd64",
      "linux/arm/v6",
      "linux/arm/v7",
      "linux/arm64/v8",
      "linux/amd64",
      "linux/386",
    ];
    expect(choose("x64", ...all)).toBe("linux/amd64");
    expect(choose("arm64", ...all)).toBe("linux/arm64/v8");
    expect(choose("arm64", "linux/arm64")).toBe("linux/arm64");
    expect(choose("arm", ...all)).toBe("linux/arm/v7");
    expect(choose("arm", "linux/arm/v5", "linux/arm/v6", "linux/arm/v8")).toBe("linux/arm/v6");
    expect(choose("x64", "linux/amd64/v3", "linux/amd64")).toBe("linux/amd64");
  });

  test("none: the line says what there is", () => {
    expect(() => choose("s390x", "linux/amd64", "unknown/unknown")).toThrow(
      "index has nothing for linux/s390x: it offers linux/amd64",
    );
    expect(() => choose("x64", "linux/amd64/v4")).toThrow(/nothing for linux\/amd64/);
  });
});
