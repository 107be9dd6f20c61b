// The image commands as people type them: names, lists, removal, archives, and what containers use.

import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "../src/image/blob.ts";
import { tarArchive } from "../src/image/tar-writer.ts";
import { base, makeImage, top, writeLayout } from "../src/image/testing/image.ts";
import { file } from "../src/image/testing/members.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";

const ground = new Ground("images");
afterAll(() => ground.close());

/** Two layers, gzip and zstd, with all that a config can say. */
const older = makeImage(
  [
    { tar: base, packed: gzipSync(base) },
    { tar: top, packed: zstdCompressSync(top) },
  ],
  {
    config: {
      created: "2020-02-02T02:02:02Z",
      author: "somebody",
      config: { Cmd: ["/bin/x"], Labels: { color: "red", empty: "" }, Env: ["A=b"] },
      history: [
        { created: "2020-01-01T00:00:00Z", created_by: "ADD base", comment: "first" },
        { created: "2020-02-02T02:02:02Z", created_by: `RUN ${"x".repeat(60)}` },
        { created: "2020-02-02T02:02:02Z", created_by: "CMD /bin/x", empty_layer: true },
      ],
    },
  },
);
const newer = makeImage([{ tar: base, packed: gzipSync(base) }], {
  config: { created: "2021-03-03T03:03:03Z" },
});
const idOf = (image: typeof older): string => digestOf(image.config);
const short = (image: typeof older): string => idOf(image).slice(7, 19);

/** Runs a command that has to succeed, and gives what it prints. */
function ok(...words: string[]): string {
  const { code, stdout, stderr } = ground.pivot(words);
  expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: "" });
  return stdout;
}

/** Runs a command that has to fail, and gives the line that says why. */
function fails(code: number, ...words: string[]): string {
  const ran = ground.pivot(words);
  expect({ words, code: ran.code, stdout: ran.stdout }).toEqual({ words, code, stdout: "" });
  expect(ran.stderr.trimEnd().split("\n")[0]).toStartWith("pivot: ");
  return ran.stderr;
}

const files = (path: string): string[] =>
  existsSync(`${ground.root}/${path}`) ? readdirSync(`${ground.root}/${path}`).sort() : [];
const layers = (): string[] => files("layers").filter((name) => /^[0-9a-f]{64}$/.test(name));

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");

const layout = (name: string): string => `${ground.directory}/${name}`;

