/**
 * Whether a request of the library's is one, for callers whose types are not checked: what is misspelt
 * would be left out without a word, and a mount with `readOnly: true` can be written to.
 */

import { fieldProblems, isObject, isText, type Kind, type Kinds, received } from "./check-value.ts";
import type { Roots } from "./container/roots.ts";
import { WishError } from "./container/wish-error.ts";
import type { BindMount, TmpfsMount, VolumeMount } from "./options/mount-option.ts";
import type { RunChoices } from "./options/options.ts";
import type { SecurityOptions } from "./options/security.ts";
import type { PullRequest, PushRequest } from "./pull.ts";
import type { RunRequest, StreamRequest } from "./run.ts";
import type { ApplyRequest, ViewRequest, ViewRunRequest } from "./try/view.ts";

const namespace = (more: readonly string[] = [], or = '{ container: "NAME" }'): Kind => ({
  words: ["private", "host", ...more],
  or,
});

const bind: Readonly<Record<keyof BindMount, Kind>> = {
  type: "text",
  source: "text",
  target: "text",
  readonly: "flag",
  recursive: "text",
  propagation: "text",
  relabel: "text",
  createSource: "flag",
  chown: "flag",
  idmap: "any",
};

const tmpfs: Readonly<Record<keyof TmpfsMount, Kind>> = {
  type: "text",
  target: "text",
  readonly: "flag",
  size: "count",
  mode: "number",
  options: "texts",
};

const volume: Readonly<Record<keyof VolumeMount, Kind>> = {
  type: "text",
  source: "text",
  anonymous: "flag",
  target: "text",
  readonly: "flag",
  noCopy: "flag",
  subpath: "text",
  labels: "textsByName",
  driver: "text",
  driverOptions: "textsByName",
  chown: "flag",
  idmap: "any",
};

const securityOpt: Readonly<Record<keyof SecurityOptions, Kind>> = {
  seccomp: "any",
  noNewPrivileges: "flag",
  apparmor: "text",
  labels: "texts",
  systemPaths: { words: ["unconfined"] },
  mask: "texts",
  unmask: "any",
};

/** Of a request: its streams say what `interactive` would, and a terminal there is none. */
type OptionName = Exclude<keyof RunChoices, "interactive" | "tty">;

const optionKinds: Readonly<Record<OptionName, Kind>> = {
  name: "text",
  rm: "flag",
  labels: "textsByName",
  annotations: "textsByName",
  user: "text",
  groupAdd: "texts",
  workdir: "text",
  env: "textsByName",
  entrypoint: "texts",
  init: "flag",
  // A name or a number: looked at where it is read.
  stopSignal: "any",
  signalProxy: "flag",
  umask: "number",
  ulimits: "list",
  oomScoreAdj: "number",
  readOnly: "flag",
  rootPropagation: "text",
  rootSwitch: { words: ["pivot", "chroot", "move"] },
  mounts: { each: { bind, tmpfs, volume } },
  volumesFrom: "texts",
  tmpfs: "textsByName",
  shmSize: "count",
  devices: "list",
  dns: "texts",
  dnsSearch: "texts",
  dnsOptions: "texts",
  addHosts: "list",
  procOptions: "object",
  privileged: "flag",
  capAdd: "texts",
  capDrop: "texts",
  securityOpt: { fields: securityOpt },
  deviceCgroupRules: "list",
  hostname: "text",
  domainname: "text",
  pid: namespace(),
  network: namespace(["none"], '{ network: "NAME" }'),
  ipc: namespace(["shareable", "none"]),
  uts: namespace(),
  cgroupns: namespace(),
  userns: namespace(["nomap"], "{ auto: {} }"),
  uidMap: "list",
  gidMap: "list",
  subuidName: "text",
  subgidName: "text",
  timeOffsets: "object",
  sysctls: "textsByName",
  networks: "list",
  ip: "text",
  ip6: "text",
  macAddress: "text",
  networkAliases: "texts",
  publish: "list",
  publishAll: "flag",
  expose: "list",
  egress: "texts",
  memory: "count",
  memorySwap: "count",
  memoryReservation: "count",
  memorySwappiness: "number",
  oomKillDisable: "flag",
  cpus: "number",
  cpuShares: "count",
  cpuPeriod: "count",
  cpuQuota: "count",
  cpusetCpus: "text",
  cpusetMems: "text",
  pidsLimit: "count",
  blkioWeight: "number",
  blkioWeightDevice: "list",
  deviceReadBps: "list",
  deviceWriteBps: "list",
  deviceReadIops: "list",
  deviceWriteIops: "list",
};

type OwnName = Exclude<keyof RunRequest, keyof RunChoices>;

const roots: Readonly<Record<keyof Roots, Kind>> = { runRoot: "text", dataRoot: "text" };

const ownKinds: Readonly<Record<OwnName, Kind>> = {
  image: "text",
  rootfs: "text",
  bundle: "text",
  pull: { words: ["always", "missing", "never"] },
  platform: "text",
  command: "texts",
  // These are looked at by `streamProblems`.
  stdin: "any",
  stdout: "any",
  stderr: "any",
  signal: "any",
  timeout: "any",
  maxOutput: "any",
  roots: { fields: roots },
};

