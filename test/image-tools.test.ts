// Images that other tools make, and other tools that read what pivot saves.

import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { digestOf } from "../src/image/blob.ts";
import { ociLayerType } from "../src/image/manifest.ts";
import { tarArchive } from "../src/image/tar-writer.ts";
import { base, describeBlob, makeImage, top, writeLayout } from "../src/image/testing/image.ts";
import { file } from "../src/image/testing/members.ts";
import { patience } from "./patience.ts";
import { Ground, whyNot } from "./pivot.ts";

const ground = new Ground("image-tools");
afterAll(() => ground.close());
const at = (name: string): string => `${ground.directory}/${name}`;

/** Why a tool cannot be used, in words for a test's name. */
function whyNotTool(...tools: readonly string[]): string | undefined {
  const missing = tools.find((each) => spawnSync("which", [each]).status !== 0);
  return missing === undefined ? whyNot : `${missing} is not installed`;
}

const named = (what: string, reason: string | undefined): string =>
  reason === undefined ? what : `${what} (skipped: ${reason})`;

function ok(...words: string[]): string {
  const { code, stdout, stderr } = ground.pivot(words);
  expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: "" });
  return stdout;
}

function tool(...words: string[]): string {
  const { code, stdout, stderr } = ground.command(words, { timeout: 60_000 });
  if (code !== 0) throw new Error(`${words.join(" ")}: ${code}: ${stderr}`);
  return stdout;
}

/** gzip for both layers, since no tool's old formats know another. */
const packed = [base, top].map((tar) => ({ tar, packed: gzipSync(tar) }));
const image = makeImage(packed, {
  manifest: {
    layers: packed.map(({ packed: blob }) => describeBlob(`${ociLayerType}+gzip`, blob)),
  },
});
const id = digestOf(image.config);

/** What the image's root holds, by a container. */
const inside = (name: string, script: string): string => {
  const busybox = ["-v", "/bin/busybox:/busybox:ro"];
  return ok("run", "--rm", ...busybox, name, "/busybox", "sh", "-c", script);
};

describe.skipIf(whyNot !== undefined)("saved by pivot", () => {
  const skopeo = whyNotTool("skopeo");

  test.skipIf(skopeo !== undefined)(
    named("skopeo reads each format, with all its blobs", skopeo),
    () => {
      writeLayout(at("layout"), image);
      ok("image", "copy", "-q", `oci:${at("layout")}`, "demo:1");
      ok("save", "-o", at("docker.tar"), "demo:1");
      ok("save", "-o", at("oci.tar"), "--format", "oci-archive", "demo:1");
      ok("save", "-o", at("dir"), "--format", "oci-dir", "demo:1");
      for (const source of [
        `docker-archive:${at("docker.tar")}:demo:1`,
        `oci-archive:${at("oci.tar")}:1`,
        `oci:${at("dir")}:1`,
      ]) {
        const target = at(`seen-${source.replace(/:.*/, "")}`);
        mkdirSync(target);
        tool("skopeo", "copy", "--insecure-policy", "-q", source, `dir:${target}`);
        const manifest = JSON.parse(readFileSync(`${target}/manifest.json`, "utf8"));
        expect([source, manifest.config.digest]).toEqual([source, id]);
        expect(manifest.layers).toHaveLength(2);
      }
      expect(tool("skopeo", "inspect", "--raw", `oci:${at("dir")}:1`)).toBe(
        (image.blobs.at(-1) ?? "").toString(),
      );
    },
  );

  const umoci = whyNotTool("umoci");

  test.skipIf(umoci !== undefined)(named("umoci unpacks an OCI directory", umoci), () => {
    writeLayout(at("layout"), image);
    ok("image", "copy", "-q", `oci:${at("layout")}`, `oci:${at("for-umoci")}:it`);
    tool("umoci", "unpack", "--image", `${at("for-umoci")}:it`, at("bundle"));
    expect(readFileSync(`${at("bundle")}/rootfs/etc/a`, "utf8")).toBe("two");
  });

  const podman = whyNotTool("podman");

  test.skipIf(podman !== undefined)(named("podman loads an archive", podman), () => {
    writeLayout(at("layout"), image);
    ok("image", "copy", "-q", `oci:${at("layout")}`, "demo:1");
    ok("save", "-o", at("podman.tar"), "demo:1");
    const storage = [
      "--root",
      at("podman"),
      "--runroot",
      at("podman-run"),
      "--storage-driver",
      "vfs",
    ];
    expect(tool("podman", ...storage, "load", "-q", "-i", at("podman.tar"))).toContain("demo:1");
    expect(tool("podman", ...storage, "images", "-q", "--no-trunc").trim()).toBe(id);
  });
});

