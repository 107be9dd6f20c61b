/** What is said when the words name no command: a group's help, or what may have been meant. */

import { writeAll } from "../host/write.ts";
import { UsageError } from "./arguments.ts";
import { commands } from "./commands.ts";
import { groupsOf, membersOf, namesOf } from "./groups.ts";
import { groupHelp } from "./help.ts";
import { suggest } from "./suggest.ts";

/** Mistypes of a group's word too: `pivot imgae ls`. */
function nearest(first: string, second: string | undefined): string | null {
  const groups = groupsOf(commands);
  const visible = commands.filter(({ hidden }) => hidden !== true);
  const single = visible.flatMap(namesOf).filter((name) => !name.includes(" "));
  const word = suggest(first, [...single, ...groups]);
  if (word === null || !groups.includes(word) || second === undefined) return word;
  const member = suggest(
    second,
    membersOf(commands, word).map((each) => each.word),
  );
  return member === null ? word : `${word} ${member}`;
}

/**
 * @param asked whether help was asked for: then it is what was wanted, and goes to standard output
 * @returns the exit code
 * @throws UsageError when the words are no group's
 */
export function noCommand(words: readonly string[], asked: boolean): number {
  const [first = "", second] = words;
  const isGroup = groupsOf(commands).includes(first);
  const wantsHelp = second === "--help" || second === "-h" || second === "help";
  if (isGroup && (second === undefined || wantsHelp)) {
    writeAll(asked || wantsHelp ? 1 : 2, groupHelp(first));
    return 0;
  }
  const members = membersOf(commands, first).map(({ word }) => word);
  if (isGroup && second !== undefined) {
    const near = suggest(second, members);
    throw new UsageError(
      near === null
        ? `unknown command: ${first} ${second}; \`pivot ${first}\` has ${members.join(", ")}`
        : `unknown command: ${first} ${second}; did you mean ${first} ${near}?`,
    );
  }
  const near = nearest(first, second);
  const meant = near === null ? ";" : `; did you mean ${near}?`;
  throw new UsageError(`unknown command: ${first}${meant} \`pivot help\` lists them all`);
}
