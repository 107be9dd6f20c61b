// An image for the tests' containers, made here without a network: busybox in one layer, as the
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
import { command, printed } from "./command.ts";
import { world } from "./world.ts";

/** What the image is called, in full. */
export const image = "localhost/tiny:latest";

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
  const root = await rootDirectory();
  const parts = `${world}/image`;
  mkdirSync(parts);
  await printed(["tar", "-C", root, "--owner=0", "--group=0", "-cf", `${parts}/layer.tar`, "."]);
  const digest = createHash("sha256")
    .update(readFileSync(`${parts}/layer.tar`))
    .digest("hex");
  const config = JSON.stringify({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    created: "2024-01-01T00:00:00Z",
    config: { Env: ["PATH=/bin", "OF_THE_IMAGE=yes"], Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
    history: [{ created: "2024-01-01T00:00:00Z", created_by: "test" }],
  });
  const name = `${createHash("sha256").update(config).digest("hex")}.json`;
  writeFileSync(`${parts}/${name}`, config);
  const manifest = [{ Config: name, RepoTags: [image], Layers: ["layer.tar"] }];
  writeFileSync(`${parts}/manifest.json`, JSON.stringify(manifest));
  const { code, stderr } = await command([
    "tar",
    "-C",
    parts,
    "-cf",
    archive,
    "manifest.json",
    name,
    "layer.tar",
  ]);
  if (code !== 0) throw new Error(`tar could not make ${archive}: ${stderr}`);
  return archive;
}
