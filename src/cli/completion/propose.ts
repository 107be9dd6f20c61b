/** What may stand at a place of a command line: by the table of commands, their usage and flags. */

import type { Flag } from "../arguments.ts";
import type { Command } from "../command.ts";
import { groupSummaries, groupsOf, membersOf, namesOf, topLevel } from "../groups.ts";
import { type Kind, kindOfPlaceholder, valueKinds } from "./kinds.ts";

export type Proposal = { readonly word: string; readonly about: string };

export type Answer = {
  readonly proposals: readonly Proposal[];
  /** What the shell is to add by itself. */
  readonly paths: "none" | "files" | "directories";
  /** More is to follow what is proposed: no blank after it. */
  readonly goesOn: boolean;
};

/** What there is of each kind: containers by name, and so on. */
export type Sources = (
  kind: Exclude<Kind, "files" | "directories" | "nothing">,
  command: string,
  globals: ReadonlyMap<string, string>,
) => Promise<readonly Proposal[]>;

const nothing: Answer = { proposals: [], paths: "none", goesOn: false };

/** Only what the word begins; `--no` finds `--no-trunc`. */
const beginning = (proposals: readonly Proposal[], word: string): readonly Proposal[] =>
  proposals.filter((each) => each.word.startsWith(word));

const answer = (proposals: readonly Proposal[]): Answer => ({ ...nothing, proposals });

function findFlag(flags: readonly Flag[], word: string): Flag | undefined {
  if (word.startsWith("--")) {
    const name = word.slice(2).split("=")[0] ?? "";
    return flags.find((each) => each.name === name || each.aliases?.includes(name) === true);
  }
  // Of `-it` the last letter may still want a value.
  return flags.find(({ short }) => short !== undefined && word.at(-1) === short);
}

type Walked = {
  readonly words: readonly string[];
  /** Set when the next word is the value of this flag. */
  readonly open: Flag | null;
  /** Flags may stand here. */
  readonly takesFlags: boolean;
  readonly given: ReadonlyMap<string, string>;
  /** How many of the words were read. */
  readonly used: number;
};

/** @param stop at the first word that is no flag: the rest is another's */
function walk(flags: readonly Flag[], words: readonly string[], stop: boolean): Walked {
  const found: string[] = [];
  const given = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") {
      const rest = words.slice(at + 1);
      return { words: [...found, ...rest], open: null, takesFlags: false, given, used: at + 1 };
    }
    if (!word.startsWith("-") || word === "-") {
      if (stop) return { words: words.slice(at), open: null, takesFlags: false, given, used: at };
      found.push(word);
      continue;
    }
    const flag = findFlag(flags, word);
    if (flag?.value === undefined) continue;
    const equals = word.indexOf("=");
    if (equals >= 0) {
      given.set(flag.name, word.slice(equals + 1));
    } else if (at + 1 < words.length) {
      given.set(flag.name, words[++at] ?? "");
    } else {
      return { words: found, open: flag, takesFlags: true, given, used: words.length };
    }
  }
  return { words: found, open: null, takesFlags: true, given, used: words.length };
}

const flagProposals = (flags: readonly Flag[], word: string): readonly Proposal[] => {
  const long = flags.map(({ name, help }) => ({ word: `--${name}`, about: help }));
  const short = flags.flatMap(({ short: letter, help }) =>
    letter === undefined ? [] : [{ word: `-${letter}`, about: help }],
  );
  const both = word === "-" ? [...long, ...short] : long;
  return beginning(both, word).toSorted((a, b) => (a.word < b.word ? -1 : 1));
};

const helpFlag: Flag = { name: "help", help: "say what the flags do" };

/** The words that come first on a line. */
function commandWords(commands: readonly Command[]): readonly Proposal[] {
  return [
    ...topLevel(commands).map(({ word, command }) => ({ word, about: command.summary })),
    ...groupsOf(commands).map((word) => ({ word, about: groupSummaries[word] ?? "" })),
    { word: "help", about: "Say what there is" },
  ].sort((a, b) => (a.word < b.word ? -1 : 1));
}

function findCommand(
  commands: readonly Command[],
  words: readonly string[],
): { readonly command: Command; readonly used: number } | null {
  for (const used of [2, 1]) {
    if (words.length < used) continue;
    const name = words.slice(0, used).join(" ");
    const command = commands.find((each) => namesOf(each).includes(name));
    if (command !== undefined) return { command, used };
  }
  return null;
}

