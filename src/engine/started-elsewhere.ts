/** Two who start one container at once: the state directory is made by one of them. */

import type { StepFailure } from "../executor/failure.ts";
import type { Plan } from "../plan/op.ts";

const EEXIST = 17;

/** Whether a start has failed because somebody else starts the container, and was first. */
export function isStartedElsewhere(
  { steps }: Plan,
  { step, errno }: Pick<StepFailure, "step" | "errno">,
  id: string,
): boolean {
  const op = steps[step]?.op;
  return errno === EEXIST && op?.op === "mkdir" && op.at?.path.endsWith(`/${id}`) === true;
}
