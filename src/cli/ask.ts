/** Asks a person on a terminal. */

import { writeAll } from "../host/write.ts";
import { Interruption } from "./interrupt.ts";

const interruptKey = "\u0003";
const endOfInput = "\u0004";
const erase = new Set(["\u007f", "\b"]);

/**
 * Asks for a line; what is typed is not shown when it is a secret.
 *
 * @returns undefined when the person gave up: ^D on an empty line, or the terminal is gone
 * @throws Interruption after ^C, which is only a key while nothing is shown by the terminal itself
 */
export function askLine(question: string, isSecret: boolean): Promise<string | undefined> {
  const { stdin } = process;
  writeAll(2, question);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.resume();
  return new Promise((resolve, reject) => {
    let line: string[] = [];
    const end = (answer: string | undefined) => {
      stdin.removeListener("data", onData);
      stdin.removeListener("end", onEnd);
      stdin.setRawMode(false);
      stdin.pause();
      writeAll(2, "\n");
      resolve(answer);
    };
    const onEnd = () => end(undefined);
    const onData = (typed: string) => {
      // More than one character is what was pasted.
      for (const character of typed) {
        if (character === "\r" || character === "\n") return end(line.join(""));
        if (character === endOfInput && line.length === 0) return end(undefined);
        if (character === interruptKey) {
          reject(new Interruption("SIGINT"));
          return end(undefined);
        }
        if (erase.has(character)) {
          if (line.length > 0 && !isSecret) writeAll(2, "\b \b");
          line = line.slice(0, -1);
        } else if (character >= " ") {
          line.push(character);
          if (!isSecret) writeAll(2, character);
        }
      }
    };
    stdin.on("data", onData);
    stdin.on("end", onEnd);
  });
}