/** The names in a usage line: `IMAGE`, `[COMMAND]`, `[ARG...]`. */
const placeholdersOf = ({ name, usage }: Command): readonly string[] =>
  (usage.split("\n")[0] ?? "")
    .split(" ")
    .slice(1 + name.split(" ").length)
    .filter((word) => word !== "[OPTIONS]" && word !== "");

export type Tables = {
  readonly commands: readonly Command[];
  readonly globalFlags: readonly Flag[];
  readonly sources: Sources;
};

class Proposer {
  readonly #tables: Tables;
  readonly #word: string;
  readonly #globals: ReadonlyMap<string, string>;

  constructor(tables: Tables, word: string, globals: ReadonlyMap<string, string>) {
    this.#tables = tables;
    this.#word = word;
    this.#globals = globals;
  }

  /** @param prefix what stands before the value in the same word: `--root=` */
  async kinds(kinds: readonly Kind[], command: string, prefix = ""): Promise<Answer> {
    const typed = this.#word.slice(prefix.length);
    const proposals: Proposal[] = [];
    let paths: Answer["paths"] = "none";
    for (const kind of kinds) {
      if (kind === "files" || kind === "directories") paths = kind;
      else if (typeof kind === "object" && !("upTo" in kind)) proposals.push(...kind.words);
      else if (kind !== "nothing") {
        proposals.push(...(await this.#tables.sources(kind, command, this.#globals)));
      }
    }
    const found = beginning(proposals, typed);
    return {
      proposals: found.map(({ word, about }) => ({ word: prefix + word, about })),
      // A shell's own paths do not go together with a prefix.
      paths: prefix === "" ? paths : "none",
      goesOn: found.length > 0 && found.every(({ word }) => /[:=]$/.test(word)),
    };
  }

  async ofCommand(command: Command, rest: readonly string[]): Promise<Answer> {
    const flags = [...(await command.flags()), helpFlag];
    const { words, open, takesFlags } = walk(flags, rest, command.takesCommand === true);
    if (open !== null) return this.kinds(valueKinds(open), command.name);
    const equals = this.#word.indexOf("=");
    if (takesFlags && this.#word.startsWith("--") && equals >= 0) {
      const flag = findFlag(flags, this.#word);
      if (flag?.value === undefined) return nothing;
      return this.kinds(valueKinds(flag), command.name, this.#word.slice(0, equals + 1));
    }
    if (takesFlags && this.#word.startsWith("-")) return answer(flagProposals(flags, this.#word));
    const placeholders = placeholdersOf(command);
    const last = placeholders.at(-1);
    const placeholder =
      placeholders[words.length] ?? (last?.includes("...") === true ? last : undefined);
    if (placeholder === undefined) return nothing;
    const found = await this.kinds(kindOfPlaceholder(placeholder), command.name);
    const fresh = found.proposals.filter(({ word }) => !words.includes(word));
    return { ...found, proposals: fresh };
  }

  atStart(words: readonly string[]): Answer {
    const [first] = words;
    const { commands, globalFlags } = this.#tables;
    if (first === undefined) {
      return answer(
        this.#word.startsWith("-")
          ? flagProposals(globalFlags, this.#word)
          : beginning(commandWords(commands), this.#word),
      );
    }
    if (words.length > 1) return nothing;
    return answer(beginning(this.members(first), this.#word));
  }

  members(first: string): readonly Proposal[] {
    return membersOf(this.#tables.commands, first).map(({ word, command }) => ({
      word,
      about: command.summary,
    }));
  }
}

/**
 * @param words what stands behind `pivot`, up to the cursor; the last of them is being typed
 */
export async function propose(words: readonly string[], tables: Tables): Promise<Answer> {
  const word = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const start = walk(tables.globalFlags, before, true);
  const proposer = new Proposer(tables, word, start.given);
  if (start.open !== null) return proposer.kinds(valueKinds(start.open), "");
  const rest = before.slice(start.used);
  const isHelp = rest[0] === "help";
  const said = isHelp ? rest.slice(1) : rest;
  const found = findCommand(tables.commands, said);
  if (isHelp || found === null) return proposer.atStart(said);
  const own = await proposer.ofCommand(found.command, said.slice(found.used));
  // `try` has flags and words of its own, and commands: `try diff`.
  const isFirst = said.length === found.used && found.used === 1;
  const members = isFirst ? beginning(proposer.members(said[0] ?? ""), word) : [];
  return { ...own, proposals: [...members, ...own.proposals] };
}
