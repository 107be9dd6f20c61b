// A machine for tests: root on a host with cgroup v2, and one where nobody is root.

import { CAPABILITIES } from "../../spec/capability.ts";
import type { ContainerFacts } from "../facts.ts";

export const hostFacts: ContainerFacts = {
  id: "4bf9c0d1a2e35f60718293a4b5c6d7e8",
  root: "rootfs",
  hostname: "build.example",
  kernel: [6, 12],
  capabilities: CAPABILITIES,
  cgroups: "v2",
  rootless: false,
};

export const rootlessFacts: ContainerFacts = {
  ...hostFacts,
  rootless: true,
  idMappings: {
    uid: [{ containerID: 0, hostID: 1000, size: 1 }],
    gid: [{ containerID: 0, hostID: 1000, size: 1 }],
  },
};
