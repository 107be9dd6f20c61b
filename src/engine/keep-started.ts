/** A container of the library that stays when it has ended: written down, and about to start. */

import { newId } from "../container/identity.ts";
import {
  type ContainerWish,
  type PreparedContainer,
  prepareContainer,
} from "../container/prepare.ts";
import { describeContainer } from "../container/record-container.ts";
import { checkNameIsFree, keepContainer, noteFailure, noteStart } from "./kept.ts";
import { defaultEngineOptions } from "./options.ts";
import { watched } from "./start.ts";

export type KeptStart = PreparedContainer & {
  /** It did not start: for this reason, or, null, since its caller gave it up. Then it is removed. */
  readonly failed: (line: string | null) => Promise<void>;
};

/** @throws WishError, ImageError */
export async function keepStarted(wish: ContainerWish): Promise<KeptStart> {
  const { roots, options, command } = wish;
  if (options.name !== undefined) await checkNameIsFree(roots, options.name);
  const start = { roots, announce: null, attach: null, delay: 0 };
  const engine = watched(newId(), () => defaultEngineOptions, start);
  const prepared = await prepareContainer({ ...wish, engine });
  const { id } = prepared;
  try {
    await keepContainer(describeContainer(prepared, command));
    await noteStart(roots.dataRoot, id);
  } catch (error) {
    prepared.release();
    throw error;
  }
  const failed = async (line: string | null): Promise<void> => {
    // Of a start that is noted a removal would wait for what comes of it.
    await noteFailure(roots.dataRoot, id, line ?? "");
    if (line !== null) return;
    const { readContainer } = await import("./status.ts");
    const { removeContainer } = await import("./remove.ts");
    const found = await readContainer(roots, id);
    if (found !== null) await removeContainer(found, roots, { force: true, volumes: true });
  };
  return { ...prepared, failed };
}