describe.skipIf(whyNot !== undefined)(`images${whyNot === undefined ? "" : `: ${whyNot}`}`, () => {
  test("copied in from a layout, listed as docker does", () => {
    writeLayout(layout("older"), older);
    writeLayout(layout("newer"), newer);
    expect(ok("image", "copy", `oci:${layout("older")}`, "demo:1")).toBe(
      `${older.manifest.digest}\n`,
    );
    ok("image", "copy", `oci:${layout("newer")}`, "localhost:5000/team/demo");
    const [header, first, second] = lines(ok("images"));
    expect(header).toMatch(/^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/);
    expect(first).toMatch(
      new RegExp(`^localhost:5000/team/demo +latest +${short(newer)} +\\d+ years ago +4B$`),
    );
    expect(second).toMatch(new RegExp(`^demo +1 +${short(older)} +\\d+ years ago +7B$`));
    expect(ok("image", "ls", "-q", "--no-trunc")).toBe(`${idOf(newer)}\n${idOf(older)}\n`);
    expect(ok("images", "--digests", "demo")).toContain(` ${older.manifest.digest} `);
    expect(ok("images", "--format", "{{.Repository}}:{{.Tag}} {{.CreatedAt}} {{.Size}}")).toBe(
      "localhost:5000/team/demo:latest 2021-03-03 03:03:03 +0000 UTC 4B\n" +
        "demo:1 2020-02-02 02:02:02 +0000 UTC 7B\n",
    );
  });

  test.each([
    ["label=color", ["older"]],
    ["label=color=red", ["older"]],
    ["label=color=blue", []],
    ["before=localhost:5000/team/demo", ["older"]],
    ["since=demo:1", ["newer"]],
    ["until=2020-12-31", ["older"]],
    ["reference=demo", ["older"]],
    ["reference=*:1", ["older"]],
    ["reference=*/*/demo", ["newer"]],
    ["reference=d?m[a-o]:*", ["older"]],
    ["dangling=false", ["newer", "older"]],
    ["dangling=true", []],
  ])("--filter %s", (filter, expected) => {
    const ids = expected.map((name) => short(name === "older" ? older : newer));
    expect(lines(ok("images", "-q", "-f", filter))).toEqual(ids);
  });

  test("filters that make no sense", () => {
    expect(fails(1, "images", "-f", "colour=red")).toContain("dangling, label");
    expect(fails(1, "images", "-f", "since=nothing")).toContain("nothing:latest");
    expect(fails(1, "images", "a", "b")).toContain("images takes one");
  });

  test("history and inspect", () => {
    const [header, newest, middle, oldest] = lines(ok("history", "demo:1"));
    expect(header).toMatch(/^IMAGE +CREATED +CREATED BY +SIZE +COMMENT$/);
    expect(newest).toMatch(new RegExp(`^${short(older)} .*CMD /bin/x +0B *$`));
    expect(middle).toMatch(/^<missing> .*RUN x{40}… +3B *$/);
    expect(oldest).toMatch(/^<missing> .*ADD base +4B +first$/);
    expect(ok("history", "-q", "--no-trunc", "demo:1")).toBe(
      `${idOf(older)}\n<missing>\n<missing>\n`,
    );
    expect(
      ok("history", "-H=false", "--no-trunc", "--format", "{{.CreatedSince}} {{.Size}}", "demo:1"),
    ).toBe("2020-02-02T02:02:02Z 0\n2020-02-02T02:02:02Z 3\n2020-01-01T00:00:00Z 4\n");
    const [found] = JSON.parse(ok("image", "inspect", "demo:1")) as Record<string, unknown>[];
    expect(found).toMatchObject({
      Id: idOf(older),
      RepoTags: ["demo:1"],
      RepoDigests: [`demo@${older.manifest.digest}`],
      Created: "2020-02-02T02:02:02Z",
      Author: "somebody",
      Architecture: "amd64",
      Os: "linux",
      Size: 7,
      RootFS: { Type: "layers", Layers: [digestOf(base), digestOf(top)] },
      Config: { Cmd: ["/bin/x"], Env: ["A=b"], Labels: { color: "red", empty: "" } },
    });
    expect(ok("image", "inspect", "-f", "{{.Os}} {{index .RepoTags 0}}", short(older))).toBe(
      "linux demo:1\n",
    );
    const some = ground.pivot(["image", "inspect", "demo:1", "gone"]);
    expect(some.code).toBe(1);
    expect(JSON.parse(some.stdout)).toHaveLength(1);
    expect(some.stderr).toContain("gone:latest");
  });

  test("tag: another name, and what it had is found by its ID", () => {
    ok("tag", "demo:1", "example.com/a/b");
    ok("image", "tag", short(older), "demo:2");
    expect(lines(ok("images", "-q"))).toEqual([short(newer), short(older)]);
    ok("tag", "demo:1", "localhost:5000/team/demo");
    const dangling = lines(ok("images", "-f", "dangling=true"));
    expect(dangling[1]).toMatch(new RegExp(`^<none> +<none> +${short(newer)} `));
    expect(fails(1, "tag", "demo:1", "demo@sha256:00")).toContain("demo@sha256:00");
    expect(fails(1, "tag", "gone", "x")).toContain("gone:latest");
    expect(fails(1, "tag", "demo:1")).toContain("SOURCE_IMAGE");
    ok("tag", short(newer).slice(0, 7), "localhost:5000/team/demo");
  });

  test("save and load: every byte as it was, in each format and compression", () => {
    const archive = layout("saved.tar");
    ok("save", "-o", archive, "demo:1", "localhost:5000/team/demo", "demo:2");
    const bytes = readFileSync(archive);
    const out = spawnSync("build/pivot", [
      ...ground.roots(),
      "save",
      "demo:1",
      "localhost:5000/team/demo",
      "demo:2",
    ]);
    expect(out.stdout.equals(bytes)).toBe(true);
    ok("image", "save", "--format", "oci-archive", "-o", layout("saved-oci.tar"), "demo:1");
    ok("save", "--format=oci-dir", "demo:1", "-o", layout("saved-dir"));
    expect(existsSync(`${layout("saved-dir")}/manifest.json`)).toBe(false);
    for (const blob of older.blobs) {
      const name = digestOf(blob).slice(7);
      expect(readFileSync(`${layout("saved-dir")}/blobs/sha256/${name}`).equals(blob)).toBe(true);
    }
    const everything = ok("rmi", "-f", ...lines(ok("images", "-q")));
    expect(everything).toContain(`Untagged: demo:1\n`);
    expect([...layers(), ...files("blobs/sha256"), ...files("images"), ...files("refs")]).toEqual(
      [],
    );

    writeFileSync(`${archive}.gz`, gzipSync(bytes));
    writeFileSync(`${archive}.zst`, zstdCompressSync(bytes));
    for (const path of [archive, `${archive}.gz`, `${archive}.zst`]) {
      expect(lines(ok("load", "-i", path)).sort()).toEqual([
        "Loaded image: demo:1",
        "Loaded image: demo:2",
        "Loaded image: localhost:5000/team/demo:latest",
      ]);
    }
    for (const path of ["saved-oci.tar", "saved-dir"]) {
      expect(ok("load", "-i", layout(path))).toBe("Loaded image: demo:1\n");
    }
    const piped = spawnSync(pivotPath, [...ground.roots(), "load", "-q"], {
      input: readFileSync(archive),
      encoding: "utf8",
    });
    expect([piped.status, piped.stderr]).toEqual([0, ""]);
    expect(lines(ok("images", "-q", "--no-trunc"))).toEqual([idOf(newer), idOf(older)]);
    expect(ok("image", "inspect", "-f", "{{.Descriptor.digest}}", "demo:2")).toBe(
      `${older.manifest.digest}\n`,
    );
    expect(files("").filter((name) => name.startsWith(".tmp"))).toEqual([]);
  });

  test("an image without a name is loaded by its ID", () => {
    writeLayout(layout("nameless"), newer);
    expect(ok("load", "-i", layout("nameless"))).toBe(`Loaded image ID: ${idOf(newer)}\n`);
  });

  test("what cannot be saved or loaded is said in one line, and leaves nothing", () => {
    expect(fails(1, "save", "gone")).toContain("gone:latest");
    expect(fails(1, "save", "--format", "zip", "demo:1")).toContain("oci-archive");
    expect(fails(1, "save", "-o", "/nowhere/x.tar", "demo:1")).toContain("/nowhere/x.tar");
    expect(fails(1, "load", "-i", "/nowhere/x.tar")).toContain("/nowhere/x.tar");
    writeFileSync(layout("text"), "no archive\n".repeat(100));
    expect(fails(1, "load", "-i", layout("text"))).toContain("malformed");
    const piped = ground.pivot(["load"], { input: "no archive" });
    expect(piped.code).toBe(1);
    expect(piped.stderr).toContain("standard input");
    const terminal = ground.command([
      "script",
      "-qec",
      `${pivotPath} ${ground.roots().join(" ")} save demo:1`,
      "/dev/null",
    ]);
    expect(terminal.stdout).toContain("-o FILE");
    expect(files("").filter((name) => name.startsWith(".tmp"))).toEqual([]);
  });

  test("a damaged store is not saved from: the file that was there stays", () => {
    const blob = older.blobs[0] ?? Buffer.alloc(0);
    const path = `${ground.root}/blobs/sha256/${digestOf(blob).slice(7)}`;
    const wrong = Buffer.from(blob);
    wrong[20] = (wrong[20] ?? 0) ^ 1;
    writeFileSync(path, wrong);
    const target = layout("saved.tar");
    const before = readFileSync(target);
    expect(fails(1, "save", "-o", target, "demo:1")).toContain("is damaged");
    expect(readFileSync(target).equals(before)).toBe(true);
    writeFileSync(path, blob);
  });

  test("image copy: from any of them to any of them, under another name", () => {
    const archive = `docker-archive:${layout("copy.tar")}`;
    const into = `oci:${layout("copies")}`;
    expect(ok("image", "copy", "demo:1", `${into}:one`)).toBe(`${older.manifest.digest}\n`);
    ok("image", "copy", "localhost:5000/team/demo", `${into}:two`);
    ok("image", "copy", "-q", `${into}:one`, `${archive}:renamed:3`);
    expect(ok("image", "copy", archive, `${into}:two`)).toBe(`${older.manifest.digest}\n`);
    const index = JSON.parse(readFileSync(`${layout("copies")}/index.json`, "utf8"));
    expect(index.manifests.map(({ digest }: { digest: string }) => digest)).toEqual([
      older.manifest.digest,
      older.manifest.digest,
    ]);
    expect(ok("load", "-i", layout("copy.tar"))).toBe("Loaded image: renamed:3\n");
    expect(fails(1, "image", "copy", "demo:1", archive)).toContain("is there already");
    expect(fails(1, "image", "copy", "demo:1", `oci:${ground.root}`)).toContain(
      "nor an OCI layout",
    );
    expect(fails(1, "image", "copy", `${into}:three`, "x")).toContain('"three"');
    ok("rmi", "renamed:3");
  });

  test("import: a tar of a root becomes an image", () => {
    const tar = tarArchive([file("bin/x", "program"), file("etc/y", "1")]);
    writeFileSync(layout("root.tar"), tar);
    const id = ok(
      "import",
      layout("root.tar"),
      "own:1",
      "-m",
      "from a tar",
      "-c",
      'CMD ["/bin/x"]',
      "-c",
      "ENV A=1 B=2",
      "--change",
      "LABEL l=v",
    ).trim();
    const [found] = JSON.parse(ok("image", "inspect", "own:1")) as Record<string, unknown>[];
    expect(found).toMatchObject({
      Id: id,
      Comment: "from a tar",
      RepoTags: ["own:1"],
      Config: { Cmd: ["/bin/x"], Env: ["A=1", "B=2"], Labels: { l: "v" } },
      RootFS: { Layers: [digestOf(tar)] },
      Size: 8,
    });
    const own = ok("image", "inspect", "-f", "{{index .RepoDigests 0}}", "own:1").trim();
    const packed = ground.command([
      "sh",
      "-c",
      `gzip -c ${layout("root.tar")} | ${pivotPath} ${ground.roots().join(" ")} import -`,
    ]);
    expect(packed.stderr).toBe("");
    expect(
      ok("image", "inspect", "-f", "{{json .RepoTags}} {{.RootFS.Layers}}", packed.stdout.trim()),
    ).toBe(`[] [${digestOf(tar)}]\n`);
    expect(fails(1, "import", "/nowhere")).toContain("/nowhere");
    expect(fails(1, "import", layout("text"))).toContain("malformed");
    expect(fails(1, "import", layout("root.tar"), "x", "-c", "RUN ls")).toContain("RUN ls");
    expect(ok("rmi", packed.stdout.trim().slice(7, 15))).toBe(`Deleted: ${packed.stdout.trim()}\n`);
    expect(ok("rmi", "own:1")).toBe(
      `Untagged: own:1\nUntagged: ${own}\nDeleted: ${id}\nDeleted: ${digestOf(tar)}\n`,
    );
  });

  test("rmi: a name, a digest, an ID, its beginning", () => {
    expect(ok("rmi", "demo:2")).toBe("Untagged: demo:2\n");
    ok("tag", "demo:1", "demo:2");
    ok("tag", "demo:1", "other");
    expect(fails(1, "rmi", short(older))).toContain("more than one name");
    expect(ok("image", "rm", `demo@${older.manifest.digest}`)).toBe(
      "Untagged: demo:1\nUntagged: demo:2\n",
    );
    const gone = lines(ok("rmi", "--no-prune", short(older).slice(0, 6)));
    expect(gone.slice(0, 3)).toEqual([
      "Untagged: other:latest",
      `Untagged: other@${older.manifest.digest}`,
      `Deleted: ${idOf(older)}`,
    ]);
    // The lower layer is also the newer image's.
    expect(gone).toHaveLength(4);
    expect(layers()).toEqual([digestOf(base).slice(7)]);
    expect(files("blobs/sha256")).toEqual(newer.blobs.map((b) => digestOf(b).slice(7)).sort());
    const both = ground.pivot(["rmi", "gone", "localhost:5000/team/demo"]);
    expect(both.code).toBe(1);
    expect(both.stderr).toContain("gone:latest");
    expect(both.stdout).toContain(`Deleted: ${idOf(newer)}`);
    expect(ground.pivot(["rmi", "-f", "gone"]).code).toBe(0);
    expect([
      ...layers(),
      ...files("blobs/sha256"),
      ...files("layers").filter((n) => n !== "base"),
    ]).toEqual([]);
  });

  test("containers keep their image: stopped ones until -f, running ones whatever is said", async () => {
    ok("run", "--rm", "busybox", "true");
    const id = ok("image", "inspect", "-f", "{{.Id}}", "busybox").trim();
    const running = await ground.start(["-v", "/usr/bin:/none:ro"]);
    expect(fails(1, "rmi", "busybox")).toContain(running.name);
    expect(fails(1, "rmi", "-f", id)).toContain("not even with -f");
    expect(ok("rmi", "-f", "busybox")).toContain("Untagged: busybox:latest");
    expect(lines(ok("images", "-q", "--no-trunc", "-f", "dangling=true"))).toEqual([id]);
    expect(ok("image", "prune", "-af")).toBe("Total reclaimed space: 0B\n");
    expect(layers()).toHaveLength(1);
    // A container of another run root on the same data is seen by its mounts.
    const otherRoot = ["--root", ground.root, "--runroot", `${ground.directory}/other-run`];
    const elsewhere = ground.command([pivotPath, ...otherRoot, "rmi", "-f", id]);
    expect(elsewhere.stderr).toContain("the running container");
    expect(ground.command([pivotPath, ...otherRoot, "image", "prune", "-af"]).stdout).toBe(
      "Total reclaimed space: 0B\n",
    );
    expect(layers()).toHaveLength(1);
    await running.stop();
    ok("create", "--name", "kept", id);
    expect(fails(1, "rmi", id)).toContain("container kept uses");
    expect(ok("rmi", "-f", id)).toContain(`Deleted: ${id}\n`);
    expect(layers()).toHaveLength(1);
    ok("rm", "kept");
    expect(ok("image", "prune", "-f")).not.toContain("Deleted");
    expect(layers()).toEqual([]);
  });

  test("image prune: asks, takes what has no name, and with -a what no container has", () => {
    ok("image", "copy", `oci:${layout("older")}`, "demo:1");
    ok("image", "copy", `oci:${layout("newer")}`, "demo:1");
    expect(fails(1, "image", "prune")).toContain("-f");
    expect(fails(1, "image", "prune", "--filter", "dangling=true", "-f")).toContain("until");
    expect(ok("image", "prune", "-f", "--filter", "label!=color")).toBe(
      "Total reclaimed space: 0B\n",
    );
    const pruned = lines(ok("image", "prune", "-f"));
    expect(pruned[0]).toBe("Deleted Images:");
    expect(pruned[1]).toBe(`deleted: ${idOf(older)}`);
    expect(pruned.at(-1)).toMatch(/^Total reclaimed space: [1-9].*B$/);
    expect(ok("image", "prune", "-a", "-f", "--filter", "until=2021-01-01")).toBe(
      "Total reclaimed space: 0B\n",
    );
    expect(ok("image", "prune", "-a", "-f")).toContain("untagged: demo:1\n");
    expect([...files("blobs/sha256"), ...layers()]).toEqual([]);
  });
});

