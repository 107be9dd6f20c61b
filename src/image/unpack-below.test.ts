/** A layer over others: what the kernel's overlayfs shows must be what the image means. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import * as fc from "fast-check";
import { patience } from "../../test/patience.ts";
import { LayerTranslator } from "./layer.ts";
import { type TarMember, tarArchive } from "./tar-writer.ts";
import {
  applyTar,
  describeTree,
  dropDirectory,
  isRoot,
  makeDirectory,
  outline,
  unpackerOptions,
  unpackerProgram,
} from "./testing/fixture.ts";
import { dir, file, hard, link } from "./testing/members.ts";
import { unpackMagic } from "./unpack-record.ts";

/** The unpacker's stream for an archive. */
function records(members: readonly TarMember[]): Buffer {
  const translator = new LayerTranslator();
  const pieces = [...translator.push(tarArchive(members)), ...translator.finish()];
  return Buffer.concat([Buffer.from(unpackMagic), ...pieces]);
}

describe.skipIf(!isRoot)("layers over layers (needs root: overlayfs is mounted)", () => {
  let directory = "";
  let count = 0;
  beforeAll(() => {
    directory = makeDirectory();
    mkdirSync(`${directory}/mnt`);
    unpackerOptions("sanitised");
  }, 60_000 * patience);
  afterAll(() => dropDirectory(directory));

  /** Unpacks layers, lowest first, each over those before it. */
  async function stack(...layers: readonly (readonly TarMember[])[]): Promise<readonly string[]> {
    const paths: string[] = [];
    for (const members of layers) {
      const path = `${directory}/l${count++}`;
      await applyTar(tarArchive(members), path, { ...unpackerOptions("sanitised"), lower: paths });
      paths.push(path);
    }
    return paths;
  }

  /** What overlayfs shows: "path type mode owner target content" per file, in a namespace of its own. */
  function mounted(paths: readonly string[], format = "%P %y"): readonly string[] {
    const lower = paths.length === 1 ? [...paths, `${directory}/mnt`] : paths;
    const script =
      'mount -t overlay overlay -o "ro,lowerdir=$1" "$2" && find "$2" -mindepth 1 -printf "$3\\n"';
    const args = [lower.toReversed().join(":"), `${directory}/mnt`, format];
    const shown = spawnSync("unshare", ["-m", "sh", "-c", script, "sh", ...args], {
      encoding: "utf8",
    });
    if (shown.status !== 0) throw new Error(shown.stderr);
    return shown.stdout.split("\n").filter(Boolean).sort();
  }

  test("whiteouts and opaque directories hide what is below, and nothing else", async () => {
    const layers = await stack(
      [dir("a"), file("a/1"), file("a/2"), dir("b"), file("b/1"), dir("c"), file("c/1"), file("f")],
      [file("a/.wh.1"), file("b/2"), file("b/.wh..wh..opq"), file(".wh.c"), file(".wh.never")],
      [file("a/3"), file("c/2")],
    );
    expect(mounted(layers)).toEqual([
      "a d",
      "a/2 f",
      "a/3 f",
      "b d",
      "b/2 f",
      "c d",
      "c/2 f",
      "f f",
    ]);
  });

  test("an opaque root hides all layers below", async () => {
    const layers = await stack(
      [dir("a"), file("a/1"), file("b"), dir("c"), file("c/1")],
      [file("d")],
      [file("c/2"), file(".wh..wh..opq"), file("e")],
    );
    expect(mounted(layers)).toEqual(["c d", "c/2 f", "e f"]);
  });

  test("a parent that the layer leaves out keeps the attributes it has below", async () => {
    const layers = await stack(
      [
        dir("", 0o511, { uid: 1, mtimeSeconds: 5 }),
        dir("tmp", 0o1777, {
          uid: 2,
          gid: 3,
          mtimeSeconds: 1000,
          xattrs: new Map([["user.x", "y"]]),
        }),
        dir("tmp/in", 0o700),
      ],
      [file("unrelated")],
      [file("tmp/in/file"), file("new/file")],
    );
    const tree = describeTree(layers[2] ?? "");
    expect(tree.get("")).toMatchObject({ mode: "511", owner: "1:0" });
    expect(tree.get("tmp")).toMatchObject({
      mode: "1777",
      owner: "2:3",
      mtime: 1_000_000_000_000n,
      xattrs: { "user.x": "79" },
    });
    expect(tree.get("tmp/in")?.mode).toBe("700");
    expect(tree.get("new")).toMatchObject({ mode: "755", owner: "0:0" });
  });

  test("a removed directory does not lend its attributes to a new one", async () => {
    const layers = await stack([dir("a", 0o700, { uid: 9 })], [file(".wh.a")], [file("a/f")]);
    expect(describeTree(layers[2] ?? "").get("a")).toMatchObject({ mode: "755", owner: "0:0" });
  });

  test("a parent that is a symbolic link below is followed, as the image would", async () => {
    const layers = await stack(
      [
        dir("usr"),
        dir("usr/lib", 0o750),
        link("lib", "usr/lib"),
        link("abs", "/usr"),
        link("up", "../../usr"),
      ],
      [file("lib/a"), file("abs/b"), file("up/lib/c"), file("lib/new/d")],
    );
    expect(outline(layers[1] ?? "")).toEqual([
      "usr directory",
      "usr/b file",
      "usr/lib directory",
      "usr/lib/a file",
      "usr/lib/c file",
      "usr/lib/new directory",
      "usr/lib/new/d file",
    ]);
    expect(mounted(layers)).toContain("lib l");
    expect(describeTree(layers[1] ?? "").get("usr/lib")?.mode).toBe("750");
  });

  test("a link below that an opaque directory or a whiteout hides is not followed", async () => {
    const below = [dir("d"), link("d/l", "/usr"), link("l", "/usr"), dir("usr", 0o700)];
    const layers = await stack(
      below,
      [file("d/.wh..wh..opq"), file(".wh.l")],
      [file("d/l/a"), file("l/a")],
    );
    expect(mounted(layers)).toEqual(["d d", "d/l d", "d/l/a f", "l d", "l/a f", "usr d"]);
  });

  test("a hard link to a file below copies it up, with all it has", async () => {
    const capability =
      "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    const content = "p".repeat(100_000);
    const layers = await stack(
      [
        dir("bin", 0o711),
        file("bin/p", content, {
          mode: 0o4755,
          uid: 3,
          gid: 4,
          mtimeSeconds: 77,
          xattrs: new Map([["security.capability", capability.slice(0, 20)]]),
        }),
        link("sbin", "bin"),
      ],
      [hard("q", "sbin/p"), hard("r", "bin/p")],
    );
    const tree = describeTree(layers[1] ?? "");
    expect([...tree.keys()]).toEqual(["", "bin", "bin/p", "q", "r"]);
    expect(tree.get("bin")?.mode).toBe("711");
    expect(tree.get("q")).toEqual({
      ...describeTree(layers[0] ?? "").get("bin/p"),
      links: 3,
    } as never);
    expect(tree.get("q")).toEqual(tree.get("r") as never);
  });

  test("a hard link to what is hidden or no file is refused", async () => {
    await expect(stack([file("a")], [file(".wh.a")], [hard("b", "a")])).rejects.toThrow(
      /neither in this layer/,
    );
    await expect(
      stack([dir("d"), file("d/a")], [file(".wh.d")], [hard("b", "d/a")]),
    ).rejects.toThrow(/neither/);
    await expect(stack([{ name: "f", type: "fifo" }], [hard("b", "f")])).rejects.toThrow(
      /not a regular file/,
    );
    await expect(stack([dir("d")], [hard("b", "d")])).rejects.toThrow(/not a regular file/);
  });

  const asUser = ["--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "-Ur"];
  const hasUserNamespaces = spawnSync("setpriv", [...asUser, "true"]).status === 0;
  test.skipIf(!hasUserNamespaces)(
    "as an ordinary user, in a user namespace (skipped where such users may not make one)",
    () => {
      const place = `${directory}/user`;
      mkdirSync(place);
      copyFileSync(unpackerProgram("plain"), `${place}/unpack`);
      writeFileSync(
        `${place}/1`,
        records([dir("d", 0o555, { uid: 5 }), file("d/f"), file("e/x"), file("g")]),
      );
      writeFileSync(
        `${place}/2`,
        records([file("d/.wh.f"), file("e/.wh..wh..opq"), file("e/y"), file(".wh.g")]),
      );
      for (const path of ["", "/unpack", "/1", "/2"]) chmodSync(place + path, 0o777);
      chmodSync(directory, 0o755);
      const script = `set -e; cd "$1"; mkdir l1 l2 m
        ./unpack unpack --rootless --ignore-owner l1 < 1
        ./unpack unpack --rootless --ignore-owner --lower l1 l2 < 2
        unshare -m sh -c 'mount -t overlay overlay -o userxattr,lowerdir=l2:l1 m && cd m && find . | sort'
        ./unpack unpack --remove l1 l2`;
      const done = spawnSync("setpriv", [...asUser, "sh", "-c", script, "sh", place], {
        encoding: "utf8",
      });
      expect(done.stderr).toBe("");
      expect(done.stdout).toBe("ok 4 0\nok 4 0\n.\n./d\n./e\n./e/y\nok 0 0\n");
    },
  );

  // A model of what layers mean: a tree that each entry changes, and who made what.
  interface Node {
    readonly children: Map<string, Node> | undefined;
    layer: number;
  }
  const kinds = ["file", "directory", "whiteout", "opaque"] as const;
  type Step = { readonly kind: (typeof kinds)[number]; readonly path: readonly string[] };

  class Refused extends Error {}

  function parentOf(root: Node, path: readonly string[], layer: number): Map<string, Node> {
    let at = root;
    for (const name of path) {
      let next = at.children?.get(name);
      if (next?.children === undefined) {
        if (next?.layer === layer) throw new Refused(); // a parent that is a file of this layer
        next = { children: new Map(), layer };
        at.children?.set(name, next);
      }
      next.layer = layer;
      at = next;
    }
    return at.children ?? new Map();
  }

  function removeOlder(children: Map<string, Node>, name: string, layer: number): void {
    const node = children.get(name);
    if (node === undefined) return;
    if (node.layer !== layer) children.delete(name);
    else if (node.children)
      for (const below of node.children.keys()) removeOlder(node.children, below, layer);
  }

  function applyStep(root: Node, { kind, path }: Step, layer: number): void {
    if (kind === "opaque") {
      const children = parentOf(root, path, layer);
      for (const name of children.keys()) removeOlder(children, name, layer);
      return;
    }
    const base = path.at(-1) ?? "";
    const children = parentOf(root, path.slice(0, -1), layer);
    const old = children.get(base);
    if (kind === "whiteout") removeOlder(children, base, layer);
    else if (kind === "file") children.set(base, { children: undefined, layer });
    else if (old?.children === undefined) children.set(base, { children: new Map(), layer });
    else old.layer = layer;
  }

  function list(node: Node, prefix = ""): string[] {
    return [...(node.children ?? [])].flatMap(([name, below]) => [
      `${prefix}${name} ${below.children ? "d" : "f"}`,
      ...list(below, `${prefix}${name}/`),
    ]);
  }

  function member({ kind, path }: Step): TarMember {
    const name = path.join("/");
    if (kind === "file") return file(name);
    if (kind === "directory") return dir(name);
    const parent = kind === "opaque" ? path : path.slice(0, -1);
    return file([...parent, kind === "opaque" ? ".wh..wh..opq" : `.wh.${path.at(-1)}`].join("/"));
  }

  const step = fc.record({
    kind: fc.constantFrom(...kinds),
    path: fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 }),
  });

  test("random layers mean what the specification says, by the kernel's word", {
    timeout: 120_000 * patience,
  }, async () => {
    const layers = fc.array(fc.array(step, { maxLength: 8 }), { minLength: 2, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(layers, async (steps) => {
        const root: Node = { children: new Map(), layer: -1 };
        let isRefused = false;
        try {
          for (const [i, layer] of steps.entries()) for (const s of layer) applyStep(root, s, i);
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          isRefused = true;
        }
        const unpacked = stack(...steps.map((layer) => layer.map(member)));
        if (isRefused) await expect(unpacked).rejects.toThrow(/a parent is not a directory/);
        else expect(mounted(await unpacked)).toEqual(list(root).sort());
      }),
      { numRuns: 60 },
    );
  });
});
