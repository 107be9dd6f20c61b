// Where one validation program meets one runtime: directories of their own, a wrapper that gives the
// runtime a root of its own, namespaces that end with the program, and the removal of what is left.

import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { sharedCgroups, sharesCgroups } from "./programs.ts";
import type { Ended } from "./verdict.ts";

const ground = new URL("../../build/conformance/", import.meta.url).pathname;

/** Programs that have not ended by then are ended; the slowest need a fifth of it. In milliseconds. */
const programLimit = 120_000;
const deletionLimit = 30_000;

/** The hybrid layout's mount of version 2, which crun cannot live with. */
const unified = "/sys/fs/cgroup/unified";

export type Runtime = { readonly name: string; readonly path: string };

/** Runs a program, and removes what it and the runtime left: nothing else. */
export async function meet(program: string, runtime: Runtime): Promise<Ended> {
  const place = mkdtempSync(`${tmpdir()}/pivot-conformance-`);
  try {
    // A container's user must be able to reach its root, which lies below.
    chmodSync(place, 0o711);
    for (const name of ["tmp", "run", "state"]) mkdirSync(`${place}/${name}`);
    writeFileSync(`${place}/runtime`, wrapper(place, runtime.path), { mode: 0o755 });
    writeFileSync(`${place}/created`, "");
    return await inNamespaces(place, [`${ground}programs/${program}`], programLimit);
  } finally {
    await deleteContainers(place);
    if (sharesCgroups(program)) for (const name of sharedCgroups) removeCgroup(name);
    rmSync(place, { recursive: true, force: true });
  }
}

/** Notes each id that it is asked to create, so that what is left can be deleted by name. */
const wrapper = (place: string, path: string): string => `#!/bin/sh
if [ "$1" = create ]; then
  for last; do :; done
  echo "$last" >>'${place}/created'
fi
exec '${path}' --root '${place}/state' "$@"
`;

/**
 * A pid namespace, so that nothing outlives the program, with a shell as its first process, which
 * reaps; and a mount namespace, so that no mount is left, without the hybrid layout's mount.
 */
function inNamespaces(place: string, words: readonly string[], limit: number): Promise<Ended> {
  const script = `! mountpoint -q ${unified} || umount -l ${unified}; "$@"; exit $?`;
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const child = spawn("unshare", [...namespaces, "sh", "-c", script, "sh", ...words], {
    cwd: `${ground}ground`,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      RUNTIME: `${place}/runtime`,
      TMPDIR: `${place}/tmp`,
      XDG_RUNTIME_DIR: `${place}/run`,
    },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (bytes) => {
    stdout += bytes;
  });
  child.stderr.on("data", (bytes) => {
    stderr += bytes;
  });
  return new Promise((resolve, reject) => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, limit);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, timedOut, stdout, stderr });
    });
  });
}

async function deleteContainers(place: string): Promise<void> {
  const ids = readFileSync(`${place}/created`, "utf8")
    .split("\n")
    .filter((id) => id !== "");
  // One that the program deleted is unknown to the runtime, which then says so; that is all right.
  const script = `for id; do ${place}/runtime delete --force "$id"; done >/dev/null 2>&1; :`;
  await inNamespaces(place, ["sh", "-c", script, "sh", ...new Set(ids)], deletionLimit);
}

/** A program that fails may leave a cgroup; one with a process in it stays. */
function removeCgroup(name: string): void {
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const path = `${before.split(" ")[4]}/${name}`;
    if (!after.startsWith("cgroup") || !existsSync(path)) continue;
    try {
      rmdirSync(path);
    } catch (error) {
      console.error(`pivot: ${path} is left: ${String(error)}`);
    }
  }
}
