/** The flags of `run`: docker's, with what the plan adds. */

import type { Flag } from "./arguments.ts";
import { engineFlags } from "./engine-flags.ts";

const many = "; may be given several times";
const namespaceModes = "private|host|container:ID|PATH";

const containerFlags: readonly Flag[] = [
  { name: "add-host", value: "NAME:IP", help: `add a line to /etc/hosts${many}` },
  { name: "annotation", value: "KEY=VALUE", help: `add an annotation to the configuration${many}` },
  { name: "blkio-weight", value: "N", help: "share of block I/O, 10 to 1000" },
  { name: "blkio-weight-device", value: "DEVICE:N", help: `the same for one device${many}` },
  {
    name: "bundle",
    short: "b",
    value: "DIR",
    help: "run the config.json of a bundle; no image then",
  },
  { name: "cap-add", value: "CAP", help: `add a capability, or ALL${many}` },
  { name: "cap-drop", value: "CAP", help: `take a capability away, or ALL${many}` },
  { name: "cgroupns", value: "MODE", help: `cgroup namespace: ${namespaceModes}` },
  { name: "cpu-period", value: "MICROSECONDS", help: "length of a scheduling period" },
  { name: "cpu-quota", value: "MICROSECONDS", help: "CPU time in each period" },
  { name: "cpu-shares", short: "c", value: "N", help: "weight against other containers" },
  { name: "cpus", value: "N", help: "how many CPUs' worth of time: 1.5" },
  { name: "cpuset-cpus", value: "LIST", help: "CPUs to run on: 0-3,7" },
  { name: "cpuset-mems", value: "LIST", help: "memory nodes to use" },
  { name: "device", value: "HOST[:INSIDE[:rwm]]", help: `show a device of the host${many}` },
  { name: "device-cgroup-rule", value: "RULE", help: `allow devices: "c 1:3 rwm"${many}` },
  {
    name: "device-read-bps",
    value: "DEVICE:RATE",
    help: `limit reading, bytes a second: 1mb${many}`,
  },
  {
    name: "device-read-iops",
    value: "DEVICE:RATE",
    help: `limit reading, operations a second${many}`,
  },
  { name: "device-write-bps", value: "DEVICE:RATE", help: `limit writing, bytes a second${many}` },
  {
    name: "device-write-iops",
    value: "DEVICE:RATE",
    help: `limit writing, operations a second${many}`,
  },
  { name: "dns", value: "IP", help: `name server${many}` },
  {
    name: "dns-option",
    aliases: ["dns-opt"],
    value: "OPTION",
    help: `option of resolv.conf${many}`,
  },
  { name: "dns-search", value: "DOMAIN", help: `search domain${many}` },
  { name: "domainname", value: "NAME", help: "NIS domain name" },
  { name: "entrypoint", value: "COMMAND", help: "replace the image's entrypoint" },
  { name: "env", short: "e", value: "NAME[=VALUE]", help: `set a variable, or pass one on${many}` },
  { name: "env-file", value: "FILE", help: `read variables from a file${many}` },
  { name: "group-add", value: "GROUP", help: `add a group${many}` },
  { name: "hostname", short: "h", value: "NAME", help: "hostname inside" },
  { name: "init", help: "run a process 1 that reaps orphans and passes signals on" },
  { name: "interactive", short: "i", help: "pass standard input on" },
  { name: "ipc", value: "MODE", help: `IPC namespace: ${namespaceModes}` },
  { name: "label", short: "l", value: "KEY=VALUE", help: `add a label${many}` },
  { name: "memory", short: "m", value: "BYTES", help: "limit memory: 512m" },
  { name: "memory-reservation", value: "BYTES", help: "what is left when memory is short" },
  { name: "memory-swap", value: "BYTES", help: "limit memory and swap together; -1: no limit" },
  { name: "memory-swappiness", value: "N", help: "0 to 100" },
  { name: "mount", value: "type=bind,source=…,target=…", help: `mount something${many}` },
  { name: "name", value: "NAME", help: "name the container" },
  {
    name: "network",
    aliases: ["net"],
    value: "MODE",
    help: "network: none|host|container:ID|PATH",
  },
  { name: "oom-kill-disable", help: "let processes wait for memory instead" },
  { name: "oom-score-adj", value: "N", help: "-1000 to 1000: who is ended first" },
  { name: "pid", value: "MODE", help: `PID namespace: ${namespaceModes}` },
  {
    name: "pid-file",
    aliases: ["pidfile"],
    value: "FILE",
    help: "write the process id to a new file",
  },
  { name: "pids-limit", value: "N", help: "how many processes; -1: no limit" },
  { name: "privileged", help: "all capabilities and devices, no masks, no filter" },
  {
    name: "pull",
    value: "always|missing|never",
    help: "when to ask the image's registry; otherwise: when the image is missing",
  },
  { name: "quiet", short: "q", help: "do not tell how an image is pulled" },
  { name: "read-only", help: "make the root read-only" },
  { name: "rm", help: "remove the container when it has ended" },
  {
    name: "root-switch",
    value: "pivot|chroot|move",
    help: "how the root is changed; the others leave a way out",
  },
  { name: "rootfs", value: "DIR[:ro]", help: "use a directory as root; no image then" },
  {
    name: "security-opt",
    value: "OPTION",
    help: `seccomp=FILE|unconfined, no-new-privileges, mask=PATHS, unmask=PATHS, proc-opts=hidepid=…,subset=pid${many}`,
  },
  { name: "shm-size", value: "BYTES", help: "size of /dev/shm: 64m" },
  { name: "sig-proxy", help: "pass signals on; =false: end the container instead" },
  { name: "stop-signal", value: "SIGNAL", help: "the signal of a polite stop" },
  { name: "sysctl", value: "NAME=VALUE", help: `set a kernel parameter of its namespaces${many}` },
  { name: "time-offset", value: "CLOCK=SECONDS", help: `shift boottime or monotonic${many}` },
  { name: "tmpfs", value: "DIR[:OPTIONS]", help: `mount a tmpfs${many}` },
  { name: "tty", short: "t", help: "make a terminal" },
  { name: "ulimit", value: "NAME=SOFT[:HARD]", help: `limit a resource${many}` },
  { name: "umask", value: "MODE", help: "permissions that new files do not get: 0022" },
  {
    name: "user",
    short: "u",
    value: "USER[:GROUP]",
    help: "who to be, by the image's /etc/passwd",
  },
  { name: "userns", value: "MODE", help: `user namespace: ${namespaceModes}` },
  { name: "uts", value: "MODE", help: `UTS namespace: ${namespaceModes}` },
  {
    name: "volume",
    short: "v",
    value: "[HOST|NAME:]INSIDE[:OPTIONS]",
    help: `show a directory or file of the host, or a volume${many}`,
  },
  {
    name: "volumes-from",
    value: "CONTAINER[:ro]",
    help: `show what another container has mounted${many}`,
  },
  { name: "workdir", short: "w", value: "DIR", help: "working directory inside" },
];

/** Of `create`. */
export const createFlags: readonly Flag[] = [...containerFlags, ...engineFlags];

export const runFlags: readonly Flag[] = [
  ...createFlags,
  { name: "detach", short: "d", help: "let it go on by itself, and print its id" },
  { name: "detach-keys", value: "KEYS", help: "what leaves it and lets it go on: ctrl-p,ctrl-q" },
];
