/** What the engine's flags come to. */

import type { EngineWish, HealthWish } from "../engine/options.ts";
import { parseDuration } from "../options/duration.ts";
import { parseLogDriver, parseLogOption, parseRestart } from "../options/engine.ts";
import { accept, Findings, formatOptionProblem, type Result, refuse } from "../options/problem.ts";
import type { ParsedArguments } from "./arguments.ts";

const wholeNumber =
  (option: string, least: number) =>
  (given: string): Result<number> => {
    const value = /^-?\d{1,9}$/.test(given) ? Number(given) : Number.NaN;
    return value >= least
      ? accept(value)
      : refuse(option, given, `it is a whole number from ${least} on`);
  };

class Reader {
  readonly findings = new Findings();
  readonly #flags: ParsedArguments["flags"];

  constructor({ flags }: ParsedArguments) {
    this.#flags = flags;
  }

  text = (name: string): string | undefined => this.#flags.get(name)?.at(-1);

  last<T>(name: string, parse: (given: string) => Result<T>): T | undefined {
    const given = this.text(name);
    return given === undefined ? undefined : this.findings.take(parse(given));
  }

  all<T>(name: string, parse: (given: string) => Result<T>): T[] {
    return (this.#flags.get(name) ?? []).flatMap((given) => this.findings.take(parse(given)) ?? []);
  }
}

function readHealth(reader: Reader): HealthWish {
  const duration = (name: string) =>
    reader.last(name, (given) => parseDuration(given, `--${name}`));
  const command = reader.text("health-cmd");
  const wish = {
    command: command === undefined ? undefined : ["/bin/sh", "-c", command],
    interval: duration("health-interval"),
    timeout: duration("health-timeout"),
    startPeriod: duration("health-start-period"),
    startInterval: duration("health-start-interval"),
    retries: reader.last("health-retries", wholeNumber("--health-retries", 0)),
  };
  const given = Object.entries(wish).filter(([, value]) => value !== undefined);
  if (reader.text("no-healthcheck") !== "true") return Object.fromEntries(given);
  if (given.length > 0) {
    reader.findings.problem("--no-healthcheck", "true", "it conflicts with --health-… options");
  }
  return "none";
}

/** The options, or every problem in a line of its own. */
export function readEngineWish(given: ParsedArguments): {
  readonly wish: EngineWish;
  readonly problems: readonly string[];
} {
  const reader = new Reader(given);
  const log = reader.all("log-opt", parseLogOption);
  const maxBytes = log.findLast((each) => each.name === "max-size");
  const files = log.findLast((each) => each.name === "max-file");
  const wish: EngineWish = {
    restart: reader.last("restart", parseRestart) ?? { name: "no", retries: 0 },
    stopTimeout: reader.last("stop-timeout", wholeNumber("--stop-timeout", -1)) ?? 10,
    health: readHealth(reader),
    log: {
      driver: reader.last("log-driver", parseLogDriver) ?? "json-file",
      maxBytes: maxBytes?.bytes ?? 0,
      files: files?.files ?? 1,
    },
  };
  if (wish.restart.name !== "no" && reader.text("rm") === "true") {
    reader.findings.problem("--restart", wish.restart.name, "it conflicts with --rm");
  }
  return { wish, problems: reader.findings.problems.map(formatOptionProblem) };
}
