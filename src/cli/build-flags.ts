/** The flags of `build`: docker's, as far as buildah has them. */

import type { Flag } from "./arguments.ts";

const many = "; may be given several times";

export const buildFlags: readonly Flag[] = [
  { name: "add-host", value: "NAME:IP", help: `add a line to /etc/hosts of RUN lines${many}` },
  { name: "build-arg", value: "NAME[=VALUE]", help: `set an ARG of the Dockerfile${many}` },
  {
    name: "build-context",
    value: "NAME=SOURCE",
    help: `another context: a directory, a URL, docker-image://IMAGE${many}`,
  },
  { name: "file", short: "f", value: "FILE", help: "the Dockerfile; -: standard input" },
  { name: "iidfile", value: "FILE", help: "write the image's ID there" },
  { name: "label", value: "KEY=VALUE", help: `add a label to the image${many}` },
  { name: "network", value: "MODE", help: "network of RUN lines: default|none|host" },
  { name: "no-cache", help: "take nothing from earlier builds" },
  { name: "platform", value: "PLATFORM", help: "of the image: linux/arm64" },
  { name: "progress", value: "auto|plain", help: "one and the same here" },
  { name: "pull", help: "look at the registry for newer images, even when there is one here" },
  { name: "quiet", short: "q", help: "print the image's ID alone" },
  { name: "secret", value: "id=NAME,src=FILE", help: `a file for RUN --mount=type=secret${many}` },
  { name: "ssh", value: "default|ID=SOCKET", help: `an agent for RUN --mount=type=ssh${many}` },
  { name: "tag", short: "t", value: "NAME[:TAG]", help: `name the image${many}` },
  { name: "target", value: "STAGE", help: "build up to that stage" },
];
