/**
 * Finds keys that occur twice in one JSON object.
 *
 * JSON.parse keeps the last, other parsers keep the first or mix both, so that a
 * signed or scanned document would mean one thing to the scanner and another
 * here. Documents with such keys are refused when they enter the store.
 */
import { ImageError, quote } from "./error.ts";

/** A string of JSON; one with a control character in it, say, is none. */
function readKey(token: string, document: string): string {
  try {
    return String(JSON.parse(token));
  } catch (cause) {
    throw new ImageError("invalid-image", `${document}: it is not JSON`, { cause });
  }
}

/**
 * @param text of any kind: this walks tokens and checks no grammar but that of keys
 * @throws ImageError naming the document and the key
 */
export function refuseDuplicateKeys(text: string, document: string): void {
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;
  // One set per open object, undefined per open list.
  const open: (Set<string> | undefined)[] = [];
  let previous = "";
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    const token = match[0];
    const keys = open.at(-1);
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token.startsWith('"') && keys !== undefined && /[{,]/.test(previous)) {
      const key = readKey(token, document);
      if (keys.has(key)) {
        throw new ImageError("invalid-image", `${document}: the key ${quote(key)} occurs twice`);
      }
      keys.add(key);
    }
    previous = token.startsWith('"') ? '"' : token;
  }
}
