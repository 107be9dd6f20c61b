/**
 * Hostile archives: each lands inside or is refused, and nothing outside changes.
 * All of it runs twice, the second time on an unpacker built with sanitizers.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { patience } from "../../test/patience.ts";
import { ImageError } from "./error.ts";
import {
  applyTar,
  type Description,
  describeTree,
  dropDirectory,
  isRoot,
  makeDirectory,
  outline,
  unpackerOptions,
} from "./testing/fixture.ts";
import { hostileArchive, hostileLayers } from "./testing/hostile-layers.ts";

const kinds = ["plain", "sanitised"] as const;

describe.skipIf(!isRoot)("hostile layers (need root: owners and device nodes)", () => {
  let directory = "";
  let canary: ReadonlyMap<string, Description>;
  let layers = 0;
  const root = () => `${directory}/outside`;
  const fresh = () => `${directory}/layer${layers++}`;

  beforeAll(() => {
    directory = makeDirectory();
    mkdirSync(root());
    writeFileSync(`${root()}/canary`, "untouched");
    symlinkSync("canary", `${root()}/link`);
    canary = describeTree(root());
    for (const kind of kinds) unpackerOptions(kind);
  }, 60_000 * patience);
  afterAll(() => dropDirectory(directory));

  for (const kind of kinds) {
    describe(kind, () => {
      test.each(hostileLayers.map((c) => [c.what, c] as const))(
        "%s",
        async (_, { members, gives }) => {
          const real = members.map((m) =>
            Buffer.isBuffer(m) ? m : { ...m, link: (m.link ?? "").replace("ROOT", root()) },
          );
          const layer = fresh();
          let error: unknown;
          try {
            await applyTar(hostileArchive(real), layer, unpackerOptions(kind));
          } catch (caught) {
            error = caught;
          }
          if (gives instanceof RegExp) {
            expect(error).toBeInstanceOf(ImageError);
            expect((error as ImageError).message).toMatch(gives);
            expect((error as ImageError).message).not.toMatch(/[\n\0]/);
          } else {
            expect(error).toBeUndefined();
            const found = outline(layer);
            const inside = root().slice(1);
            for (const line of gives) {
              expect(found).toContain(
                line.startsWith("INSIDE opaque")
                  ? `${inside} directory opaque`
                  : line.replace("INSIDE", inside).replace("ROOT", root()),
              );
            }
            if (!gives.some((line) => line.startsWith("INSIDE")))
              expect(found).toHaveLength(gives.length);
          }
          expect(describeTree(root())).toEqual(new Map(canary));
        },
      );
    });
  }
});
