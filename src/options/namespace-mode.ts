// Whose namespaces a container gets: its own, the host's, another container's.

import { type NetworkWish, networkNameProblem, parseNetworkFields } from "./network.ts";
import { accept, type Result, refuse } from "./problem.ts";

/** One of its own, the host's, that of a running container (by id or name), or that of a file. */
export type NamespaceMode =
  | "private"
  | "host"
  | { readonly container: string }
  /** Absolute, such as `/proc/1234/ns/pid`. */
  | { readonly path: string };

/**
 * `private` is a network namespace of its own, connected as the engine's default is; `none` one with
 * the loopback device alone; with a name it is connected to that network.
 */
export type NetworkMode =
  | NamespaceMode
  | "none"
  | NetworkWish
  /** By pasta(1), with these arguments beside pivot's own. */
  | { readonly pasta: readonly string[] };

/** `shareable` is an own one that other containers may join; `none` an own one without /dev/shm. */
export type IpcMode = NamespaceMode | "shareable" | "none";

/** The options that take a NamespaceMode and nothing else. */
export type NamespaceOption = "--pid" | "--uts" | "--cgroupns" | "--userns";

/**
 * Parses `--pid`, `--uts`, `--cgroupns` and what `--userns` shares with them (userns.ts): `private`, `host`, `container:NAME`, or `ns:` and
 * the path of a namespace.
 */
export function parseNamespaceMode(given: string, option: NamespaceOption): Result<NamespaceMode> {
  const mode = readMode(given);
  if (mode !== undefined) return accept(mode);
  const others = option === "--userns" ? "auto, keep-id, nomap, " : "";
  return refuse(
    option,
    given,
    `invalid mode: it is ${others}private, host, container:NAME or ns:/path`,
  );
}

/** Parses `--ipc`: as the others, and `shareable` or `none`. */
export function parseIpcMode(given: string): Result<IpcMode> {
  if (given === "shareable" || given === "none") return accept(given);
  const mode = readMode(given);
  return mode === undefined
    ? refuse(
        "--ipc",
        given,
        "invalid mode: it is private, shareable, none, host, container:NAME or ns:/path",
      )
    : accept(mode);
}

/** Parses `--network`: as the others, and `none`, `default`, or a network by its name. */
export function parseNetworkMode(given: string): Result<NetworkMode> {
  const option = "--network";
  if (given === "none") return accept(given);
  if (given === "default") return accept("private");
  if (/^pasta(?::|$)/.test(given)) return parsePasta(given);
  const mode = readMode(given);
  if (mode !== undefined) return accept(mode);
  if (given.includes("=")) return parseNetworkFields(given);
  if (networkNameProblem(given) === null) return accept({ network: given });
  return refuse(
    option,
    given,
    "it is none, host, pasta, container:NAME, ns:/path or the name of a network",
  );
}

/** Arguments of pasta(1) by which it would work for somebody else, or write files as root. */
const ownArguments =
  /^(?:--(?:netns|userns|netns-only|no-netns-quit|foreground|runas|pid|log-file|log-size|pcap|socket|fd|one-off|debug|trace|stderr|config-net|help|version)(?:=|$)|-[fPpldsF1eh])/;

/** Parses `pasta[:ARGUMENT,…]`, as podman has it. */
function parsePasta(given: string): Result<NetworkMode> {
  const words = given === "pasta" ? [] : given.slice("pasta:".length).split(",");
  const own = words.find((word) => ownArguments.test(word));
  if (own !== undefined) {
    return refuse("--network", given, `${own} is pivot's to say, and no argument for pasta`);
  }
  return words.every((word) => word !== "" && !word.includes("\0"))
    ? accept({ pasta: words })
    : refuse("--network", given, "it looks like pasta:--mtu,1500,--ipv4-only");
}

function readMode(given: string): NamespaceMode | undefined {
  if (given === "private" || given === "host") return given;
  const container = /^container:([a-zA-Z0-9][a-zA-Z0-9_.-]*)$/.exec(given)?.[1];
  if (container !== undefined) return { container };
  const path = /^ns:(\/.*)$/s.exec(given)?.[1];
  return path === undefined ? undefined : { path };
}
