// containerd with roots of its own: for ctr with the runtime under test as its binary, and for the
// CRI with it as the default handler.

import { mkdirSync, writeFileSync } from "node:fs";
import {
  type CommandSettings,
  command,
  type Daemon,
  type Ended,
  printed,
  startDaemon,
} from "./command.ts";
import { imageArchive, pauseImage } from "./image.ts";
import { runtime, world } from "./world.ts";

const base = `${world}/containerd`;

/** The daemon's socket. */
export const containerdSocket = `${base}/s`;

// Lowering oom_score_adj takes CAP_SYS_RESOURCE, which not every root has.
const configuration = `
version = 2
root = "${base}/root"
state = "/run/containerd"
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${base}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "tested"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested.options]
  BinaryName = "${runtime}"
`;

/** A bridge in the world's own network namespace, without rules of a firewall. */
const network = {
  cniVersion: "0.4.0",
  name: "pods",
  plugins: [
    {
      type: "bridge",
      bridge: "pods0",
      isGateway: true,
      ipam: { type: "host-local", ranges: [[{ subnet: "10.89.0.0/24" }]] },
    },
  ],
};

export const ctrWords = (words: readonly string[]): string[] => [
  "ctr",
  "-a",
  containerdSocket,
  ...words,
];

export const tryCtr = (words: readonly string[], settings?: CommandSettings): Promise<Ended> =>
  command(ctrWords(words), settings);

/** What ctr prints; anything but success throws. */
export const ctr = (words: readonly string[], settings?: CommandSettings): Promise<string> =>
  printed(ctrWords(words), settings);

/** Starts the daemon and loads the images, for ctr or (namespace `k8s.io`) for the CRI. */
export async function startContainerd(namespace: string): Promise<Daemon> {
  mkdirSync(`${base}/cni`, { recursive: true });
  writeFileSync(`${base}/config.toml`, configuration);
  writeFileSync(`${base}/cni/pods.conflist`, JSON.stringify(network));
  const words = ["containerd", "--config", `${base}/config.toml`];
  const daemon = await startDaemon("containerd", words, async () => {
    return (await tryCtr(["version"])).code === 0;
  });
  await ctr(["-n", namespace, "images", "import", await imageArchive()]);
  return daemon;
}
