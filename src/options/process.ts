// The process of a container's configuration.

import type { Process, User } from "../spec/mod.ts";
import { capabilitySet } from "./capability.ts";
import { commandLine } from "./command.ts";
import { wholeNumber } from "./count.ts";
import { beyondEgress, egressConflict } from "./egress.ts";
import { containerEnvironment } from "./environment.ts";
import type { ContainerFacts } from "./facts.ts";
import type { ImageConfig } from "./image-config.ts";
import type { Names } from "./namespaces.ts";
import type { RunOptions } from "./options.ts";
import { cleanPath, isAbsolute } from "./path.ts";
import type { Findings } from "./problem.ts";
import { rlimitOf } from "./ulimit.ts";

interface ProcessView {
  readonly names: Names;
  readonly facts: ContainerFacts;
  readonly findings: Findings;
}

/** What runs in the container first; as whom, is for the runtime to find out. */
export function containerProcess(
  image: ImageConfig | null,
  command: readonly string[],
  options: RunOptions,
  { names, facts, findings }: ProcessView,
): Process {
  const args = commandLine(image, command, options.entrypoint);
  if (args.length === 0) {
    findings.problem("COMMAND", null, "no command specified, and the image has none");
  }
  const nul = args.find((arg) => arg.includes("\0"));
  if (nul !== undefined) findings.problem("COMMAND", nul, "an argument has no NUL character");
  const wish = {
    privileged: options.privileged === true,
    add: options.capAdd ?? [],
    drop: [...(options.capDrop ?? []), ...(options.egress === undefined ? [] : beyondEgress)],
  };
  const conflict =
    options.egress === undefined ? null : egressConflict(wish.privileged, options.capAdd ?? []);
  if (conflict !== null) {
    findings.problem(
      "--egress",
      null,
      `conflicting options: with ${conflict} a container is held to no list: leave one of them out`,
    );
  }
  const capabilities = capabilitySet(wish, facts.capabilities, findings);
  const rlimits = (options.ulimits ?? []).flatMap((limit) => findings.take(rlimitOf(limit)) ?? []);
  const { apparmor, noNewPrivileges } = options.securityOpt ?? {};
  const oomScoreAdj = wholeNumber(options.oomScoreAdj, "--oom-score-adj", findings, {
    min: -1000n,
    max: 1000n,
  });
  const tty = options.tty === true;
  const source = { image: image?.Env ?? [], hostname: names.hostname, tty };
  return {
    ...(tty ? { terminal: true } : {}),
    user: userOf(options, findings),
    args,
    env: containerEnvironment(options.env ?? {}, source, findings),
    cwd: workingDirectory(image, options, findings),
    // Not inheritable: files could else pass them on to who should not have them.
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    ...(rlimits.length === 0 ? {} : { rlimits }),
    ...(noNewPrivileges === true ? { noNewPrivileges } : {}),
    ...(apparmor === undefined || apparmor === "unconfined" ? {} : { apparmorProfile: apparmor }),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj: Number(oomScoreAdj) }),
  };
}

function userOf({ umask }: RunOptions, findings: Findings): User {
  const mask = wholeNumber(umask, "--umask", findings, { max: 0o777n });
  return { uid: 0, gid: 0, ...(mask === undefined ? {} : { umask: Number(mask) }) };
}

function workingDirectory(
  image: ImageConfig | null,
  { workdir }: RunOptions,
  findings: Findings,
): string {
  const cwd = (workdir || image?.WorkingDir) ?? "";
  if (cwd === "") return "/";
  if (!isAbsolute(cwd) || cwd.includes("\0")) {
    const option = workdir ? "-w, --workdir" : "IMAGE";
    findings.problem(option, cwd, "the working directory needs to be an absolute path");
  }
  return cleanPath(cwd);
}
