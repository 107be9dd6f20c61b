/** `pivot network connect` and `pivot network disconnect`. */

import { WishError } from "../container/wish-error.ts";
import { findContainer, NoSuchContainerError } from "../engine/find.ts";
import { connectExisting, disconnectExisting } from "../network/change.ts";
import { networksWithDefault, pickNetwork } from "../network/store.ts";
import { type NetworkWish, parseAlias, parseIp4, parseIp6, parseMac } from "../options/network.ts";
import { formatOptionProblem, type Result } from "../options/problem.ts";
import { type Flag, isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";

export const connectFlags: readonly Flag[] = [
  {
    name: "alias",
    value: "NAME",
    help: "another name of the container there; may be given several times",
  },
  { name: "ip", value: "IP", help: "its address there: 10.91.0.7" },
  { name: "ip6", value: "IP", help: "its IPv6 address there" },
  { name: "mac-address", value: "MAC", help: "the address of its interface" },
];

export const disconnectFlags: readonly Flag[] = [
  { name: "force", short: "f", help: "a container that is not there is no error" },
];

/** @throws UsageError with what is wrong with a value */
function readWish(given: ParsedArguments, network: string): NetworkWish {
  const take = <T>(parsed: Result<T>): T => {
    if (parsed.ok) return parsed.value;
    throw new UsageError(formatOptionProblem(parsed.problem));
  };
  const last = <T>(flag: string, parse: (text: string) => Result<T>): T | undefined => {
    const text = given.flags.get(flag)?.at(-1);
    return text === undefined ? undefined : take(parse(text));
  };
  const aliases = (given.flags.get("alias") ?? []).map((text) => take(parseAlias(text, "--alias")));
  return {
    network,
    ip: last("ip", (text) => parseIp4(text)),
    ip6: last("ip6", (text) => parseIp6(text)),
    mac: last("mac-address", (text) => parseMac(text)),
    ...(aliases.length > 0 ? { aliases } : {}),
  };
}

function readWords({ words }: ParsedArguments, command: string): readonly [string, string] {
  const [network, container, ...more] = words;
  if (network === undefined || container === undefined || more.length > 0) {
    throw new UsageError(`usage: pivot network ${command} [OPTIONS] NETWORK CONTAINER`);
  }
  if (network === "host" || network === "none") {
    throw new WishError([
      `container cannot be ${command}ed: ${network} is no network that others stand beside`,
    ]);
  }
  return [network, container];
}

export async function connectCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [network, word] = readWords(given, "connect");
  const wish = readWish(given, network);
  const roots = engineRoots(globals);
  const all = await networksWithDefault(roots.dataRoot);
  const found = pickNetwork(all, network);
  const container = await findContainer(roots, word);
  await connectExisting(container, found, { ...wish, network: found.name }, roots, all);
  return 0;
}

export async function disconnectCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [network, word] = readWords(given, "disconnect");
  const roots = engineRoots(globals);
  const all = await networksWithDefault(roots.dataRoot);
  const found = pickNetwork(all, network);
  try {
    const container = await findContainer(roots, word);
    await disconnectExisting(container, found, roots, all);
  } catch (error) {
    if (!(error instanceof NoSuchContainerError) || !isOn(given, "force")) throw error;
  }
  return 0;
}
