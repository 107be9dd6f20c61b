/** Carries the probes out, all at once, and says what came of them. */

import { executePlan, type Outcome } from "../executor/spawn.ts";
import { enforcedProfile, profileCure } from "../host/confinement.ts";
import { isFiltered, whyNoNamespace } from "../host/why-no-namespace.ts";
import { describeErrno } from "../plan/errno.ts";
import type { Op } from "../plan/op.ts";
import { type Diagnosis, diagnosis } from "./diagnosis.ts";
import { type Probe, type ProbeWish, probesFor } from "./probes.ts";

/** Milliseconds until a probe that hangs is given up. */
const patience = 5_000;

async function outcomeOf({ plan }: Probe): Promise<Outcome | null> {
  const { outcome, child } = executePlan(plan, "ignore");
  const timer = setTimeout(() => child.kill("SIGTERM"), patience);
  try {
    return await outcome;
  } finally {
    clearTimeout(timer);
  }
}

const EPERM = 1;
const EACCES = 13;
const ENOSPC = 28;
const ENOSYS = 38;

/** What fails before the probe has come to its point has one of a few reasons. */
function commonCure(op: Op["op"] | undefined, errno: number): string | null {
  const isNamespace = op === "unshare" || op === "clone" || op === "user_namespace";
  if (isNamespace && errno === ENOSPC) return "sudo sysctl -w user.max_user_namespaces=15000";
  const isRefusal = errno === EPERM || errno === ENOSYS;
  const isRoot = process.geteuid?.() === 0;
  const profile = errno === EACCES || (isRefusal && isNamespace) ? enforcedProfile() : null;
  if (profile !== null && !isFiltered()) return profileCure(profile);
  if (isRefusal && isNamespace && (!isRoot || isFiltered())) {
    return whyNoNamespace({ stage: "namespace", errno, text: "" }).cure;
  }
  return isRoot && isRefusal && (isNamespace || op === "mount_setattr")
    ? "run pivot outside of other containers, or in one that is privileged"
    : null;
}

async function diagnose(probe: Probe): Promise<Diagnosis> {
  const { about, level, needs, cure, plan } = probe;
  const outcome = await outcomeOf(probe);
  const failure = outcome?.failure ?? null;
  if (failure === null) return diagnosis("ok", about, "tried: it works", needs);
  const step = plan.steps[failure.step];
  const what = failure.text === "" ? "" : ` (${failure.text})`;
  const says = `${step?.op.op ?? "the executor"} gives ${describeErrno(failure.errno)}${what}`;
  return diagnosis(
    level,
    about,
    says,
    needs,
    commonCure(step?.op.op, failure.errno) ?? cure(failure.errno, step?.op),
  );
}

export const tryProbes = (wish: ProbeWish): Promise<Diagnosis[]> =>
  Promise.all(probesFor(wish).map(diagnose));
