// What has to be known of the validation programs beforehand, beside why some cannot pass.

/** These print nothing when all is well: that the runtime refused is all they look for. */
const silent = new Set(["process_capabilities_fail", "process_rlimits_fail"]);

/** These report no test, only an error when there is one. */
const uncounted = new Set([
  "hooks",
  "poststart",
  "poststart_fail",
  "poststop",
  "poststop_fail",
  "prestart",
  "prestart_fail",
]);

/** These work on cgroups of version 1, of the same names each: one at a time on a machine. */
const cgroup = /^(linux_cgroups_|delete_resources$|delete_only_create_resources$)/;

/**
 * How often a program may try: killsig sends its signal without waiting for the trap to be set, and
 * poststart compares two processes that start at once.
 */
export const triesOf = (program: string): number =>
  program === "killsig" || program === "poststart" ? 4 : 1;

export const isSilent = (program: string): boolean => silent.has(program);
export const countsNoTests = (program: string): boolean => uncounted.has(program);
export const sharesCgroups = (program: string): boolean => cgroup.test(program);

/** The cgroups that they name, below each version 1 controller; children first. */
export const sharedCgroups = [
  "cgrouptest",
  "testdir/cgrouptest/container",
  "testdir/cgrouptest",
  "testdir",
];
