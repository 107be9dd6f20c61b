/** pivot as a library: what `import … from "pivot-runtime"` gives. */

export type { PullPolicy } from "./container/find-image.ts";
export {
  type ContainerWish,
  type PreparedContainer,
  prepareContainer,
  type Source,
} from "./container/prepare.ts";
export type { Roots } from "./container/roots.ts";
export { WishError } from "./container/wish-error.ts";
export type { StepFailure } from "./executor/failure.ts";
export { ImageError, type ImageErrorCode } from "./image/error.ts";
export type { MountOption } from "./options/mount-option.ts";
export type { NamespaceMode, NetworkMode } from "./options/namespace-mode.ts";
export type { RunOptions } from "./options/options.ts";
export { OutputError } from "./output.ts";
export { catalogue } from "./plan/catalogue.ts";
export { describeOp } from "./plan/describe.ts";
export { planFromJson, planToJson } from "./plan/json.ts";
export type { Op, Place, Plan, Step } from "./plan/op.ts";
export { type PullRequest, type PushRequest, pull, push } from "./pull.ts";
export type { PulledImage } from "./registry/pull.ts";
export {
  type End,
  type RunningContainer,
  type RunRequest,
  type RunResult,
  run,
  type StreamChoice,
  start,
} from "./run.ts";
export { RunError } from "./run-error.ts";
export {
  type ApplyRequest,
  type FoundChange,
  type HostView,
  openView,
  type ViewRequest,
  type ViewRunRequest,
} from "./try/view.ts";
export { version } from "./version.ts";
