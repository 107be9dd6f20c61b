/** Lines that somebody types at a prompt, or that come by standard input. */

import { createInterface } from "node:readline";

export type Prompt = {
  /** The next line; null at the end of the input. */
  readonly ask: (prompt: string) => Promise<string | null>;
  /** Lets others read standard input. */
  readonly release: () => void;
};

/** At a terminal: one reader for each line, so that between two lines the terminal is anybody's. */
function terminalPrompt(): Prompt {
  let history: string[] = [];
  // What was pasted behind the line that was asked for: whole lines, and the beginning of one.
  const waiting: string[] = [];
  let begun = "";
  const ask = (prompt: string): Promise<string | null> =>
    new Promise((resolve) => {
      const next = waiting.shift();
      if (next !== undefined) {
        process.stdout.write(`${prompt}${next}\n`);
        resolve(next);
        return;
      }
      const reader = createInterface({
        input: process.stdin,
        output: process.stdout,
        history,
        terminal: true,
      });
      reader.on("history", (lines) => {
        history = lines;
      });
      let isAnswered = false;
      const answer = (line: string | null): void => {
        if (isAnswered) return;
        isAnswered = true;
        // Lines of the same paste come one after the other, before anything else can happen.
        reader.on("line", (more) => waiting.push(more));
        setImmediate(() => {
          begun = reader.line;
          reader.close();
          resolve(line);
        });
      };
      reader.on("SIGINT", () => {
        process.stdout.write("\n");
        isAnswered = true;
        waiting.length = 0;
        reader.close();
        resolve(ask(prompt)); // what stood there is forgotten
      });
      reader.on("close", () => {
        if (!isAnswered) process.stdout.write("\n");
        answer(null);
      });
      reader.question(prompt, answer);
      if (begun !== "") reader.write(begun);
      begun = "";
    });
  return { ask, release: () => process.stdin.pause() };
}

/** All lines at once are more than is asked for: they wait here. */
function pipedPrompt(): Prompt {
  const reader = createInterface({ input: process.stdin, terminal: false });
  const lines = reader[Symbol.asyncIterator]();
  return {
    ask: async () => {
      const { value, done } = await lines.next();
      return done === true ? null : String(value);
    },
    release: () => reader.close(),
  };
}

export const openPrompt = (isTerminal: boolean): Prompt =>
  isTerminal ? terminalPrompt() : pipedPrompt();
