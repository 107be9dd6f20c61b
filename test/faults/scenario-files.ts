// Commands that change images, volumes, networks and files: of those most is done by the program itself.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { tarArchive } from "../../src/image/tar-writer.ts";
import { makeImage, writeLayout } from "../../src/image/testing/image.ts";
import { dir, file } from "../../src/image/testing/members.ts";
import type { FakeRegistry } from "../../src/registry/testing/fake-registry.ts";
import { listIfThere } from "../leftovers.ts";
import type { Ground } from "../pivot.ts";
import { ok, type Scenario, works } from "./scenario.ts";

const program = true;

function someImage() {
  const tars = [1, 2].map((seed) =>
    tarArchive([
      dir(`d${seed}/`),
      ...[1, 2, 3].map((i) => file(`d${seed}/f${i}`, `${seed} ${i} `.repeat(2000))),
    ]),
  );
  return makeImage(tars.map((tar) => ({ tar, packed: gzipSync(tar) })));
}

/** Names that hold images now: complete ones, which no fault may lose. */
const names = (ground: Ground): string[] =>
  ok(ground, "images", "--format", "{{.Repository}}:{{.Tag}}").split("\n").filter(Boolean);

/** Whatever has come of it: what was complete is whole, and the command's own work can be taken away. */
const clearImages = (ground: Ground) => (): string | undefined => {
  const { stdout } = ground.pivot(["system", "check"]);
  const lost = stdout
    .split("\n")
    .find(
      (line) => line.startsWith("problem: ") && !/belong to no image|interrupted down/.test(line),
    );
  if (lost !== undefined) return `then system check: ${lost}`;
  const all = names(ground);
  if (!all.includes("busybox:latest")) return `busybox is gone: ${all.join(" ")}`;
  // What has no name yet is for prune.
  const made = all.filter((name) => name !== "busybox:latest" && !name.startsWith("<none>"));
  const wrong = made.length === 0 ? undefined : works(ground, ["rmi", "-f", ...made]);
  return wrong ?? works(ground, ["run", "--rm", "busybox", "true"]);
};

export function imageScenarios(ground: Ground, registry: FakeRegistry): Scenario[] {
  const words = (...more: readonly string[]): string[] => [...ground.roots(), ...more];
  const archive = `${ground.directory}/other.tar`;
  const load = (): void => void ok(ground, "load", "-q", "-i", archive);
  /** An archive of an image that is not in the store. */
  const saveOther = (): void => {
    const layout = `${ground.directory}/layout`;
    mkdirSync(layout, { recursive: true });
    writeLayout(layout, someImage());
    ok(ground, "image", "copy", "-q", `oci:${layout}`, "other:1");
    ok(ground, "save", "-o", archive, "other:1");
    ok(ground, "rmi", "-f", "other:1");
  };
  const clear = clearImages(ground);
  const clearBoth = (): string | undefined => {
    const ids = ok(ground, "ps", "-aq").split("\n").filter(Boolean);
    return (ids.length === 0 ? undefined : works(ground, ["rm", "-f", ...ids])) ?? clear();
  };
  const remote = `${registry.host}/some/image:1`;
  registry.add(someImage(), "some/image:1");
  const out = `${ground.directory}/saved`;
  /** Who saves there next takes away what a killed one has left: prune does not look into it. */
  const saveAgain = (): string | undefined => {
    const wrong = works(ground, ["save", "-o", `${out}/saved.tar`, "busybox"]);
    const [name, ...more] = listIfThere(out).sort().toReversed();
    rmSync(`${out}/saved.tar`, { force: true });
    if (wrong !== undefined || (name === "saved.tar" && more.length === 0)) return wrong;
    return `then save leaves ${[name, ...more].join(" ")}`;
  };
  return [
    { name: "pull", call: { words: words("pull", "-q", remote), program }, clear },
    {
      name: "load",
      call: { words: words("load", "-q", "-i", archive), program },
      begin: saveOther,
      clear,
    },
    {
      name: "save",
      call: { words: words("save", "-o", `${out}/saved.tar`, "busybox"), program },
      begin: () => void mkdirSync(out, { recursive: true }),
      clear: () => saveAgain() ?? clear(),
    },
    { name: "tag", call: { words: words("tag", "busybox", "other:1"), program }, clear },
    {
      name: "rmi",
      call: { words: words("rmi", "other:1"), program },
      begin: saveOther,
      before: load,
      clear: () => {
        // Between its name and its record it is a whole image without a name.
        const ids = ok(ground, "images", "-q", "-f", "dangling=true").split("\n").filter(Boolean);
        return (ids.length === 0 ? undefined : works(ground, ["rmi", ...ids])) ?? clear();
      },
    },
    {
      name: "commit",
      call: { words: words("commit", "one", "other:1"), program },
      before: () =>
        void ok(ground, "run", "--name", "one", "busybox", "sh", "-c", "echo a >/a; rm /bin/vi"),
      clear: clearBoth,
    },
  ];
}

