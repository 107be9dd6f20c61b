import { describe, expect, test } from "bun:test";
import type { Described } from "../container/record.ts";
import { type Base, commitConfig, commitManifest, emptyBase } from "./committed.ts";

const base: Base = {
  config: {
    architecture: "amd64",
    os: "linux",
    author: "somebody before",
    "os.features": ["kept"],
    config: {
      Entrypoint: ["/init"],
      Cmd: ["serve"],
      Env: ["PATH=/bin", "A=1"],
      Labels: { a: "1" },
    },
    rootfs: { type: "layers", diff_ids: ["sha256:one"] },
    history: [{ created_by: "before" }],
  },
  layers: [
    { mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", digest: "sha256:l", size: 1 },
  ],
};

const recordOf = (options: Described["options"], command: readonly string[] | null = null) =>
  ({ options, command, args: ["sh", "-c", "x"], labels: { b: "2" } }) as unknown as Described;

const words = { author: "", message: "", changes: [] };
const now = "2026-01-02T03:04:05Z";

const settings = (options: Described["options"], command: readonly string[] | null = null) =>
  commitConfig(base, recordOf(options, command), "sha256:two", words, now)["config"];

describe("the config of a committed image", () => {
  test("is that of its image, with the new layer", () => {
    const config = commitConfig(base, recordOf({}), "sha256:two", { ...words, message: "m" }, now);
    expect(config).toEqual({
      architecture: "amd64",
      os: "linux",
      "os.features": ["kept"],
      created: now,
      config: {
        Entrypoint: ["/init"],
        Cmd: ["serve"],
        Env: ["PATH=/bin", "A=1"],
        Labels: { a: "1", b: "2" },
      },
      rootfs: { type: "layers", diff_ids: ["sha256:one", "sha256:two"] },
      history: [{ created_by: "before" }, { created: now, created_by: "sh -c x", comment: "m" }],
    });
  });

  test("has what the container was run with", () => {
    const env = { A: null, B: "2" };
    expect(settings({ env, user: "1:1", workdir: "/w", stopSignal: "INT" }, ["x"])).toMatchObject({
      Entrypoint: ["/init"],
      Cmd: ["x"],
      Env: ["PATH=/bin", "B=2"],
      User: "1:1",
      WorkingDir: "/w",
      StopSignal: "INT",
    });
  });

  test("an entrypoint of its own puts the image's command out of use", () => {
    expect(settings({ entrypoint: ["e"] })).toMatchObject({ Entrypoint: ["e"], Cmd: null });
    expect(settings({ entrypoint: [""] }, ["x"])).toMatchObject({ Entrypoint: null, Cmd: ["x"] });
    expect(settings({ entrypoint: [] })).toMatchObject({ Entrypoint: null, Cmd: ["serve"] });
  });

  test("changes come last", () => {
    const wish = { ...words, author: "me", changes: ["ENV B=$A", "CMD y"] };
    const config = commitConfig(base, recordOf({}), "sha256:two", wish, now);
    expect(config).toMatchObject({
      author: "me",
      config: { Env: ["PATH=/bin", "A=1", "B=1"], Cmd: ["/bin/sh", "-c", "y"] },
    });
  });

  test("of a root that is a directory there is one layer", () => {
    const platform = { os: "linux", architecture: "arm64", variant: "v8" };
    const config = commitConfig(emptyBase(platform), recordOf({}), "sha256:two", words, now);
    expect(config).toMatchObject({ variant: "v8", rootfs: { diff_ids: ["sha256:two"] } });
  });
});

test("a manifest names all layers in OCI's words", () => {
  const manifest = commitManifest(base, { digest: "c", size: 2 }, { digest: "n", size: 3 });
  expect(manifest["layers"]).toEqual([
    { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: "sha256:l", size: 1 },
    { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: "n", size: 3 },
  ]);
});
