/** Words of a shell: whatever they hold, the shell reads them as one word and as nothing else. */

/** A word in single quotes, or bare when there is nothing in it that means something to a shell. */
export function quote(text: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text) && !/^[=~]/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Words that are given to a program. */
export const quoteAll = (texts: readonly string[]): string => texts.map(quote).join(" ");

/** A path that a command must not take for an option. */
export const quotePath = (path: string): string => quote(path.startsWith("-") ? `./${path}` : path);

/** A text for people behind a `#`: no character of it ends the comment, or steers a terminal. */
export const comment = (text: string): string =>
  `# ${text.replace(/[\p{Cc}\u2028\u2029]/gu, (each) => `\\x${(each.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`)}`;
