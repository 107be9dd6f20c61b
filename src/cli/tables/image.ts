/** Images in the store. */

import { type Command, noFlags } from "../command.ts";

export const imageCommands: readonly Command[] = [
  {
    name: "images",
    aliases: ["image ls", "image list"],
    usage: "pivot images [OPTIONS] [REPOSITORY[:TAG]]",
    summary: "List images",
    flags: async () => (await import("../images.ts")).imagesFlags,
    run: async () => (await import("../images.ts")).imagesCommand,
  },
  {
    name: "history",
    aliases: ["image history"],
    usage: "pivot history [OPTIONS] IMAGE",
    summary: "Show the steps that an image was made in",
    flags: async () => (await import("../history.ts")).historyFlags,
    run: async () => (await import("../history.ts")).historyCommand,
  },
  {
    name: "image inspect",
    usage: "pivot image inspect [OPTIONS] IMAGE [IMAGE...]",
    summary: "Show everything that is known of images, as JSON",
    flags: async () => (await import("../image-inspect.ts")).imageInspectFlags,
    run: async () => (await import("../image-inspect.ts")).imageInspectCommand,
  },
  {
    name: "tag",
    aliases: ["image tag"],
    usage: "pivot tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    summary: "Give an image another name",
    flags: noFlags,
    run: async () => (await import("../tag.ts")).tagCommand,
  },
  {
    name: "rmi",
    aliases: ["image rm", "image remove"],
    usage: "pivot rmi [OPTIONS] IMAGE [IMAGE...]",
    summary: "Remove one or more images",
    about:
      "An IMAGE is a name, a name with a digest, an ID or its beginning. An image goes with its last name.",
    flags: async () => (await import("../rmi.ts")).rmiFlags,
    run: async () => (await import("../rmi.ts")).rmiCommand,
  },
];
