/** What an engine says of a container for the planner's tests: nothing beyond the configuration. */

import type { Setting } from "../setting.ts";

export const plainSetting: Setting = {
  id: "a",
  runRoot: "/run/pivot",
  dataRoot: "/var/lib/pivot",
  name: null,
  root: { kind: "directory", path: "/r" },
  user: null,
  groups: [],
  files: [],
  volumes: [],
  makeDirectories: [],
  streams: ["null", "null", "null"],
  terminalInput: false,
  init: false,
  rootSwitch: "pivot",
  keep: false,
  seccomp: null,
  state: "",
  pidFile: null,
  passSignals: true,
  endWithCaller: false,
  lifetime: "supervised",
  monitor: null,
  consoleSocket: null,
  preserveFds: 0,
  bundle: null,
  keptPlans: [],
};
