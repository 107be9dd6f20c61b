/** A container of the library that stays when it has ended: written down, and about to start. */

import { newId } from "../container/identity.ts";
import {
  type ContainerWish,
  type PreparedContainer,
  prepareContainer,
} from "../container/prepare.ts";
import { describeContainer } from "../container/record-container.ts";
import { checkNameIsFree, keepContainer, noteStart } from "./kept.ts";
import { defaultEngineOptions } from "./options.ts";
import { watched } from "./start.ts";

/** @throws WishError, ImageError */
export async function keepStarted(wish: ContainerWish): Promise<PreparedContainer> {
  const { roots, options, command } = wish;
  if (options.name !== undefined) await checkNameIsFree(roots, options.name);
  const start = { roots, announce: null, attach: null, delay: 0 };
  const engine = watched(newId(), () => defaultEngineOptions, start);
  const prepared = await prepareContainer({ ...wish, engine });
  await keepContainer(describeContainer(prepared, command));
  await noteStart(roots.dataRoot, prepared.id);
  return prepared;
}
