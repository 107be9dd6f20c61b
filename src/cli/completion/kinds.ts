/** What kind of thing a flag's value or a place of a usage line is. */

import type { Flag } from "../arguments.ts";
import type { Proposal } from "./propose.ts";

export type Kind =
  | "files"
  | "directories"
  | "nothing"
  | "containers"
  | "images"
  | "volumes"
  | "networks"
  | "signals"
  | "capabilities"
  | "variables"
  /** Names of containers or volumes, with what is to follow: `web:`, `container:web`. */
  | { readonly upTo: ":" | "="; readonly of: "containers" | "volumes"; readonly before?: string }
  | { readonly words: readonly Proposal[] };

const plain = (words: readonly string[]): Kind => ({
  words: words.map((word) => ({ word, about: "" })),
});

/** `text|json` of a flag's value, and `private|host|container:ID|PATH` of its help. */
function alternatives({ value = "", help }: Flag): readonly Kind[] {
  const listed = [value, help].map((text) => /[\w:.-]+(?:\|[\w:.-]+)+/.exec(text)?.[0]);
  return listed.flatMap((text) => {
    if (text === undefined) return [];
    const words = text.split("|");
    const fixed = words.filter((word) => /^[a-z][a-z0-9-]*$/.test(word));
    const kinds: Kind[] = [plain(fixed)];
    if (words.some((word) => word.startsWith("container:"))) {
      kinds.push({ upTo: ":", of: "containers", before: "container:" });
    }
    if (words.includes("PATH")) kinds.push("files");
    return kinds;
  });
}

/** `only what matches: name, label` of the help of `--filter`. */
const filterKeys = (help: string): Kind => {
  const keys = /: ([\w!, -]+)/.exec(help)?.[1]?.split(", ") ?? [];
  return plain(keys.map((key) => `${key}=`));
};

const byName: Readonly<Record<string, readonly Kind[]>> = {
  "cap-add": ["capabilities"],
  "cap-drop": ["capabilities"],
  env: ["variables"],
  format: [plain(["json", "table"])],
  platform: [plain(["linux/amd64", "linux/arm64"])],
  volume: [{ upTo: ":", of: "volumes" }, "files"],
  "volumes-from": ["containers"],
};

export function valueKinds(flag: Flag): readonly Kind[] {
  const { name, value = "", help } = flag;
  if (name === "filter") return [filterKeys(help)];
  const found = [...(byName[name] ?? []), ...alternatives(flag)];
  if (name === "network") found.push("networks");
  if (found.length > 0) return found;
  if (/SIGNAL/.test(value)) return ["signals"];
  if (/FILE|PATH|HOST\b(?!:IP)/.test(value)) return ["files"];
  if (/DIR/.test(value)) return ["directories"];
  if (/CONTAINER/.test(value)) return ["containers"];
  if (/IMAGE/.test(value)) return ["images"];
  return ["nothing"];
}

/** `CONTAINER`, `[IMAGE...]`, `CONTAINER:SRC_PATH`, `PATH|-`. */
export function kindOfPlaceholder(placeholder: string): readonly Kind[] {
  if (/CONTAINER:/.test(placeholder)) return [{ upTo: ":", of: "containers" }, "files"];
  if (/CONTAINER/.test(placeholder)) return ["containers"];
  if (/IMAGE|REPOSITORY/.test(placeholder)) return ["images"];
  if (/VOLUME/.test(placeholder)) return ["volumes"];
  if (/NETWORK/.test(placeholder)) return ["networks"];
  if (/NAME\|ID/.test(placeholder)) return ["containers", "images", "volumes"];
  if (/FILE|PATH|ARCHIVE|URL|COMMAND|ARG/.test(placeholder)) return ["files"];
  if (/DIR/.test(placeholder)) return ["directories"];
  return ["nothing"];
}
