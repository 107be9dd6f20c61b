/** Which image a start gets: by the policy of pulling, and for the platform that is asked for. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { ociIndexType } from "../image/manifest.ts";
import { parsePlatform } from "../image/platform.ts";
import { openStore, type Store } from "../image/store.ts";
import { dropDirectory, isRoot, makeDirectory } from "../image/testing/fixture.ts";
import { makeImage, simple } from "../image/testing/image.ts";
import { FakeRegistry } from "../registry/testing/fake-registry.ts";
import { failureOf, pull } from "../registry/testing/pulling.ts";
import { findImage, type PullImage, type PullPolicy } from "./find-image.ts";

const arm = makeImage([], { config: { architecture: "arm64", variant: "v8" } });
const [onAmd, onArm] = ["linux/amd64", "linux/arm64"].map(parsePlatform);

describe.skipIf(!isRoot)("the image of a start (needs root: owners are kept)", () => {
  let directory = "";
  let count = 0;
  let store: Store;
  let registry: FakeRegistry;
  let pulls = 0;

  beforeAll(async () => {
    directory = makeDirectory();
    registry = await FakeRegistry.start();
    registry.add(simple, "app:amd");
    registry.add(arm, "app:arm");
    const manifests = [
      { ...simple.manifest, platform: onAmd },
      { ...arm.manifest, platform: onArm },
    ];
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
    registry.addManifest(ociIndexType, index, "app:all");
  });
  beforeEach(() => {
    store = openStore(`${directory}/${count++}`);
    pulls = 0;
  });
  afterAll(async () => {
    await registry.stop();
    await dropDirectory(directory);
  });

  const pullImage: PullImage = (into, { name }, platform) => {
    pulls++;
    return pull(into, name, platform === undefined ? {} : { platform });
  };
  const find = async (tag: string, platform?: string, policy: PullPolicy = "missing") => {
    const { digest } = await findImage({
      store,
      reference: `${registry.host}/app:${tag}`,
      cwd: "/",
      pull: policy,
      pullImage,
      ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
    });
    return { digest, pulls };
  };
  const [amd, other] = [simple.manifest.digest, arm.manifest.digest];

  test("that which is there will do, whatever it is for, where none is asked for", async () => {
    expect(await find("all", "arm64")).toEqual({ digest: other, pulls: 1 });
    expect(await find("all")).toEqual({ digest: other, pulls: 1 });
  });

  test("one for another platform is pulled in its place, once", async () => {
    expect(await find("all")).toEqual({ digest: amd, pulls: 1 });
    expect(await find("all", "amd64")).toEqual({ digest: amd, pulls: 1 });
    expect(await find("all", "arm64")).toEqual({ digest: other, pulls: 2 });
    expect(await find("all", "linux/arm64/v8")).toEqual({ digest: other, pulls: 2 });
    expect(await find("all", "amd64", "always")).toEqual({ digest: amd, pulls: 3 });
  });

  test("or refused, where nothing may be pulled or nothing fits", async () => {
    await find("all");
    const line = /^"\S+\/app:all" is for linux\/amd64, not for linux\/arm64\/v8$/;
    expect((await failureOf(find("all", "arm64", "never"))).message).toMatch(line);
    expect(pulls).toBe(1);
    expect((await failureOf(find("all", "riscv64"))).message).toContain("it offers linux/amd64");
    // An image that is in no index, and for something else.
    expect((await failureOf(find("amd", "arm64"))).message).toContain("is for linux/amd64");
    expect(await find("all")).toEqual({ digest: amd, pulls: 3 });
  });
});
