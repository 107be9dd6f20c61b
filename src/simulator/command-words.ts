/** The options of one command: `-t tmpfs`, `-ttmpfs`, `--types=tmpfs`, `-lR`, `--`. */

export type OptionTable = Readonly<
  Record<string, { readonly name: string; readonly value?: true }>
>;

export type CommandWords = {
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
};

/**
 * @param table what is known, with the dashes: `-t`, `--types`
 * @throws Error naming the option.
 */
export function readOptions(words: readonly string[], table: OptionTable): CommandWords {
  const options = new Map<string, string[]>();
  const operands: string[] = [];
  const queue = [...words];
  const note = (given: string, attached: string | null): void => {
    const known = table[given];
    if (known === undefined) throw new Error(`there is no option ${given} here`);
    if (known.value === undefined && attached !== null) {
      throw new Error(`the option ${given} takes no value`);
    }
    const value = known.value === undefined ? "" : (attached ?? queue.shift());
    if (value === undefined) throw new Error(`the option ${given} needs a value`);
    options.set(known.name, [...(options.get(known.name) ?? []), value]);
  };
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") {
      operands.push(...queue);
      break;
    }
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      if (equals < 0) note(word, null);
      else note(word.slice(0, equals), word.slice(equals + 1));
    } else if (word.startsWith("-") && word.length > 1) {
      readShort(word, table, note);
    } else operands.push(word);
  }
  return { options, operands };
}

/** `-lR` is two options, `-ttmpfs` one with its value. */
function readShort(
  word: string,
  table: OptionTable,
  note: (given: string, attached: string | null) => void,
): void {
  for (let i = 1; i < word.length; i++) {
    const given = `-${word.charAt(i)}`;
    const rest = word.slice(i + 1);
    if (table[given]?.value === true && rest !== "") {
      note(given, rest);
      return;
    }
    note(given, null);
  }
}