const streamChoices: ReadonlySet<unknown> = new Set(["pipe", "inherit", "ignore", undefined]);

/** What is wrong with a program's streams, its signal and its time. */
function streamProblems(request: StreamRequest): string[] {
  const problems: string[] = [];
  const { stdin, signal, timeout, maxOutput } = request;
  if (stdin !== undefined && !isText(stdin) && !(stdin instanceof Uint8Array)) {
    problems.push(
      `stdin: it is a string, a Uint8Array, "pipe", "inherit" or "ignore", and not ${received(stdin)}; a stream is piped into the stdin of what start gives`,
    );
  }
  for (const name of ["stdout", "stderr"] as const) {
    if (!streamChoices.has(request[name])) {
      problems.push(`${name}: it is "pipe", "inherit" or "ignore"`);
    }
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    problems.push(`signal: it is an AbortSignal, and not ${received(signal)}`);
  }
  if (timeout !== undefined && !(typeof timeout === "number" && timeout >= 0)) {
    problems.push(`timeout: it is a number of milliseconds, and not ${received(timeout)}`);
  }
  if (maxOutput !== undefined && !(typeof maxOutput === "number" && maxOutput >= 0)) {
    problems.push(`maxOutput: it is a number of bytes, and not ${received(maxOutput)}`);
  }
  return problems;
}

/** @throws WishError with all that is wrong with the streams, the signal and the times */
export function checkStreams(request: StreamRequest): void {
  const problems = streamProblems(request);
  if (problems.length > 0) throw new WishError(problems);
}

function check(problems: readonly string[]): void {
  if (problems.length > 0) throw new WishError(problems);
}

const notAnObject = ["a request is an object: { image, command, … }"];
const requestKinds: Kinds = { ...optionKinds, ...ownKinds };

/** @throws WishError with all that is wrong with it, a line each */
export function checkRequest(request: RunRequest): void {
  if (!isObject(request)) throw new WishError(notAnObject);
  const { image, rootfs, bundle } = request;
  const isOne = [image, rootfs, bundle].filter((each) => each !== undefined).length === 1;
  check([
    ...fieldProblems(request, requestKinds),
    ...(isOne ? [] : ["name one of image, rootfs and bundle"]),
    ...streamProblems(request),
  ]);
}

const viewKinds: Readonly<Record<keyof ViewRequest, Kind>> = {
  name: "text",
  cwd: "text",
  roots: { fields: roots },
};

/** @throws WishError, as `checkRequest` */
export const checkView = (request: ViewRequest): void => check(fieldProblems(request, viewKinds));

const viewRunKinds: Readonly<Record<keyof ViewRunRequest, Kind>> = {
  command: "texts",
  env: "textsByName",
  share: "texts",
  hide: "texts",
  show: "texts",
  network: namespace(["none"]),
  memory: "count",
  cpus: "number",
  pidsLimit: "count",
  stdin: "any",
  stdout: "any",
  stderr: "any",
  signal: "any",
  timeout: "any",
  maxOutput: "any",
};

/** @throws WishError, as `checkRequest` */
export function checkViewRun(request: ViewRunRequest): void {
  if (!isObject(request)) throw new WishError(notAnObject);
  const hasCommand = Array.isArray(request.command) && request.command.length > 0;
  check([
    ...fieldProblems(request, viewRunKinds),
    ...(hasCommand ? [] : ["command: name a program to run"]),
    ...streamProblems(request),
  ]);
}

const applyKinds: Readonly<Record<keyof ApplyRequest, Kind>> = {
  paths: "texts",
  force: "flag",
  allowPrivileged: "flag",
  dryRun: "flag",
};

/** @throws WishError: of a misspelt `paths` everything would be applied */
export const checkApply = (request: ApplyRequest): void =>
  check(fieldProblems(request, applyKinds));

const registryKinds: Readonly<Record<keyof PullRequest & keyof PushRequest, Kind>> = {
  dataRoot: "text",
  platform: "text",
  env: "object",
  settings: "object",
  findCredentials: "function",
  patience: "object",
  signal: "any",
  authoritiesOf: "function",
  onRetry: "function",
  parallel: "number",
  onProgress: "function",
};

const pullKinds: Readonly<Record<keyof PullRequest, Kind>> = {
  ...registryKinds,
  limits: "object",
  executorArguments: "texts",
  ignoreOwner: "flag",
  rootless: "any",
  sync: "any",
};
const pushKinds: Readonly<Record<keyof PushRequest, Kind>> = {
  ...registryKinds,
  chunkBytes: "number",
};

/** @throws WishError, as `checkRequest` */
export const checkPull = (request: PullRequest): void => check(fieldProblems(request, pullKinds));
/** @throws WishError, as `checkRequest` */
export const checkPush = (request: PushRequest): void => check(fieldProblems(request, pushKinds));
