/** Which namespaces separate a process from the host, and what the others let it reach. */

import type { Namespace } from "../plan/constants.ts";
import { type Finding, finding, type Level } from "./finding.ts";
import { type HostSeen, type Power, powerOf, type Root, type Seen } from "./seen.ts";

type Verdict = readonly [level: Level, says: string, cure: string];

/** The cure for it. */
export const hasNoNamespace = "run it in a mount namespace of its own, as every container has";

/** Whose root is mounted nowhere has to go to the namespace's before any of its mounts is in reach. */
const mountVerdict = ({ has }: Power, { isNowhere }: Root): Verdict =>
  !isNowhere
    ? [
        "open",
        "it sees the host's own mounts, and what it mounts is mounted on the host",
        hasNoNamespace,
      ]
    : has("CAP_SYS_ADMIN") && has("CAP_SYS_CHROOT")
      ? [
          "open",
          "its root is not in it, but with CAP_SYS_ADMIN and CAP_SYS_CHROOT it goes to the host's by setns(2)",
          hasNoNamespace,
        ]
      : ["note", "its root is not in it, and it lacks the rights to go there", hasNoNamespace];

const verdicts: Readonly<Record<Namespace, (power: Power, root: Root) => Verdict>> = {
  mount: mountVerdict,
  pid: ({ has }) =>
    has("CAP_SYS_PTRACE")
      ? [
          "open",
          "it may read and change the memory of the host's processes",
          "leave --pid host out",
        ]
      : [
          "weak",
          "it sees the host's processes, and signals those of its user",
          "leave --pid host out",
        ],
  network: ({ has }) =>
    has("CAP_NET_ADMIN")
      ? ["open", "it may change the host's network and its firewall", "leave --network host out"]
      : [
          "weak",
          "it reaches what listens on the host's loopback, and its abstract sockets",
          "leave --network host out",
        ],
  ipc: () => ["weak", "it reaches the host's shared memory and queues", "leave --ipc host out"],
  uts: ({ has }) =>
    has("CAP_SYS_ADMIN")
      ? ["weak", "it may change the host's name", "leave --uts host out"]
      : ["note", "it sees the host's name", "leave --uts host out"],
  user: ({ isRoot }) =>
    isRoot
      ? [
          "weak",
          "root inside is root outside: what gets out of the container is root of the host",
          "--user USER, or a user namespace: --userns auto (of podman too), --userns-remap of docker, linux.uidMappings of a bundle",
        ]
      : ["note", "its user is a user of the host, too", ""],
  cgroup: () => ["note", "it sees where in the host's cgroups it is", "--cgroupns private"],
  time: () => ["note", "its clocks are the host's, as is usual", ""],
};

export function checkNamespaces(seen: Seen, host: HostSeen): Finding[] {
  const power = powerOf(seen);
  const shared = seen.namespaces.filter((each) => each.shared);
  const own = seen.namespaces.filter((each) => !each.shared).map(({ type }) => type);
  const self =
    host.pid === 1
      ? []
      : [
          finding(
            "note",
            "comparison",
            "the machine's first process may not be looked at: compared with the namespaces of this command",
            "run pivot with all capabilities",
          ),
        ];
  return [
    ...self,
    ...(own.length === 0 ? [] : [finding("ok", "namespaces", `of its own: ${own.join(", ")}`)]),
    ...shared.map(({ type }) => {
      const [level, says, cure] = verdicts[type](power, seen.root);
      return finding(level, `${type} namespace`, `the host's: ${says}`, cure);
    }),
  ];
}

/** Whom root inside is outside. */
export function checkUsers(seen: Seen): Finding[] {
  if (powerOf(seen).isInitial) return [];
  const root = seen.uids.find(({ inside, count }) => inside <= 0 && 0 < inside + count);
  if (root === undefined) return [finding("ok", "users", "no user inside is root")];
  const ids = seen.uids.map(
    ({ inside, outside, count }) =>
      `${inside}-${inside + count - 1} is ${outside}-${outside + count - 1}`,
  );
  const says = `root inside is ${root.outside} outside (${ids.slice(0, 3).join(", ")})`;
  return root.outside === 0
    ? [
        finding(
          "note",
          "users",
          `${says}: its capabilities are not root's, its files are`,
          "map root to an id that nobody has",
        ),
      ]
    : [finding("ok", "users", says)];
}
