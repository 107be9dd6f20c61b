// The snapshotters that there are, each against the one suite.

import { release } from "node:os";
import { openStore } from "../src/image/store.ts";
import { unpackerOptions } from "../src/image/testing/fixture.ts";
import { overlaySnapshotter } from "../src/snapshot/overlay.ts";
import { isRoot, leaveNothing } from "./executor-harness.ts";
import { snapshotterSuite } from "./snapshotter.ts";

leaveNothing();

const [major = 0, minor = 0] = release().split(".").map(Number);

snapshotterSuite("overlay", {
  whyNot: isRoot ? undefined : "only root can mount overlays",
  make: (directory) => overlaySnapshotter(openStore(directory), unpackerOptions()),
  kernel: [major, minor],
});
