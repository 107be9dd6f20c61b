/** The catalogue of operations as a page: docs/reference/operations.md. */

import { egress } from "../plan/catalogue/egress.ts";
import { files } from "../plan/catalogue/files.ts";
import { lifecycle } from "../plan/catalogue/lifecycle.ts";
import { mounts } from "../plan/catalogue/mounts.ts";
import { namespaces } from "../plan/catalogue/namespaces.ts";
import { network } from "../plan/catalogue/network.ts";
import { process } from "../plan/catalogue/process.ts";
import { transfer } from "../plan/catalogue/transfer.ts";
import { users } from "../plan/catalogue/users.ts";
import type { Entry, Kind } from "../plan/catalogue.ts";
import { choices, flagSets } from "../plan/constants.ts";

type Group = { readonly title: string; readonly entries: Readonly<Record<string, Entry>> };

const groups: readonly Group[] = [
  { title: "Files on the host", entries: files },
  { title: "Namespaces", entries: namespaces },
  { title: "Networks and ports", entries: network },
  { title: "Beside a container, for its network", entries: egress },
  { title: "Mounts, devices and the change of root", entries: mounts },
  { title: "Owners of a user namespace", entries: users },
  { title: "What the process is and may do", entries: process },
  { title: "The moments of a container's life", entries: lifecycle },
  { title: "Files in and out", entries: transfer },
];

/** The names of all operations on the page. */
export const operationsOnPage = groups.flatMap(({ entries }) => Object.keys(entries));

const kinds: Readonly<Record<string, string>> = {
  bool: "yes or no",
  u32: "a number",
  u64: "a large number",
  text: "a text",
  texts: "texts",
  bytes: "bytes",
  slot: "a slot",
  place: "a place",
  capabilities: "names of capabilities",
};

function kindText(kind: Kind): string {
  const [family, name] = kind.split(":");
  const code = (names: object): string =>
    Object.keys(names)
      .map((each) => `\`${each}\``)
      .join(", ");
  if (family === "flags") return `any of ${code(flagSets[name as keyof typeof flagSets])}`;
  if (family === "one") return `one of ${code(choices[name as keyof typeof choices])}`;
  return kinds[kind] ?? kind;
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

function section(name: string, { code, calls, man, gist, fields }: Entry): string {
  const rows = Object.entries(fields).map(
    ([field, [kind, about]]) => `| \`${field}\` | ${cell(kindText(kind))} | ${cell(about)} |`,
  );
  const table =
    rows.length === 0 ? [] : ["", "| field | what | meaning |", "|---|---|---|", ...rows];
  return [
    `### \`${name}\``,
    "",
    `${gist} Number ${code}; calls ${calls}; see ${man}.`,
    ...table,
  ].join("\n");
}

export function cataloguePage(): string {
  return `${[
    "# Operations",
    "",
    "<!-- Made by `npm run docs:catalogue` from src/plan/catalogue. -->",
    "",
    "A plan is an ordered list of steps, and a step is one of these operations with its arguments,",
    "carried out by the `parent` (the executor on the host) or by `init` (the container's first",
    "process). `pivot plan` shows a plan, `pivot explain` says what each of its steps is for.",
    "",
    "A *slot* is the name of a descriptor that a step keeps for later ones. A *place* is a path and where",
    "its look-up starts: at the host's root, or at a slot as if that were `/`, so that neither `..` nor a",
    "link leads out of it.",
    ...groups.flatMap(({ title, entries }) => [
      "",
      `## ${title}`,
      ...Object.entries(entries).map(([name, entry]) => `\n${section(name, entry)}`),
    ]),
  ].join("\n")}\n`;
}
