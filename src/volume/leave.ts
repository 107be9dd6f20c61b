/** How a container that is removed gives its volumes up. */

import type { ContainerRecord } from "../container/record.ts";
import type { Step } from "../plan/op.ts";
import { byParent, onHost } from "../planner/step.ts";
import { volumesOf } from "./in-use.ts";
import { volumeDirectory } from "./store.ts";

/**
 * Steps for the plan of a removal, before the container's state or record goes.
 *
 * @param withAnonymous its anonymous volumes go with it, unless another container uses them: `rm -v`
 */
export const leaveSteps = (
  record: Pick<ContainerRecord, "id" | "dataRoot" | "options">,
  withAnonymous: boolean,
): readonly Step[] =>
  volumesOf(record).map(({ name, anonymous }) => {
    const at = onHost(volumeDirectory(record, name));
    const remove = anonymous && withAnonymous;
    return byParent({ op: "leave_volume", at, user: record.id, gone: [], remove }, "its volumes");
  });