describe.skipIf(whyNot !== undefined)("made by others", () => {
  const umoci = whyNotTool("umoci");

  test.skipIf(umoci !== undefined)(named("umoci: a layout that it made and changed", umoci), () => {
    const layout = at("made-by-umoci");
    tool("umoci", "init", "--layout", layout);
    tool("umoci", "new", "--image", `${layout}:own`);
    tool("umoci", "insert", "--image", `${layout}:own`, "/bin/busybox", "/bin/busybox");
    tool(
      "umoci",
      "config",
      "--image",
      `${layout}:own`,
      "--config.cmd",
      "/bin/busybox",
      "--config.env",
      "X=1",
    );
    ok("image", "copy", "-q", `oci:${layout}:own`, "by-umoci");
    expect(ok("run", "--rm", "by-umoci", "/bin/busybox", "sh", "-c", "echo $X")).toBe("1\n");
    expect(ok("history", "-q", "by-umoci").split("\n").length).toBeGreaterThan(2);
  });

  const skopeo = whyNotTool("skopeo");

  test.skipIf(skopeo !== undefined)(named("skopeo: archives of both kinds", skopeo), () => {
    writeLayout(at("layout"), image);
    const source = `oci:${at("layout")}`;
    const copy = ["skopeo", "copy", "--insecure-policy", "-q", source];
    tool(...copy, `docker-archive:${at("by-skopeo.tar")}:skopeo/docker:2`);
    tool(...copy, `oci-archive:${at("by-skopeo-oci.tar")}:skopeo/oci:3`);
    expect(ok("load", "-i", at("by-skopeo.tar"))).toBe("Loaded image: skopeo/docker:2\n");
    expect(ok("load", "-i", at("by-skopeo-oci.tar"))).toBe("Loaded image: skopeo/oci:3\n");
    for (const name of ["skopeo/docker:2", "skopeo/oci:3"]) {
      expect(inside(name, "/busybox cat /etc/a; /busybox ls /etc")).toStartWith("two");
    }
  });

  const buildah = whyNotTool("buildah");

  test.skipIf(buildah !== undefined)(
    named("buildah: an image built from a Dockerfile, in archives of both kinds", buildah),
    () => {
      mkdirSync(at("context"));
      writeFileSync(at("context/text"), "from buildah\n");
      const dockerfile =
        'FROM scratch\nCOPY text /text\nENV A=b\nLABEL made=by-buildah\nCMD ["/text"]\n';
      writeFileSync(at("context/Dockerfile"), dockerfile);
      const storage = [
        "--root",
        at("buildah"),
        "--runroot",
        at("buildah-run"),
        "--storage-driver",
        "vfs",
      ];
      tool(
        "buildah",
        ...storage,
        "build",
        "--isolation",
        "chroot",
        "-q",
        "-t",
        "built:1",
        at("context"),
      );
      tool(
        "buildah",
        ...storage,
        "push",
        "-q",
        "built:1",
        `docker-archive:${at("built.tar")}:built:1`,
      );
      tool(
        "buildah",
        ...storage,
        "push",
        "-q",
        "built:1",
        `oci-archive:${at("built-oci.tar")}:built:2`,
      );
      expect(ok("load", "-i", at("built.tar"))).toContain("Loaded image: built:1\n");
      expect(ok("load", "-i", at("built-oci.tar"))).toBe("Loaded image: built:2\n");
      expect(inside("built:1", "cat /text; echo $A")).toBe("from buildah\nb\n");
      expect(
        ok("images", "-f", "label=made=by-buildah", "built", "--format", "{{.Tag}}")
          .split("\n")
          .sort(),
      ).toEqual(["", "1", "2"]);
    },
    60_000 * patience,
  );

  test("an archive as docker save wrote it before version 25", () => {
    const layers = [base, top].map((tar, i) => ({ path: `layer${i}/layer.tar`, tar }));
    const config = { ...JSON.parse(image.config.toString()), docker_version: "20.10" };
    const bytes = Buffer.from(JSON.stringify(config));
    const name = `${digestOf(bytes).slice(7)}.json`;
    const list = [
      { Config: name, RepoTags: ["old:1", "old:2"], Layers: layers.map(({ path }) => path) },
    ];
    const archive = tarArchive([
      file(name, bytes.toString()),
      ...layers.map(({ path, tar }) => ({ ...file(path), content: tar })),
      file("manifest.json", JSON.stringify(list)),
      file("repositories", JSON.stringify({ old: { 1: "layer1", 2: "layer1" } })),
    ]);
    writeFileSync(at("old.tar"), archive);
    expect(ok("load", "-i", at("old.tar"))).toBe("Loaded image: old:1\nLoaded image: old:2\n");
    expect(inside("old:2", "/busybox cat /etc/a")).toBe("two");
    expect(ok("image", "inspect", "-f", "{{.DockerVersion}}", "old:1")).toBe("20.10\n");
  });
});
