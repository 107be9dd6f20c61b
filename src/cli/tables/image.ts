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
  {
    name: "save",
    aliases: ["image save"],
    usage: "pivot save [OPTIONS] IMAGE [IMAGE...]",
    summary: "Write images into an archive",
    about:
      "What is written can be read by `pivot load`, `docker load`, `podman load` and skopeo.\nAll blobs stay as they are, so that digests do.",
    flags: async () => (await import("../save.ts")).saveFlags,
    run: async () => (await import("../save.ts")).saveCommand,
  },
  {
    name: "load",
    aliases: ["image load"],
    usage: "pivot load [OPTIONS]",
    summary: "Bring in all images of an archive",
    about:
      "An archive of docker save or an OCI layout in a tar, plain or compressed by gzip or zstd;\nfor -i also the directory of an OCI layout.",
    flags: async () => (await import("../load.ts")).loadFlags,
    run: async () => (await import("../load.ts")).loadCommand,
  },
  {
    name: "image copy",
    usage: "pivot image copy [OPTIONS] SRC DST",
    summary: "Copy an image between the store, OCI layouts and archives",
    about: "SRC and DST are each a name in the store, oci:DIR[:REF] or docker-archive:FILE[:REF].",
    flags: async () => (await import("../image-copy.ts")).imageCopyFlags,
    run: async () => (await import("../image-copy.ts")).imageCopyCommand,
  },
  {
    name: "import",
    aliases: ["image import"],
    usage: "pivot import [OPTIONS] FILE|- [REPOSITORY[:TAG]]",
    summary: "Make an image of the tar of a root file system",
    about: "The tar may be compressed by gzip or zstd; - reads it from standard input.",
    flags: async () => (await import("../import.ts")).importFlags,
    run: async () => (await import("../import.ts")).importCommand,
  },
  {
    name: "image prune",
    usage: "pivot image prune [OPTIONS]",
    summary: "Remove images that nothing uses",
    about:
      "Without -a only those that have lost their name to another image. What killed commands have left in the store goes as well.",
    flags: async () => (await import("../image-prune.ts")).imagePruneFlags,
    run: async () => (await import("../image-prune.ts")).imagePruneCommand,
  },
];
