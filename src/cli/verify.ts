/** `pivot verify`: what separates a running container, or any process, from the host. */

import { existsSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { findContainer } from "../engine/find.ts";
import type { Container } from "../engine/status.ts";
import { writeAll } from "../host/write.ts";
import { type Finding, finding, levels } from "../verify/finding.ts";
import { look } from "../verify/look.ts";
import { checkPromise } from "../verify/promise.ts";
import type { Seen } from "../verify/seen.ts";
import { judge, sorted } from "../verify/verify.ts";
import { type Flag, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import { beneath } from "./beneath.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { countText, findingsText } from "./findings-text.ts";
import { printDocument } from "./output.ts";
import { visible } from "./visible.ts";
import { terminalWidth } from "./wrap.ts";

export const verifyFlags: readonly Flag[] = [
  { name: "pid", value: "N", help: "look at the process N, whoever has started it" },
  { name: "format", short: "f", value: "FORMAT", help: "json, or a Go template: '{{.Open}}'" },
];

type Target = { readonly pid: number; readonly container: Container | null; readonly roots: Roots };

async function findTarget(given: ParsedArguments, globals: Globals): Promise<Target> {
  const roots = engineRoots(globals);
  const number = lastValue(given, "pid");
  const [word, ...more] = given.words;
  if (number !== null) {
    if (word !== undefined) throw new UsageError("--pid stands in place of a container");
    if (!/^[1-9]\d{0,9}$/.test(number)) {
      throw new UsageError(
        `--pid takes the number of a process, received ${JSON.stringify(number)}`,
      );
    }
    return { pid: Number(number), container: null, roots };
  }
  if (word === undefined || more.length > 0) {
    throw new UsageError("verify needs one container, or --pid N: `pivot ps` lists them");
  }
  const container = await findContainer(roots, word);
  if (container.process === null) {
    throw new WishError([`container ${container.name} is not running: it is ${container.status}`]);
  }
  return { pid: container.process.pid, container, roots };
}

async function checkOwn(container: Container, seen: Seen, roots: Roots): Promise<Finding[]> {
  const { promisedOf } = await import("../verify/promised.ts");
  try {
    return checkPromise(await promisedOf(container.record, roots, seen.pid), seen, existsSync);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [finding("note", "promise", `what was planned cannot be planned again: ${why}`)];
  }
}

export async function verifyCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const { pid, container, roots } = await findTarget(given, globals);
  const { seen, host } = look(pid, beneath);
  const own = container === null ? [] : await checkOwn(container, seen, roots);
  const findings = sorted([...own, ...judge(seen, host)]);
  const isOpen = findings.some(({ level }) => level === "open");
  const format = lastValue(given, "format");
  if (format !== null) {
    printDocument(
      {
        Pid: pid,
        Process: seen.name,
        Container: container?.name ?? "",
        Open: isOpen,
        Findings: findings.map(({ level, about, says, cure }) => ({
          Level: level,
          About: about,
          Finding: says,
          Cure: cure,
        })),
      },
      format,
    );
  } else {
    const of = container === null ? "" : ` of container ${container.name}`;
    const told = `process ${pid} (${visible(seen.name)})${of}: ${countText(findings, levels)}\n`;
    // What is found has names in it that the process has chosen.
    writeAll(1, visible(findingsText(findings, terminalWidth())) + told);
  }
  return isOpen ? 1 : 0;
}
