// What is written to version 2's files as it is (config-linux.md, Unified).

import type { CgroupLayout } from "../planner/facts.ts";
import { quote } from "../spec/problem.ts";
import { describeLayout, type Limits } from "./limits.ts";

/** Adds the writes of `linux.resources.unified`: a line of a value is a write. */
export function addUnified(
  unified: Readonly<Record<string, string>>,
  limits: Limits,
  layout: CgroupLayout,
): void {
  for (const [file, value] of Object.entries(unified)) {
    const why = `linux.resources.unified[${quote(file)}]`;
    if (isUsable(file, why, limits, layout)) {
      for (const line of value.split("\n")) if (line !== "") limits.write(file, line, why);
    }
  }
}

function isUsable(file: string, why: string, limits: Limits, layout: CgroupLayout): boolean {
  const controller = file.slice(0, Math.max(0, file.indexOf(".")));
  // The name becomes a path: it must not lead out of the cgroup.
  if (!/^[a-z_]+$/.test(controller) || /[\s/]|\.\./.test(file)) {
    limits.refuse(why, 'the name of a cgroup file such as "memory.high"', quote(file));
    return false;
  }
  if (layout.v2 === null) {
    limits.refuse(
      why,
      "cgroups of version 2",
      `${describeLayout(layout)}: use the fields of linux.resources that have names, or leave this out`,
    );
    return false;
  }
  if (controller === "cgroup" || layout.v2.controllers.includes(controller)) return true;
  const elsewhere = layout.v1.find(({ controllers }) => controllers.includes(controller));
  limits.refuse(
    why,
    `the controller ${controller} in version 2, which has ${layout.v2.controllers.join(", ") || "none"}`,
    elsewhere === undefined
      ? `no controller of this name: start Linux without cgroup_disable=${controller}, or leave this out`
      : `one in version 1 at ${elsewhere.mount}: use the fields of linux.resources that have names`,
  );
  return false;
}
