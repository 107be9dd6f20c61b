/** pivot as a library: what `import … from "pivot-runtime"` gives. */

export { type PreparedContainer, prepareContainer, type Source } from "./container/prepare.ts";
export { WishError } from "./container/wish-error.ts";
export { ImageError } from "./image/error.ts";
export type { RunOptions } from "./options/options.ts";
export { catalogue } from "./plan/catalogue.ts";
export { describeOp } from "./plan/describe.ts";
export { planFromJson, planToJson } from "./plan/json.ts";
export type { Op, Place, Plan, Step } from "./plan/op.ts";
export { type PullRequest, type PushRequest, pull, push } from "./pull.ts";
export {
  RunError,
  type RunningContainer,
  type RunRequest,
  type RunResult,
  run,
  type StreamChoice,
  start,
} from "./run.ts";
export {
  type ApplyRequest,
  type FoundChange,
  type HostView,
  openView,
  type ViewRequest,
  type ViewRunRequest,
} from "./try/view.ts";
export { version } from "./version.ts";
