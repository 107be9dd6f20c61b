/**
 * `--change` of commit and import: one Dockerfile instruction, applied to an image's config.
 *
 * @see https://docs.docker.com/reference/cli/docker/container/commit/#change
 */
import { posix } from "node:path";
import { expand, type Lookup, parseList, parsePairs, splitWords } from "./change-words.ts";
import { ImageError, quote } from "./error.ts";

/**
 * The `config` of an image's document, as it is written there. Fields that no change is about
 * stay as they are.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/config.md
 */
export type ConfigDocument = {
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Env?: readonly string[] | null;
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  readonly StopSignal?: string;
  /** Times in nanoseconds. */
  readonly Healthcheck?: Readonly<Record<string, unknown>> | null;
  readonly OnBuild?: readonly string[] | null;
  readonly Shell?: readonly string[] | null;
  readonly [other: string]: unknown;
};

type Wish = {
  readonly config: ConfigDocument;
  /** What stands behind the instruction's name. */
  readonly rest: string;
  /** The change as it was given, for messages. */
  readonly whole: string;
  readonly lookup: Lookup;
  /** An earlier change has said what to run: ENTRYPOINT then leaves it. */
  readonly hasCmd: boolean;
};

const portsMax = 65_535;

const wrong = (whole: string, what: string) =>
  new ImageError("unsupported", `--change ${quote(whole)}: ${what}`);

/** A list in JSON, or a line for the shell. */
function commandOf({ config, rest }: Wish): string[] {
  const list = parseList(rest);
  if (list !== undefined) return list;
  const shell = config.Shell ?? [];
  return [...(shell.length > 0 ? shell : ["/bin/sh", "-c"]), rest];
}

function setEnv(list: readonly string[], pairs: readonly [string, string][]): string[] {
  const result = [...list];
  for (const [name, value] of pairs) {
    const at = result.findIndex((entry) => entry.startsWith(`${name}=`));
    if (at < 0) result.push(`${name}=${value}`);
    else result[at] = `${name}=${value}`;
  }
  return result;
}

/** `80`, `80/udp` or `8000-8010/tcp` as the keys that the document has. */
function portsOf(word: string, whole: string): string[] {
  const parts = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word);
  const first = Number(parts?.[1]);
  const last = Number(parts?.[2] ?? parts?.[1]);
  if (parts === null || first > last || last > portsMax) {
    throw wrong(whole, `${quote(word)} is no port, such as 80, 53/udp or 8000-8010/tcp`);
  }
  const protocol = (parts[3] ?? "tcp").toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${protocol}`);
}

const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

function durationOf(text: string, whole: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (text === "0") return 0;
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    throw wrong(whole, `${quote(text)} is no time, such as 30s or 1m30s`);
  }
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * (nanoseconds[unit ?? ""] ?? 0), 0);
}

const healthFlags: Readonly<Record<string, string>> = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
  retries: "Retries",
};

function healthcheckOf(wish: Wish): Record<string, unknown> {
  const check: Record<string, unknown> = {};
  let { rest } = wish;
  for (;;) {
    const flag = /^--([a-z-]+)=(\S+)\s*/.exec(rest);
    if (flag === null) break;
    const [all, name = "", value = ""] = flag;
    const field = healthFlags[name];
    if (field === undefined) throw wrong(wish.whole, `HEALTHCHECK has no flag --${name}`);
    if (name === "retries" && !/^\d{1,9}$/.test(value)) {
      throw wrong(wish.whole, `--retries ${quote(value)} is no number`);
    }
    check[field] = name === "retries" ? Number(value) : durationOf(value, wish.whole);
    rest = rest.slice(all.length);
  }
  if (/^none$/i.test(rest)) return { Test: ["NONE"] };
  const [, line] = /^cmd\s+([^]+)$/i.exec(rest) ?? [];
  if (line === undefined) throw wrong(wish.whole, "HEALTHCHECK is followed by CMD or NONE");
  const list = parseList(line);
  return { Test: list === undefined ? ["CMD-SHELL", line] : ["CMD", ...list], ...check };
}

const asSet = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, {}]));

const oneWord = ({ rest, lookup, whole }: Wish): string => expand(rest, lookup, whole);

const instructions: Readonly<Record<string, (wish: Wish) => ConfigDocument>> = {
  CMD: (wish) => ({ ...wish.config, Cmd: commandOf(wish) }),
  ENTRYPOINT: (wish) => ({
    ...wish.config,
    Entrypoint: commandOf(wish),
    // The command was made for the entrypoint before.
    Cmd: wish.hasCmd ? (wish.config.Cmd ?? null) : null,
  }),
  ENV: ({ config, rest, lookup, whole }) => ({
    ...config,
    Env: setEnv(config.Env ?? [], parsePairs(rest, lookup, whole)),
  }),
  LABEL: ({ config, rest, lookup, whole }) => ({
    ...config,
    Labels: { ...config.Labels, ...Object.fromEntries(parsePairs(rest, lookup, whole)) },
  }),
  EXPOSE: ({ config, rest, lookup, whole }) => ({
    ...config,
    ExposedPorts: {
      ...config.ExposedPorts,
      ...asSet(splitWords(rest).flatMap((word) => portsOf(expand(word, lookup, whole), whole))),
    },
  }),
  VOLUME: ({ config, rest, lookup, whole }) => ({
    ...config,
    Volumes: {
      ...config.Volumes,
      ...asSet((parseList(rest) ?? splitWords(rest)).map((word) => expand(word, lookup, whole))),
    },
  }),
  USER: (wish) => ({ ...wish.config, User: oneWord(wish) }),
  WORKDIR: (wish) => ({
    ...wish.config,
    WorkingDir: posix.resolve("/", wish.config.WorkingDir ?? "", oneWord(wish)),
  }),
  STOPSIGNAL: (wish) => ({ ...wish.config, StopSignal: oneWord(wish) }),
  HEALTHCHECK: (wish) => ({ ...wish.config, Healthcheck: healthcheckOf(wish) }),
  ONBUILD: ({ config, rest, whole }) => {
    if (/^(?:onbuild|from|maintainer)\b/i.test(rest)) {
      throw wrong(whole, "ONBUILD cannot hold ONBUILD, FROM or MAINTAINER");
    }
    return { ...config, OnBuild: [...(config.OnBuild ?? []), rest] };
  },
};

/** The instructions that a change may be. */
export const changeInstructions: readonly string[] = Object.keys(instructions).sort();

/**
 * A config with changes applied, in the order in which they are given.
 *
 * @param changes a Dockerfile instruction each, such as `ENV DEBUG=1` or `CMD ["sh"]`
 * @throws ImageError `unsupported`, one line that quotes the change
 */
export function applyChanges(config: ConfigDocument, changes: readonly string[]): ConfigDocument {
  let result = config;
  let hasCmd = false;
  for (const whole of changes) {
    const [, word = "", rest = ""] = /^\s*([A-Za-z]+)(?:\s+([^]*?))?\s*$/.exec(whole) ?? [];
    const name = word.toUpperCase();
    const apply = Object.hasOwn(instructions, name) ? instructions[name] : undefined;
    if (apply === undefined) {
      throw wrong(whole, `it begins with none of ${changeInstructions.join(", ")}`);
    }
    if (rest === "") throw wrong(whole, `${name} says nothing`);
    const env = result.Env ?? [];
    const lookup: Lookup = (variable) =>
      env.find((entry) => entry.startsWith(`${variable}=`))?.slice(variable.length + 1);
    result = apply({ config: result, rest, whole, lookup, hasCmd });
    hasCmd = hasCmd || name === "CMD";
  }
  return result;
}
