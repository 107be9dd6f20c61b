/**
 * What a registry says when it does not do what was asked: a status, and errors in JSON.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
 */
import { gather } from "../image/blob-source.ts";
import { quote } from "../image/error.ts";
import type { Answer } from "./exchange.ts";

const refusalBytesMax = 64 * 1024;

/** Statuses that may be others in a moment. */
export const isBusy = (status: number): boolean =>
  status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);

type Problem = { readonly code?: unknown; readonly message?: unknown };

function problemsOf(text: string): readonly string[] {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return [];
  }
  if (typeof said !== "object" || said === null) return [];
  const { errors, details } = said as { errors?: unknown; details?: unknown };
  // Token servers say `details`.
  if (typeof details === "string") return [quote(details)];
  if (!Array.isArray(errors)) return [];
  return errors.slice(0, 3).flatMap((problem: Problem | null) => {
    const words = [problem?.code, problem?.message].filter((word) => typeof word === "string");
    return words.length === 0 ? [] : [quote(words.join(": "))];
  });
}

/** `404 "MANIFEST_UNKNOWN: manifest unknown"`: one line. Reads the answer's body. */
export async function describeRefusal(answer: Answer): Promise<string> {
  let text = "";
  try {
    text = (await gather(answer.body(), refusalBytesMax, "what it says")).toString("utf8");
  } catch {
    // The status says enough.
  }
  return [String(answer.status), ...problemsOf(text)].join(" ");
}
