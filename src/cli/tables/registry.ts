/** Registries: images from and to elsewhere. */

import type { Command } from "../command.ts";

const files = `Mirrors and insecure registries are in /etc/pivot/registries.json, and in
pivot/registries.json of your own configuration (~/.config):
  { "mirrors": { "docker.io": ["https://mirror.example"] }, "insecure": ["10.0.0.5:5000"] }`;

export const registryCommands: readonly Command[] = [
  {
    name: "pull",
    aliases: ["image pull"],
    usage: "pivot pull [OPTIONS] NAME[:TAG|@DIGEST]",
    summary: "Download an image from a registry",
    about: files,
    flags: async () => (await import("../registry-flags.ts")).pullFlags,
    run: async () => (await import("../pull.ts")).pullCommand,
  },
];
