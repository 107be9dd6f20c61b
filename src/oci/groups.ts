/** What a command that ends a container takes away of the kernel's file systems, and of systemd. */

import type { Container, Groups } from "./record.ts";

export async function groupsToRemove({ record }: Pick<Container, "record">): Promise<Groups> {
  if (record?.scope === undefined) return record ?? { cgroups: [] };
  const { stopScope } = await import("../systemd/ask.ts");
  return { ...record, stop: stopScope(record.scope.manager, record.scope.unit) };
}