export function fileScenarios(ground: Ground): Scenario[] {
  const words = (...more: readonly string[]): string[] => [...ground.roots(), ...more];
  const from = `${ground.directory}/from`;
  const to = `${ground.directory}/to`;
  /** Of a volume that is there, whole: what a kill has left of one is for `system prune`. */
  const clearVolumes = (): string | undefined => {
    const volumes = ok(ground, "volume", "ls", "-q").split("\n").filter(Boolean);
    return volumes.length === 0 ? undefined : works(ground, ["volume", "rm", ...volumes]);
  };
  const clearNetworks = () => works(ground, ["network", "ls"], ["network", "prune", "-f"]);
  const container = (): void => void ok(ground, "create", "--name", "one", "busybox", "true");
  const clearContainer = (): string | undefined => {
    const ids = ok(ground, "ps", "-aq").split("\n").filter(Boolean);
    return ids.length === 0 ? undefined : works(ground, ["rm", "-f", "-v", ...ids]);
  };
  return [
    {
      name: "create",
      call: {
        words: words("create", "--name", "one", "-v", "vol:/etc", "busybox", "true"),
        program,
      },
      clear: () => clearContainer() ?? clearVolumes(),
    },
    {
      name: "rename",
      call: { words: words("rename", "one", "two"), program },
      before: container,
      clear: () => {
        const found = ok(ground, "ps", "-a", "--format", "{{.Names}}");
        const wrong = /^(one|two)$/.test(found) ? undefined : `then its name is: ${found}`;
        return clearContainer() ?? wrong;
      },
    },
    {
      name: "rm",
      call: { words: words("rm", "-v", "one"), program },
      before: () =>
        void ok(ground, "run", "--name", "one", "-v", "/anonymous", "busybox", "touch", "/a"),
      clear: clearContainer,
    },
    {
      name: "cp into",
      call: { words: words("cp", from, "one:/tmp"), program },
      begin: () => {
        mkdirSync(from, { recursive: true });
        for (const name of ["a", "b"]) writeFileSync(`${from}/${name}`, name.repeat(9000));
      },
      before: container,
      clear: clearContainer,
    },
    {
      name: "cp out of",
      call: { words: words("cp", "one:/bin/busybox", to), program },
      before: container,
      clear: () => {
        rmSync(to, { recursive: true, force: true });
        return clearContainer();
      },
    },
    {
      name: "volume create",
      call: { words: words("volume", "create", "vol"), program },
      clear: clearVolumes,
    },
    {
      name: "volume rm",
      call: { words: words("volume", "rm", "vol"), program },
      before: () => void ok(ground, "volume", "create", "vol"),
      clear: clearVolumes,
    },
    {
      name: "network create",
      call: { words: words("network", "create", "net"), program },
      clear: clearNetworks,
    },
    {
      name: "network rm",
      call: { words: words("network", "rm", "net"), program },
      before: () => void ok(ground, "network", "create", "net"),
      clear: clearNetworks,
    },
  ];
}
