// What the engine is asked to do for a container: restart it, keep its output, see how it is.

import { parseBytes } from "./bytes.ts";
import { accept, type Result, refuse } from "./problem.ts";

export interface RestartChoice {
  readonly name: "no" | "always" | "unless-stopped" | "on-failure";
  readonly retries: number;
}

/** Parses `--restart`: `no`, `always`, `unless-stopped`, `on-failure[:RETRIES]`. */
export function parseRestart(given: string): Result<RestartChoice> {
  const match = /^(no|always|unless-stopped|on-failure)(?::(\d{1,9}))?$/.exec(given || "no");
  const name = match?.[1] as RestartChoice["name"] | undefined;
  if (name === undefined) {
    return refuse(
      "--restart",
      given,
      "invalid restart policy: it is no, always, unless-stopped or on-failure[:RETRIES]",
    );
  }
  if (match?.[2] !== undefined && name !== "on-failure") {
    return refuse("--restart", given, "only on-failure takes a number of retries");
  }
  return accept({ name, retries: Number(match?.[2] ?? 0) });
}

export type LogChoice =
  | { readonly name: "max-size"; readonly bytes: number }
  | { readonly name: "max-file"; readonly files: number };

/** Parses `--log-opt`: `max-size=10m`, `max-file=3`. */
export function parseLogOption(given: string): Result<LogChoice> {
  const option = "--log-opt";
  const [name, value = ""] = given.split("=", 2);
  if (name === "max-size") {
    const size = parseBytes(value, option, true);
    if (!size.ok) return size;
    return accept({ name, bytes: Math.max(0, Number(size.value)) });
  }
  if (name === "max-file" && /^[1-9]\d{0,3}$/.test(value)) {
    return accept({ name, files: Number(value) });
  }
  return refuse(option, given, "it is max-size=BYTES or max-file=NUMBER");
}

/** Parses `--log-driver`; `local` and `k8s-file` are names of the same file. */
export function parseLogDriver(given: string): Result<"json-file" | "none"> {
  if (given === "none") return accept("none");
  if (["json-file", "local", "k8s-file"].includes(given)) return accept("json-file");
  return refuse("--log-driver", given, "it is json-file or none");
}
