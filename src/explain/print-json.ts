/** The explanation as JSON; rows of mount tables are lines as in /proc/PID/mountinfo. */

import { formatRow } from "../simulator/mountinfo.ts";
import type { Explanation } from "./explanation.ts";

export function explanationAsJson({ steps, mounts, ...rest }: Explanation): string {
  return `${JSON.stringify(
    {
      ...rest,
      steps: steps.map(({ prediction, ...step }) => ({
        ...step,
        prediction:
          prediction === null
            ? null
            : {
                ...prediction,
                // Of a step that changes nothing they would only be long.
                before: prediction.changes.length === 0 ? null : prediction.before.map(formatRow),
                after: prediction.changes.length === 0 ? null : prediction.after.map(formatRow),
                changes: prediction.changes.map(({ row, ...change }) => ({
                  ...change,
                  row: formatRow(row),
                })),
              },
      })),
      mounts: mounts?.map(formatRow) ?? null,
    },
    null,
    2,
  )}\n`;
}
