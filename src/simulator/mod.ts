/** The simulator: mount namespaces, mounts and propagation as the kernel has them. */

export { apply } from "./apply.ts";
export { fromMountinfo } from "./from-mountinfo.ts";
export { type Beginning, initialState, throwAwayState } from "./initial.ts";
export { formatRow, type MountinfoRow, mountinfo, mountTable } from "./mountinfo.ts";
export type {
  Attribute,
  NamespaceKind,
  Operation,
  OperationName,
  Propagation,
  Where,
} from "./operation.ts";
export type { Errno, Failure, Outcome } from "./outcome.ts";
export { parseMountinfo } from "./parse-mountinfo.ts";
export {
  type Inhabitants,
  planProcesses,
  type SimulatedStep,
  type SimulationOptions,
  simulatePlan,
} from "./plan.ts";
export { type Profile, type ProfileName, profiles } from "./profile.ts";
export {
  type Command,
  expand,
  parseScript,
  ScriptError,
  type ScriptLine,
  ScriptReader,
  scriptCommands,
} from "./script.ts";
export { showMountTree, showPropagation, showTree } from "./show-tree.ts";
export type * from "./state.ts";
