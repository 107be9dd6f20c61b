/**
 * Whether a request of the library's is one, for callers whose types are not checked: an option that
 * is misspelt would be left out without a word, and `{ readonly: true }` is no read-only root.
 */

import { suggest } from "./cli/suggest.ts";
import { WishError } from "./container/wish-error.ts";
import type { RunChoices } from "./options/options.ts";
import type { RunRequest, StreamRequest } from "./run.ts";

/** What a value has to be; what of it makes sense is found out where it is used. */
type Kind =
  | "text"
  | "texts"
  | "textsByName"
  | "flag"
  | "number"
  | "count"
  | "list"
  | "object"
  | readonly string[]; // one of these words, or an object

const namespaceWords = ["private", "host"] as const;

/** Of a request: its streams say what `interactive` would, and a terminal there is none. */
type OptionName = Exclude<keyof RunChoices, "interactive" | "tty">;

const optionKinds: Readonly<Record<OptionName, Kind | null>> = {
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
  stopSignal: null,
  signalProxy: "flag",
  umask: "number",
  ulimits: "list",
  oomScoreAdj: "number",
  readOnly: "flag",
  rootPropagation: "text",
  rootSwitch: ["pivot", "chroot", "move"],
  mounts: "list",
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
  securityOpt: "object",
  deviceCgroupRules: "list",
  hostname: "text",
  domainname: "text",
  pid: namespaceWords,
  network: [...namespaceWords, "none"],
  ipc: [...namespaceWords, "shareable", "none"],
  uts: namespaceWords,
  cgroupns: namespaceWords,
  userns: [...namespaceWords, "nomap"],
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

const ownKinds: Readonly<Record<OwnName, Kind | null>> = {
  image: "text",
  rootfs: "text",
  bundle: "text",
  pull: ["always", "missing", "never"],
  command: "texts",
  // These are looked at by `streamProblems`.
  stdin: null,
  stdout: null,
  stderr: null,
  signal: null,
  timeout: null,
  maxOutput: null,
  roots: "object",
};

const isText = (value: unknown): boolean => typeof value === "string";
const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Why a value is not of its kind; null: it is. */
function mismatch(kind: Kind, value: unknown): string | null {
  if (typeof kind === "object") {
    const isFine = isObject(value) || (isText(value) && kind.includes(value as string));
    return isFine ? null : `${kind.map((word) => `"${word}"`).join(", ")} or an object`;
  }
  switch (kind) {
    case "text":
      return isText(value) ? null : "a string";
    case "texts":
      return Array.isArray(value) && value.every(isText) ? null : "an array of strings";
    case "textsByName":
      return isObject(value) && Object.values(value).every((each) => each === null || isText(each))
        ? null
        : "an object of strings";
    case "flag":
      return typeof value === "boolean" ? null : "true or false";
    case "number":
      return typeof value === "number" ? null : "a number";
    case "count":
      return typeof value === "number" || typeof value === "bigint" ? null : "a number or a bigint";
    case "list":
      return Array.isArray(value) && value.every(isObject) ? null : "an array of objects";
    case "object":
      return isObject(value) ? null : "an object";
  }
}

/** A value in words, and never all of a long one: a stdin may be megabytes, a variable a secret. */
function received(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (value === null || typeof value === "number" || typeof value === "boolean") return `${value}`;
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

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

/** @throws WishError with all that is wrong with it, a line each */
export function checkRequest(request: RunRequest): void {
  if (!isObject(request)) throw new WishError(["a request is an object: { image, command, … }"]);
  const kinds: Readonly<Record<string, Kind | null>> = { ...optionKinds, ...ownKinds };
  const problems = Object.entries(request).flatMap(([name, value]) => {
    const kind = kinds[name];
    if (kind === undefined) {
      const meant = suggest(name, Object.keys(kinds));
      return [`${name}: there is no such option${meant === null ? "" : `; is it ${meant}?`}`];
    }
    const wanted = kind === null || value === undefined ? null : mismatch(kind, value);
    return wanted === null ? [] : [`${name}: it is ${wanted}, and not ${received(value)}`];
  });
  const { image, rootfs, bundle } = request;
  if ([image, rootfs, bundle].filter((each) => each !== undefined).length !== 1) {
    problems.push("name one of image, rootfs and bundle");
  }
  problems.push(...streamProblems(request));
  if (problems.length > 0) throw new WishError(problems);
}
