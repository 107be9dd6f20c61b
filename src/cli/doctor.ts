/** `pivot doctor`: what this machine can and cannot do, and what cures it. */

import { diagnosisLevels } from "../doctor/diagnosis.ts";
import { examine } from "../doctor/doctor.ts";
import { writeAll } from "../host/write.ts";
import { type Flag, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { countText, findingsText } from "./findings-text.ts";
import { printDocument } from "./output.ts";
import { visible } from "./visible.ts";
import { terminalWidth } from "./wrap.ts";

export const doctorFlags: readonly Flag[] = [
  { name: "format", short: "f", value: "FORMAT", help: "json, or a Go template: '{{.Usable}}'" },
];

export async function doctorCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) throw new UsageError("doctor takes no arguments");
  const found = await examine(engineRoots(globals));
  const isUsable = !found.some(({ level }) => level === "fatal");
  const format = lastValue(given, "format");
  if (format !== null) {
    const findings = found.map(({ level, about, says, cure, needs }) => ({
      Level: level,
      About: about,
      Finding: says,
      Cure: cure,
      Needs: needs,
    }));
    printDocument({ Usable: isUsable, Findings: findings }, format);
    return isUsable ? 0 : 1;
  }
  const rows = found.map(({ needs, ...each }) => ({
    ...each,
    says: each.level === "ok" ? each.says : `${each.says}; for: ${needs}`,
  }));
  const verdict = isUsable ? "pivot can run containers here" : "pivot cannot run containers here";
  const told = `${verdict}: ${countText(rows, diagnosisLevels)}\n`;
  writeAll(1, visible(findingsText(rows, terminalWidth())) + told);
  return isUsable ? 0 : 1;
}
