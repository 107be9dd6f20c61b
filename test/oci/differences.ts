// Where the peers, runc 1.1.5 and crun 1.8.1, do not meet a demand of these tests: because the
// specification leaves room, because they are older than the demand, or because they are wrong.

export type Difference = {
  readonly why: string;
  /** false: trying it would hang, or would harm. */
  readonly run?: false;
  /** false: a matter of timing, or of how the peer was built: the demand may be met too. */
  readonly always?: false;
};

const noVersion = (version: string) =>
  [
    `ociVersion ${version} is refused`,
    { runc: { why: "it does not look at ociVersion" } },
  ] as const;
const oddId = (id: string) =>
  [
    `${id} is refused in one line by create, and nothing is made`,
    { crun: { why: "it takes any name of a file" } },
  ] as const;

/** By the name of the test. */
export const differences: Readonly<
  Record<string, { readonly runc?: Difference; readonly crun?: Difference }>
> = {
  // ── lifecycle ──────────────────────────────────────────────────────────────────────────────
  "the error for what is not there names it": { runc: { why: "container does not exist" } },
  "events for what is not there is an error": { crun: { why: "it has no events" } },
  "run --keep leaves the container stopped": { crun: { why: "it has no --keep" } },

  // ── hostile ────────────────────────────────────────────────────────────────────────────────
  "no program is found by way of a descriptor of the caller": {
    crun: { why: "it closes them by execve alone: CVE-2024-21626, by the program" },
  },
  "a created container holds nothing of the caller's, nor of the host's files": {
    crun: { why: "it keeps the caller's until the start" },
  },
  "list says whose a container is: who owns its state directory": {
    crun: { why: "it goes by who made the container" },
  },
  "delete of several containers takes all of them away": {
    runc: { why: "it takes one" },
    crun: { why: "it takes one" },
  },
  "delete --force of several containers takes all of them away": {
    runc: { why: "it takes one" },
    crun: { why: "it takes one" },
  },
  "delete --force ends a container that `run` watches, and hooks run once": {
    runc: { why: "its `run` and its `delete` both run the poststop hooks", always: false },
    crun: { why: "its `run` and its `delete` both run the poststop hooks", always: false },
  },
  "SIGKILL ends a paused container": {
    crun: { why: "it stays frozen in a cgroup of version 1", run: false },
  },
  ...Object.fromEntries(
    [
      ["create", "createRuntime"],
      ["create", "createContainer"],
      ["start", "startContainer"],
      ["start", "poststart"],
      ["run", "poststart"],
    ].map(([command, kind]) => [
      `SIGTERM ends a ${command} of which a hook of ${kind} does not end`,
      {
        runc: { why: "the hook goes on", run: false },
        crun: { why: "the hook goes on", run: false },
      } as const,
    ]),
  ),
  "a start whose seccomp agent hangs up leaves no process that waits for it": {
    runc: { why: "who speaks to the agent does not look", run: false },
    crun: { why: "who speaks to the agent does not look", run: false },
  },

  // ── ids and bundles ────────────────────────────────────────────────────────────────────────
  'ociVersion "0.1.0" is refused': {
    runc: { why: "it does not look at ociVersion" },
    crun: { why: "it takes any that begins with 0 or 1" },
  },
  "ociVersion of 1.0.0, later minors and pre-releases are taken": {
    crun: { why: "it is of 2023 and knows 1.0 alone" },
  },
  ...Object.fromEntries(['"2.0.0"', '"garbage"', '""', '"1"', '"1.x.0"', "null"].map(noVersion)),
  "a config without ociVersion is refused": { runc: { why: "it does not look at ociVersion" } },
  "a bad id is refused by every other command, and delete --force takes nothing away": {
    crun: { why: "its delete --force .. removes the directory above the root" },
  },
  "what is not JSON is an error in one line": { runc: { why: "it panics when there is no root" } },
  ...Object.fromEntries(
    [
      "an id with a space",
      "an id with a line end",
      "an id with a backslash",
      "an id that is not ASCII",
    ].map(oddId),
  ),

  // ── state and kill ─────────────────────────────────────────────────────────────────────────
  ...Object.fromEntries(
    ["NOSUCH", "SIGNOSUCH", "9x"].map((signal) => [
      `kill of the signal "${signal}" is an error, and nothing ends`,
      { crun: { why: "an unknown name is signal 0 to it, and 9x is 9" } },
    ]),
  ),

  "kill --all reaches processes that are forked meanwhile": {
    crun: { why: "it looks for them once", always: false },
  },
  "kill --all and delete reach those a hundred cgroups deep": {
    crun: { why: "they are left alive", run: false },
  },
  "delete --force ends a container that has frozen its own first process": {
    runc: { why: "it stays frozen in a cgroup of version 1", run: false },
    crun: { why: "it stays frozen in a cgroup of version 1", run: false },
  },
  "kill --all of a paused container leaves it paused": {
    runc: { why: "it is thawed" },
    crun: { why: "it is thawed" },
  },

  // ── a runtime that was killed ──────────────────────────────────────────────────────────────
  "SIGKILL at 30 moments of create: state is true, delete --force clears, the id is free": {
    runc: { why: "cgroups are made before the state is written", always: false },
    crun: { why: "cgroups are made before the state is written", always: false },
  },

  // ── hooks ──────────────────────────────────────────────────────────────────────────────────
  "create runs prestart, createRuntime, createContainer; start the next; delete poststop": {
    runc: { why: "it runs poststart in create" },
    crun: { why: "poststart may come before startContainer", always: false },
  },
  "poststart is told the state: version, id, status running, bundle, annotations": {
    runc: { why: "it runs poststart in create, and says created" },
    crun: { why: "its ociVersion is 1.0" },
  },
  ...Object.fromEntries(
    ["poststart", "poststop"].map((kind) => [
      `${kind} that ends before it has read the state is none that failed`,
      { crun: { why: "SIGPIPE ends crun", run: false } },
    ]),
  ),
  "without env a hook has an empty environment": {
    runc: { why: "the runtime's own environment is inherited" },
    crun: { why: "the runtime's own environment is inherited" },
  },
  "startContainer that fails: start fails, the program never runs, the container ends": {
    runc: { why: "start does not wait for the hook" },
    crun: { why: "start does not wait for the hook" },
  },
  "however many poststart hooks fail of a bundle of 1.0: the code is the program's": {
    runc: { why: "the first that fails ends the container" },
  },
  "poststart that fails: start fails and the container is stopped": {
    runc: { why: "it runs poststart in create" },
    crun: { why: "it refuses a bundle of version 1.3" },
  },
  "poststart that fails in a bundle of 1.0: a warning, and the rest goes on": {
    runc: { why: "it runs poststart in create, and ends the container" },
    crun: { why: "it says nothing" },
  },
  "poststop that fails: a warning, and the container is gone": {
    crun: { why: "it says nothing" },
  },
  "poststop that fails: the next one runs too": { runc: { why: "the first failure is the last" } },
  ...Object.fromEntries(
    [
      "prestart is told the state: version, id, status creat(ing|ed), bundle, annotations",
      "createRuntime is told the state: version, id, status creating, bundle, annotations",
      "createContainer is told the state: version, id, status creating, bundle, annotations",
      "startContainer is told the state: version, id, status created, bundle, annotations",
    ].map((name) => [name, { crun: { why: "another status, and the version is 1.0" } }]),
  ),
  "poststop is told the state: version, id, status stopped, bundle, annotations": {
    crun: { why: "its ociVersion is 1.0" },
  },
  ...Object.fromEntries(
    ["prestart", "createRuntime", "createContainer"].map((kind) => [
      `${kind} that fails: poststop hooks are run`,
      { crun: { why: "they are not" } },
    ]),
  ),
  ...Object.fromEntries(
    ["prestart", "createRuntime", "createContainer"].map((kind) => [
      `${kind} that is no program: create fails in one line that names it`,
      { crun: { why: "a broken pipe may make a second line", always: false } },
    ]),
  ),
  "the error for a hook that fails has what it wrote to standard error, and its code": {
    crun: { why: "it tells the code alone" },
  },
  ...Object.fromEntries(
    [
      "prestart is killed when its timeout of a second is over, and create fails",
      "a timeout of 0 is refused: it must be greater than zero",
      "a timeout of -1 is refused: it must be greater than zero",
    ].map((name) => [
      name,
      { crun: { why: "0 is no timeout, and it tells of others in two lines" } },
    ]),
  ),

  // ── capabilities ───────────────────────────────────────────────────────────────────────────
  "an unknown capability is a warning in one line that names it": {
    crun: { why: "it leaves it out, and says nothing" },
  },
  "a capability that the caller has not got is left out, with a warning": {
    runc: { why: "it fails" },
    crun: { why: "it fails" },
  },

  // ── exec ───────────────────────────────────────────────────────────────────────────────────
  "user, environment, directory, limits and rights are those of the config": {
    runc: { why: "its language's runtime raises the soft limit of open files", always: false },
    crun: { why: "the gid is 0 unless it is told" },
  },
  "seccomp filters and a process-wide no_new_privs are those of the container": {
    crun: { why: "no_new_privs is not the config's" },
  },
  "--cap adds to what the config gives": { crun: { why: "it replaces" } },
  "--env, --cwd, --additional-gids": { crun: { why: "it has no --additional-gids" } },
  "of several values of a variable the last counts: the config's, then those of --env": {
    crun: { why: "with --env it gives none of the config's" },
  },
  "--additional-gids with anything but one number is an error, and nothing is run": {
    runc: { why: "4294967296 is 0 to it" },
  },
  "--user out of range or unknown is an error, and nothing is run": {
    runc: { why: "4294967296 is 0 to it" },
    crun: { why: "-1 and 4294967296 are users to it" },
  },
  "--process FILE: user, groups, umask, env, cwd, capabilities, limits, no_new_privs": {
    runc: { why: "the umask is the container's" },
    crun: { why: "oomScoreAdj is passed over" },
  },
  "--process FILE that is not JSON is an error in one line, and the container runs on": {
    crun: { why: "its parser draws an arrow in lines of their own" },
  },
  "--process FILE with a relative cwd is an error in one line, and the container runs on": {
    crun: { why: "it takes it" },
  },
  "255 for the runtime's own errors: no container, a stopped one, no program": {
    crun: { why: "its own errors are 1" },
  },
  "a program that is not there: what docker reads as 127": {
    crun: { why: "docker does not know its words, and says 125" },
  },

  // ── streams ────────────────────────────────────────────────────────────────────────────────
  "closed streams: the container is made all the same, and holds nothing of the host": {
    crun: { why: "it does not run without them" },
  },
  "LISTEN_FDS: the descriptors are passed on, with LISTEN_PID=1": {
    crun: { why: "LISTEN_FDS itself is not passed on" },
  },
  "a program that is not there is an error of create, in docker's words": {
    crun: { why: "docker does not know its words" },
  },
  "works from a working directory that is gone": {
    crun: { why: "the shell of its wrapper in these tests may say so", always: false },
  },
  ...Object.fromEntries(
    [
      "--log FILE --log-format json: an object for each line, with level, msg and time",
      "--log FILE: text, one line for the error",
      "--log adds to the file that is there, and makes one that is not",
    ].map((name) => [name, { crun: { why: "a missing bundle is told before the log is opened" } }]),
  ),

  "--log of a FIFO that nobody reads is not waited for": {
    runc: { why: "it waits for a reader", run: false },
  },

  // ── resources ──────────────────────────────────────────────────────────────────────────────
  "a limit that cannot be is an error in one line, and nothing is left": {
    runc: { why: "warnings come before the error" },
    crun: { why: "the cgroups stay" },
  },
  // A difference only where version 2 is mounted with options: opencontainers/runc issue 5258.
  "the machine's options of cgroups stay, whatever namespace they are mounted in": {
    runc: { why: "it mounts them without, also in the machine's namespace", always: false },
    crun: { why: "it mounts them without, also in the machine's namespace", always: false },
  },
  "events goes on at its interval, and ends when the container does": {
    runc: { why: "it goes on until the cgroup is gone", run: false },
    crun: { why: "it has no events" },
  },
  "update with what is no JSON, no number or no container that runs is an error": {
    crun: { why: "its parser draws an arrow in lines of their own" },
  },
  "pause of a stopped container, resume of a running one are errors": {
    crun: { why: "resume of a running one is none" },
  },
  "ps: a table of these processes, by ps(1) with its options": {
    crun: { why: "it lists pids alone" },
  },
  "events --stats: one object of type stats, with cpu, memory and pids": {
    crun: { why: "it has no events" },
  },
  "features: versions of the specification, hooks and namespaces": {
    crun: { why: "it is older than features" },
  },
  "two containers with the same cgroupsPath: the second is refused, or both live and die alone": {
    crun: { why: "delete --force of the second kills the first" },
  },

  // ── systemd ────────────────────────────────────────────────────────────────────────────────
  "a container is in its slice, in every hierarchy, and delete takes the scope away": {
    crun: { why: "in version 2 it makes a cgroup below the scope", always: false },
  },
  "limits are properties of the scope and lie in the files, also after a reload": {
    crun: { why: "it tells systemd none, and writes them below the scope", always: false },
  },
  "devices that are not allowed cannot be opened, also after a reload": {
    crun: { why: "it tells systemd nothing of devices" },
  },
  "pause, resume, ps, events and kill --all": { crun: { why: "it has no events" } },
  "a container of podman's is in the scope that it names": {
    crun: { why: "it tells systemd no limits" },
  },
};
