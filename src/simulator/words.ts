/** Splits a line into words as a shell does: quotes, backslashes, comments; nothing is expanded. */

export type Word = string;

/** @throws Error when a quote is not closed. */
export function splitWords(line: string): Word[] {
  const words: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i);
    if (c === "#" && word === null) break;
    if (c === " " || c === "\t") {
      if (word !== null) words.push(word);
      word = null;
    } else if (c === "'" || c === '"') {
      const end = line.indexOf(c, i + 1);
      if (end < 0) throw new Error(`the quote ${c} is not closed`);
      const inside = line.slice(i + 1, end);
      word = (word ?? "") + (c === '"' ? inside.replace(/\\(["\\])/g, "$1") : inside);
      i = end;
    } else if (c === "\\" && i + 1 < line.length) {
      word = (word ?? "") + line.charAt(++i);
    } else {
      word = (word ?? "") + c;
    }
  }
  if (word !== null) words.push(word);
  return words;
}