describe.skipIf(whyNot !== undefined)("system check", () => {
  const blobAt = (bytes: Buffer): string =>
    `${ground.root}/blobs/sha256/${digestOf(bytes).slice(7)}`;
  const sound = (): void => {
    expect(ok("system", "check")).toEndWith(": all is as it should be\n");
  };
  /** It is found, told, and then mended: afterwards there is nothing more to find. */
  const finds = (problem: RegExp): void => {
    const found = ground.pivot(["system", "check"]);
    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(problem);
    const mended = ground.pivot(["system", "check", "--repair"]);
    expect([mended.code, mended.stderr]).toEqual([0, ""]);
    expect(mended.stdout).toMatch(/^mended: /);
    expect(mended.stdout).not.toMatch(/^problem: /m);
    sound();
  };

  test("a sound store, and each way for it not to be", () => {
    ok("image", "copy", `oci:${layout("older")}`, "demo:1");
    ok("image", "copy", `oci:${layout("newer")}`, "demo:2");
    sound();
    const [gzipped, zipped] = older.blobs;
    if (gzipped === undefined || zipped === undefined) throw new Error("two layers");
    const lower = `${ground.root}/layers/${digestOf(base).slice(7)}`;
    writeFileSync(`${lower}/etc/a`, "changed");
    finds(/layer 1 of 2 of image demo:1 is not what its blob says: "\/etc\/a"/);
    expect(readFileSync(`${lower}/etc/a`, "utf8")).toBe("one");
    rmSync(`${lower}/etc/b`);
    finds(/"\/etc" lacks "b"/);
    rmSync(lower, { recursive: true });
    finds(/layer 1 of . of image demo:. is missing/);
    expect(existsSync(`${lower}/etc/b`)).toBe(true);
    mkdirSync(`${ground.root}/layers/.tmp-1-1-ab/deep`, { recursive: true });
    writeFileSync(`${ground.root}/blobs/sha256/.tmp-1-1-cd`, "part");
    writeFileSync(`${ground.root}/holds/use/.tmp-1-1-ef`, "");
    writeFileSync(blobAt(Buffer.from("of nobody")), "of nobody");
    finds(/1 blobs, 0 layers and 3 unfinished files/);
    mkdirSync(`${ground.root}/downloads`, { recursive: true });
    writeFileSync(`${ground.root}/downloads/${"a".repeat(64)}`, "part");
    finds(/1 interrupted download of 4B/);
    writeFileSync(`${ground.root}/refs/${encodeURIComponent("docker.io/library/bad:1")}`, "{");
    expect(ok("images", "-q")).not.toBe("");
    finds(/reference "docker.io\/library\/bad:1" cannot be read/);
    rmSync(`${ground.root}/images/${idOf(older).slice(7)}`);
    finds(/image .* has no record/);
    expect(existsSync(`${ground.root}/images/${idOf(older).slice(7)}`)).toBe(true);
    writeFileSync(blobAt(zipped), "x".repeat(zipped.length));
    const higher = layers().find((name) => name !== digestOf(base).slice(7));
    rmSync(`${ground.root}/layers/${higher}`, { recursive: true });
    const both = ground.pivot(["system", "check", "--repair"]);
    expect(both.code).toBe(0);
    expect(both.stdout).toMatch(/layer 2 of 2 of image demo:1 is missing, and so is its blob/);
    expect(lines(ok("images", "--format", "{{.Repository}}:{{.Tag}}"))).toEqual(["demo:2"]);
    ground.pivot(["system", "check", "--repair"]);
    sound();
  });

  test("a layer whose blob is damaged still runs, and is told of", () => {
    ok("image", "copy", `oci:${layout("older")}`, "demo:1");
    const [, zipped = Buffer.alloc(0)] = older.blobs;
    writeFileSync(blobAt(zipped), "x".repeat(zipped.length));
    expect(ground.pivot(["system", "check", "--repair"]).stdout).toMatch(
      /mended: blob .* is damaged[^]*problem: layer 2 of 2 of image demo:1 has lost its blob/,
    );
    expect(ok("images", "-q", "demo")).toContain(short(older));
    ok("image", "copy", `oci:${layout("older")}`, "demo:1");
    sound();
  });

  test("an image whose config is damaged goes, and its names with it", () => {
    writeFileSync(blobAt(older.config), "{}");
    const mended = ground.pivot(["system", "check", "--repair"]);
    expect(mended.stdout).toMatch(/image demo:1 cannot be used: /);
    ground.pivot(["system", "check", "--repair"]);
    sound();
    expect(lines(ok("images", "--format", "{{.Tag}}"))).toEqual(["2"]);
    expect(statSync(ground.root).mode & 0o777).toBe(0o700);
  });
});
