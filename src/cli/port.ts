/** `pivot port`: which ports of a container are published. There are no such networks yet. */

import { WishError } from "../container/wish-error.ts";
import { findContainer } from "../engine/find.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";

/** `80`, `80/udp`. */
function readPort(text: string): string {
  const match = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text);
  if (match === null || Number(match[1]) > 65535) {
    throw new UsageError(`a port looks like 80 or 80/udp, received ${JSON.stringify(text)}`);
  }
  return `${match[1]}/${match[2] ?? "tcp"}`;
}

/** @throws WishError when a port is asked for: no container publishes one */
export async function portCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [word, port, ...more] = given.words;
  if (word === undefined || more.length > 0) {
    throw new UsageError("usage: pivot port CONTAINER [PORT[/PROTOCOL]]");
  }
  const wanted = port === undefined ? null : readPort(port);
  const { name } = await findContainer(engineRoots(globals), word);
  if (wanted !== null) throw new WishError([`no public port '${wanted}' published for ${name}`]);
  return 0;
}
