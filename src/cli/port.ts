/** `pivot port`: which ports of a container are published, and where. */

import { WishError } from "../container/wish-error.ts";
import { findContainer } from "../engine/find.ts";
import { isAlive } from "../engine/status.ts";
import { writeAll } from "../host/write.ts";
import { liveConnections, portPairs } from "../network/live.ts";
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

/** @throws WishError when a port is asked for that is not published */
export async function portCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [word, port, ...more] = given.words;
  if (word === undefined || more.length > 0) {
    throw new UsageError("usage: pivot port CONTAINER [PORT[/PROTOCOL]]");
  }
  const wanted = port === undefined ? null : readPort(port);
  const container = await findContainer(engineRoots(globals), word);
  const live = isAlive(container) ? liveConnections(container.directory) : [];
  const lines = portPairs(live).flatMap(({ hostIps, hostPort, containerPort, protocol }) =>
    hostIps.map((ip) => ({
      key: `${containerPort}/${protocol}`,
      where: `${ip.includes(":") ? `[${ip}]` : ip}:${hostPort}`,
    })),
  );
  const shown = lines.filter(({ key }) => wanted === null || key === wanted);
  if (wanted !== null && shown.length === 0) {
    throw new WishError([`no public port '${wanted}' published for ${container.name}`]);
  }
  const text = shown.map(({ key, where }) => (wanted === null ? `${key} -> ${where}` : where));
  if (text.length > 0) writeAll(1, `${text.join("\n")}\n`);
  return 0;
}
