/** The debugger's commands: their names, and what they do, in the words of its help. */

export type DebugCommand = {
  readonly name: string;
  /** A letter or two for those who type. */
  readonly short: string;
  readonly takes: string;
  readonly help: string;
};

export const debugCommands: readonly DebugCommand[] = [
  { name: "step", short: "s", takes: "[N]", help: "do the next step, or the next N" },
  {
    name: "next",
    short: "n",
    takes: "",
    help: "do the steps up to the other actor's turn",
  },
  {
    name: "continue",
    short: "c",
    takes: "",
    help: "go on to a breakpoint, or to the end",
  },
  {
    name: "break",
    short: "b",
    takes: "[N|OPERATION]",
    help: "stop there; alone: list breakpoints",
  },
  { name: "delete", short: "d", takes: "[N|OPERATION]", help: "take a breakpoint away, or all" },
  {
    name: "list",
    short: "l",
    takes: "[N|all]",
    help: "the plan around here, around step N, or all",
  },
  {
    name: "print",
    short: "p",
    takes: "[N|OPERATION]",
    help: "show all of a step, or of the next one",
  },
  {
    name: "mounts",
    short: "m",
    takes: "[parent|init]",
    help: "the kernel's mount tables; changes are marked",
  },
  {
    name: "fds",
    short: "f",
    takes: "[parent|init]",
    help: "descriptors, and what the plan calls them",
  },
  {
    name: "shell",
    short: "sh",
    takes: "[parent] [COMMAND]",
    help: "a shell, or a command, inside or on the host",
  },
  { name: "where", short: "w", takes: "", help: "show where we are" },
  { name: "help", short: "h", takes: "", help: "show this" },
  { name: "quit", short: "q", takes: "", help: "undo everything, and end" },
];

export type TypedCommand = {
  readonly name: string;
  readonly words: readonly string[];
  readonly rest: string;
};

/** A line as a command; null when there is none of that name. The beginning of a name will do. */
export function readCommand(line: string): TypedCommand | null {
  const [first = "", ...words] = line.trim().split(/\s+/);
  const exact = debugCommands.find(({ name, short }) => name === first || short === first);
  const begun = debugCommands.filter(({ name }) => name.startsWith(first));
  const found = exact ?? (begun.length === 1 ? begun[0] : undefined);
  if (first === "" || found === undefined) return null;
  return { name: found.name, words, rest: line.trim().slice(first.length).trim() };
}

export const helpText = (): string => {
  const rows = debugCommands.map(({ name, short, takes }) => `${name}, ${short} ${takes}`.trim());
  const width = Math.max(...rows.map(({ length }) => length)) + 2;
  const lines = debugCommands.map(({ help }, i) => `  ${(rows[i] ?? "").padEnd(width)}${help}`);
  return `${lines.join("\n")}\n  An empty line repeats the last step, next or continue.\n`;
};
