// Reads the Test Anything Protocol as the validation programs write it: several streams after one
// another, lines of other kinds in between, and YAML blocks that belong to the line before.

export type TapTest = {
  readonly passed: boolean;
  readonly description: string;
  /** `TODO`: it need not pass yet; `SKIP`: it was not made. */
  readonly directive?: "TODO" | "SKIP";
};

export type TapStream = {
  readonly tests: TapTest[];
  /** How many there should be; absent: the program ended before it said so. */
  planned?: number;
  /** What the YAML blocks say under `error`. */
  readonly errors: string[];
};

/** The streams, in order. A line that is of no stream begins none. */
export function parseTap(text: string): TapStream[] {
  const streams: TapStream[] = [];
  let block: string[] | undefined;
  for (const line of text.split("\n")) {
    if (block !== undefined) {
      if (line === "  ...") {
        streams.at(-1)?.errors.push(...errorIn(block));
        block = undefined;
      } else block.push(line);
      continue;
    }
    if (line === "  ---") block = [];
    else if (/^TAP version \d+$/.test(line)) streams.push({ tests: [], errors: [] });
    else readLine(line, streams.at(-1));
  }
  return streams;
}

function readLine(line: string, stream: TapStream | undefined): void {
  if (stream === undefined) return;
  const plan = /^1\.\.(\d+)/.exec(line);
  if (plan !== null) stream.planned = Number(plan[1]);
  const test = /^(not )?ok\b(?: \d+)?(?: -)?(.*)$/.exec(line);
  if (test === null) return;
  const [, not, rest = ""] = test;
  const directive = /# *(TODO|SKIP)\b/i.exec(rest)?.[1]?.toUpperCase();
  stream.tests.push({
    passed: not === undefined,
    description: rest.replace(/# *(TODO|SKIP)\b/i, "").trim(),
    ...(directive === "TODO" || directive === "SKIP" ? { directive } : {}),
  });
}

/** The blocks are written as JSON, or as plain lines `error: …` by another writer. */
function errorIn(block: readonly string[]): string[] {
  const text = block.join("\n");
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "error" in value) {
      return [String(value.error)];
    }
    return [];
  } catch {
    return block.flatMap((line) => /^ *"?error"?: *(.*)$/.exec(line)?.[1] ?? []);
  }
}
