// Which mounts are seen on the other side of a container's border: none, unless it is asked for.
//
// The host's side is a mount namespace of the test's own, so that nothing here reaches the machine.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { parseMountinfo } from "./sight.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("propagation");
const host = `${ground.directory}/host`;

/**
 * The host's side: a shared tmpfs with another one in it. Each side mounts something in both, and
 * looks for what the other has mounted. `ready` is awaited, but not for ever.
 */
const script = `
set -e
mount -t tmpfs host ${host}
mount --make-shared ${host}
mkdir ${host}/in ${host}/out ${host}/below
mount -t tmpfs below ${host}/below
mkdir ${host}/below/in ${host}/below/out
cp -a ${ground.directory}/root ${host}/root
cd ${ground.directory}
mkfifo go
touch said
"$@" <go >said &
exec 3>go
for i in $(seq 400); do
  grep -q ready said && break
  kill -0 $! || exit 1
  sleep 0.02
done
cp /proc/self/mountinfo outside
mount -t tmpfs made-outside ${host}/out
mount -t tmpfs made-outside ${host}/below/out
echo go >&3
wait $!
`;

const inside = `
mount -t tmpfs made-inside /shown/in
mount -t tmpfs made-inside /shown/below/in
mount -t tmpfs made-inside /mnt
echo ready
read word
cat /proc/self/mountinfo
`;

/** Where each side sees what the other has mounted, by path from the top. */
type Seen = { readonly outside: string[]; readonly inside: string[] };

/** Runs a container of an image, or of a root directory. */
function cross(flags: readonly string[], root: readonly string[] = ["busybox"]): Seen {
  for (const name of ["go", "said", "outside"]) {
    rmSync(`${ground.directory}/${name}`, { force: true });
  }
  const run = [pivotPath, ...ground.roots(), "run", "--rm", "-i", "--cap-add", "SYS_ADMIN"];
  const words = [...run, ...flags, ...root, "/bin/sh", "-c", inside];
  const unshare = ["unshare", "--mount", "--propagation", "private"];
  const ran = ground.command([...unshare, "sh", "-c", script, "sh", ...words]);
  if (ran.code !== 0) throw new Error(`code ${ran.code}: ${ran.stderr}`);
  const find = (file: string, source: string): string[] =>
    parseMountinfo(readFileSync(`${ground.directory}/${file}`, "utf8").replace("ready\n", ""))
      .filter((line) => line.source === source)
      .map(({ at }) => at)
      .sort();
  return {
    outside: find("outside", "made-inside").map((at) => at.replace(`${host}/`, "")),
    inside: find("said", "made-outside"),
  };
}

const nothing: Seen = { outside: [], inside: [] };

const followed = ["/shown/below/out", "/shown/out"];

/** For each word what crosses, at the top of what is shown and in the mount below. */
const expected: readonly (readonly [word: string, seen: Seen])[] = [
  ["rprivate", nothing],
  ["private", nothing],
  ["rslave", { outside: [], inside: followed }],
  ["slave", { outside: [], inside: followed }],
  ["rshared", { outside: ["below/in", "in"], inside: followed }],
  ["shared", { outside: ["below/in", "in"], inside: followed }],
];

describe.skipIf(whyNot !== undefined)(`propagation (${whyNot ?? "as root"})`, () => {
  beforeAll(() => {
    mkdirSync(host);
    const root = makeSmallRoot(ground, "root");
    mkdirSync(`${root}/mnt`);
    symlinkSync("busybox", `${root}/bin/mount`);
    ground.shell([], "true"); // makes the image
  });
  afterAll(() => ground.close());

  test("without a word no mount crosses, in either direction", () => {
    expect(cross(["-v", `${host}:/shown`])).toEqual(nothing);
  });

  for (const [word, seen] of expected) {
    test(`-v …:${word}: what it says, in both directions`, () => {
      expect(cross(["-v", `${host}:/shown:${word}`])).toEqual(seen);
    });

    test(`--mount bind-propagation=${word} says the same`, () => {
      const mount = `type=bind,source=${host},target=/shown,bind-propagation=${word}`;
      expect(cross(["--mount", mount])).toEqual(seen);
    });
  }

  for (const word of ["rprivate", "rslave", "rshared"]) {
    test(`with a root directory on a shared mount and a volume of ${word} the host sees no more`, () => {
      const { outside } = cross(["-v", `${host}:/shown:${word}`], ["--rootfs", `${host}/root`]);
      expect(outside).toEqual(word === "rshared" ? ["below/in", "in"] : []);
      const mounts = parseMountinfo(readFileSync(`${ground.directory}/outside`, "utf8"));
      expect(mounts.filter(({ at }) => at.startsWith(`${host}/root`))).toEqual([]);
    });
  }

  test("a container's own mounts belong to no peer group and follow none", () => {
    const lines = parseMountinfo(ground.probe([]).mountinfo);
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.filter(({ propagation }) => propagation.length > 0)).toEqual([]);
  });

  test("the root directory of a shared mount is private inside", () => {
    const words = [pivotPath, ...ground.roots(), "run", "--rm", "--rootfs", `${host}/root`];
    const onShared = `
      set -e
      mount -t tmpfs host ${host}; mount --make-shared ${host}; cp -a ${ground.directory}/root ${host}/root
      exec "$@"`;
    const unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-c", onShared, "sh"];
    const ran = ground.command([...unshare, ...words, "/bin/cat", "/proc/self/mountinfo"]);
    expect(ran.code).toBe(0);
    const lines = parseMountinfo(ran.stdout);
    expect(lines.find(({ at }) => at === "/")?.type).toBe("tmpfs");
    expect(lines.filter(({ propagation }) => propagation.length > 0)).toEqual([]);
  });
});
