/** Registries: images from and to elsewhere. */

import { type Command, noFlags } from "../command.ts";

const files = `Mirrors and insecure registries are in /etc/pivot/registries.json, and in
pivot/registries.json of your own configuration (~/.config):
  { "mirrors": { "docker.io": ["https://mirror.example"] },
    "insecure": ["10.0.0.5:5000"] }`;

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
  {
    name: "push",
    aliases: ["image push"],
    usage: "pivot push [OPTIONS] NAME[:TAG]",
    summary: "Upload an image to a registry",
    flags: async () => (await import("../registry-flags.ts")).pushFlags,
    run: async () => (await import("../push.ts")).pushCommand,
  },
  {
    name: "login",
    usage: "pivot login [OPTIONS] [SERVER]",
    summary: "Log in to a registry",
    about: `Without a server it is Docker Hub. What the registry has taken is kept in docker's config.json
($DOCKER_CONFIG, or ~/.docker), or by the credential program that is named there.`,
    flags: async () => (await import("../registry-flags.ts")).loginFlags,
    run: async () => (await import("../login.ts")).loginCommand,
  },
  {
    name: "logout",
    usage: "pivot logout [SERVER]",
    summary: "Log out from a registry",
    flags: noFlags,
    run: async () => (await import("../login.ts")).logoutCommand,
  },
];
