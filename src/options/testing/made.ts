// A container's configuration for tests: made, or an error with all lines of what is wrong.

import type { Linux, Process, Spec } from "../../spec/mod.ts";
import { containerSpec } from "../container-spec.ts";
import type { ContainerExtras } from "../extras.ts";
import type { ContainerFacts } from "../facts.ts";
import type { ImageConfig } from "../image-config.ts";
import type { RunOptions } from "../options.ts";
import { formatOptionProblem } from "../problem.ts";
import { hostFacts } from "./facts.ts";

export interface Made {
  readonly spec: Spec;
  readonly extras: ContainerExtras;
  readonly process: Process;
  readonly linux: Linux;
}

/** The container that runs `sh` with these options. */
export function made(
  options: RunOptions,
  facts: ContainerFacts = hostFacts,
  image: ImageConfig | null = null,
): Made {
  const result = containerSpec(image, ["sh"], options, facts);
  if (!result.ok) throw new Error(result.problems.map(formatOptionProblem).join("\n"));
  const { process, linux } = result.spec;
  if (process === undefined || linux === undefined) throw new Error("no process, or no linux");
  return { spec: result.spec, extras: result.extras, process, linux };
}

/** All that is wrong with the options, a line each. */
export function linesOf(options: RunOptions, facts: ContainerFacts = hostFacts): readonly string[] {
  const result = containerSpec(null, ["sh"], options, facts);
  return result.ok ? [] : result.problems.map(formatOptionProblem);
}

/** The mount at a path, or none. */
export function mountAt(
  { spec }: Made,
  path: string,
): NonNullable<Spec["mounts"]>[number] | undefined {
  return spec.mounts?.find(({ destination }) => destination === path);
}
