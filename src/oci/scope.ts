/** `--systemd-cgroup`: the scope in which systemd keeps a container, as its configuration wants it. */

import type { ScopeOfContainer } from "../container/resources.ts";
import { WishError } from "../container/wish-error.ts";
import { findManager } from "../host/systemd.ts";
import type { Op } from "../plan/op.ts";
import type { Spec } from "../spec/mod.ts";
import { formatProblem } from "../spec/problem.ts";
import { askForScope, readPropertyAnnotations } from "../systemd/ask.ts";
import { scopeOf } from "../systemd/scope.ts";
import type { ScopeRecord } from "./record.ts";

const notHere =
  "--systemd-cgroup: systemd does not run here (or this user has no manager of theirs): use cgroups without it (podman: --cgroup-manager cgroupfs; containerd: SystemdCgroup = false; docker: native.cgroupdriver=cgroupfs)";

export type PlannedScope = {
  /** For the plan of its cgroups. */
  readonly cgroup: ScopeOfContainer;
  readonly record: ScopeRecord;
  readonly stop: Op;
};

/** @throws WishError when systemd does not run, or the configuration asks for what is no scope */
export function planScope(spec: Spec, id: string): PlannedScope {
  const manager = findManager();
  if (manager === null) throw new WishError([notHere]);
  const slice = manager.user ? "user.slice" : "system.slice";
  const scope = scopeOf(spec.linux?.cgroupsPath, id, slice);
  if ("expected" in scope) throw new WishError([formatProblem(scope)]);
  const properties = readPropertyAnnotations(spec.annotations ?? {});
  if (!Array.isArray(properties)) throw new WishError([formatProblem(properties)]);
  const description = `pivot container ${id}`;
  const ask = askForScope({ scope, manager, properties, description });
  return {
    cgroup: {
      path: `${manager.root}${scope.path}`,
      ask,
      manager: manager.root,
      user: manager.user,
    },
    stop: ask.stop,
    record: { unit: scope.unit, manager },
  };
}
