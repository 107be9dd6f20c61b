/** `pivot try ls` and `pivot try discard`. */

import { WishError } from "../container/wish-error.ts";
import { writeAll } from "../host/write.ts";
import { inColumns } from "../plan/columns.ts";
import { chooseTry, tryNamed } from "../try/choose.ts";
import { isInUse, isUntouched, listTries, removeTry, type Try } from "../try/store.ts";
import { isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { report } from "./report-error.ts";
import { readRoots } from "./roots.ts";
import { presentDirectory } from "./try.ts";

export async function tryDiscardCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const isAll = isOn(given, "all");
  const names = [...given.words, ...(given.flags.get("name") ?? [])];
  if (isAll && names.length > 0) throw new UsageError("--all takes no names");
  const cwd = presentDirectory();
  const { dataRoot } = readRoots(globals, cwd);
  const uid = process.geteuid?.() ?? 0;
  const chosen = isAll
    ? listTries(dataRoot).filter((each) => each.uid === uid)
    : names.length > 0
      ? names.map((name) => tryNamed(dataRoot, name))
      : [chooseTry(dataRoot, null, { cwd, uid })];
  let code = 0;
  for (const each of chosen) {
    if (await removeTry(each)) {
      writeAll(1, `${each.name}\n`);
    } else {
      report("error", `the try ${each.name} is in use: wait until its program has ended`);
      code = 1;
    }
  }
  return code;
}

const units: readonly (readonly [name: string, seconds: number])[] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** `3 minutes ago`. */
function ago(milliseconds: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - milliseconds) / 1000));
  const [name, size] = units.find(([, each]) => seconds >= each) ?? ["second", 1];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? "" : "s"} ago`;
}

const shorten = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text;

async function statusOf(each: Try): Promise<string> {
  if (await isInUse(each)) return "running";
  return isUntouched(each) ? "no changes" : "changes";
}

const withoutControls = (text: string): string => text.replaceAll(/\p{Cc}/gu, "?");

export async function tryListCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) throw new WishError(["try ls takes no arguments"]);
  const format = given.flags.get("format")?.at(-1) ?? "table";
  if (format !== "table" && format !== "json") {
    throw new UsageError(`--format takes table or json, received ${JSON.stringify(format)}`);
  }
  const tries = listTries(readRoots(globals, presentDirectory()).dataRoot);
  if (isOn(given, "quiet")) {
    writeAll(1, tries.map(({ name }) => `${name}\n`).join(""));
    return 0;
  }
  const rows: string[][] = [["NAME", "STATUS", "LAST RUN", "DIRECTORY", "COMMAND"]];
  for (const each of tries) {
    const { name, cwd, command, ran } = each;
    const status = await statusOf(each);
    if (format === "json") {
      const lastRun = new Date(ran).toISOString();
      writeAll(1, `${JSON.stringify({ name, status, lastRun, directory: cwd, command })}\n`);
    } else {
      const words = shorten(withoutControls(command.join(" ")), 40);
      rows.push([name, status, ago(ran), withoutControls(cwd), words]);
    }
  }
  if (format === "json") return 0;
  writeAll(1, `${inColumns(rows, "   ").join("\n")}\n`);
  return 0;
}
