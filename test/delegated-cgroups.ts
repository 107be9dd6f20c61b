// A part of the cgroups of version 2 that is an ordinary user's, made as systemd makes it: the service of
// the user's own manager is handed over, and the manager keeps commands in scopes below it. There is no
// systemd in it: what is the user's is the directory and the three files that systemd gives away
// (systemd.resource-control(5), "Delegate="), and the controllers those that it hands on by itself.

import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { readCgroupLayout } from "../src/host/cgroups.ts";
import { userId, whyNoUser } from "./ordinary-user.ts";

const controllers = ["cpu", "memory", "pids"];
const enabling = controllers.map((name) => `+${name}`).join(" ");

/** Why there can be no such part, in words; undefined: there can. */
export function whyNotDelegated(): string | undefined {
  const why = whyNoUser();
  if (why !== undefined) return why;
  const { mode, v2 } = readCgroupLayout();
  if (mode !== "v2" || v2 === null) return "cgroups are not of version 2 alone";
  const handed = readFileSync(`${v2.mount}/cgroup.subtree_control`, "latin1").trim().split(" ");
  const missing = controllers.filter((name) => !handed.includes(name));
  return missing.length === 0
    ? undefined
    : `the top of the cgroups does not hand ${missing.join(", ")} on`;
}

export class DelegatedCgroups {
  /** Of root: what a login makes, and no part of what is delegated. */
  readonly session: string;
  /** Of the user, with controllers; containers get theirs here. */
  readonly slice: string;
  /** Of the user: where `systemd-run --user --scope` starts a command. */
  readonly scope: string;
  readonly #directories: readonly string[];

  constructor() {
    const top = `${readCgroupLayout().v2?.mount}/user-test-${process.pid}.slice`;
    const service = `${top}/user@${userId}.service`;
    this.session = `${top}/session-1.scope`;
    this.slice = `${service}/app.slice`;
    this.scope = `${this.slice}/run-1.scope`;
    this.#directories = [top, this.session, service, this.slice, this.scope];
    mkdirSync(top);
    writeFileSync(`${top}/cgroup.subtree_control`, enabling);
    mkdirSync(this.session);
    mkdirSync(service);
    for (const file of ["", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"]) {
      chownSync(service + file, userId, userId);
    }
    const script = `mkdir -p "$1" && echo "${enabling}" >"$0/cgroup.subtree_control"`;
    const as = ["--reuid", `${userId}`, "--regid", `${userId}`, "--clear-groups"];
    const { status, stderr } = spawnSync(
      "setpriv",
      [...as, "sh", "-c", script, service, this.scope],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`the user could not make a scope: ${stderr}`);
  }

  /** Throws where anything is in it, such as a container's cgroup. */
  remove(): void {
    for (const directory of this.#directories.toReversed()) rmdirSync(directory);
  }
}
