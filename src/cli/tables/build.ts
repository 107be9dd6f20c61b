/** Building images. */

import type { Command } from "../command.ts";

export const buildCommands: readonly Command[] = [
  {
    name: "build",
    aliases: ["image build"],
    usage: "pivot build [OPTIONS] PATH|URL|-",
    summary: "Build an image from a Dockerfile",
    about:
      "The Dockerfile is carried out by buildah, which has to be installed; the containers of its RUN lines are pivot's. Images of the store can be built on without a registry.",
    flags: async () => (await import("../build-flags.ts")).buildFlags,
    run: async () => (await import("../build.ts")).buildCommand,
  },
];
