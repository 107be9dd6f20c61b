// Images for the tests' containers, made here without a network: busybox in one layer, as the
// archive that `docker save` writes, which podman, docker and containerd all load.

import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { printed } from "./command.ts";
import { world } from "./world.ts";

/** What the image is called, in full. */
export const image = "localhost/tiny:latest";

/** The same with a command that waits: it holds the namespaces of a pod. */
export const pauseImage = "localhost/pause:latest";

const directories = ["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "var/log"];

const passwd = "root:x:0:0:root:/root:/bin/sh\nwww:x:33:44:www:/tmp:/bin/sh\n";
const group = "root:x:0:\nwww:x:44:\nextra:x:77:www\n";

/** The root directory that the image is made of. */
export async function rootDirectory(): Promise<string> {
  const root = `${world}/rootfs`;
  if (existsSync(root)) return root;
  for (const each of directories) mkdirSync(`${root}/${each}`, { recursive: true });
  chmodSync(`${root}/tmp`, 0o1777);
  copyFileSync(Bun.which("busybox") ?? "/bin/busybox", `${root}/bin/busybox`);
  chmodSync(`${root}/bin/busybox`, 0o755);
  const programs = (await printed([`${root}/bin/busybox`, "--list"])).split("\n");
  for (const each of programs) {
    if (each !== "busybox") symlinkSync("busybox", `${root}/bin/${each}`);
  }
  writeFileSync(`${root}/etc/passwd`, passwd);
  writeFileSync(`${root}/etc/group`, group);
  return root;
}

/** The archive's path. */
export async function imageArchive(): Promise<string> {
  const archive = `${world}/image.tar`;
  if (existsSync(archive)) return archive;
  const parts = `${world}/image`;
  mkdirSync(parts);
  const tar = ["tar", "--owner=0", "--group=0", "-C"];
  await printed([...tar, await rootDirectory(), "-cf", `${parts}/layer.tar`, "."]);
  const manifest = [
    describeImage(parts, image, ["sh"]),
    describeImage(parts, pauseImage, ["sleep", "1000000"]),
  ];
  writeFileSync(`${parts}/manifest.json`, JSON.stringify(manifest));
  await printed([...tar, parts, "-cf", archive, "."]);
  return archive;
}

const digestOf = (bytes: string | Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** Writes an image's configuration beside the layer; its entry in the manifest. */
function describeImage(parts: string, name: string, command: readonly string[]) {
  const diffID = `sha256:${digestOf(readFileSync(`${parts}/layer.tar`))}`;
  const config = JSON.stringify({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    created: "2024-01-01T00:00:00Z",
    config: { Env: ["PATH=/bin", "OF_THE_IMAGE=yes"], Cmd: command },
    rootfs: { type: "layers", diff_ids: [diffID] },
    history: [{ created: "2024-01-01T00:00:00Z", created_by: "test" }],
  });
  const file = `${digestOf(config)}.json`;
  writeFileSync(`${parts}/${file}`, config);
  return { Config: file, RepoTags: [name], Layers: ["layer.tar"] };
}
