/**
 * Each operation as the commands that do the same: util-linux and busybox, nothing else. Where a
 * shell cannot do it, a comment says why.
 */

import { type Op, type OpOf, unreachable } from "../plan/op.ts";
import { comment, quote, quoteAll, quotePath } from "./quote.ts";
import { mountLines } from "./shell-mounts.ts";
import type { Places, Word } from "./shell-place.ts";
import { processLines, unshareFlags } from "./shell-process.ts";

type Lines = readonly string[];

const cannot = (reason: string): Lines => [comment(`no command does this: ${reason}`)];

const octal = (mode: number): string => mode.toString(8).padStart(3, "0");

/** printf of a text that may begin with a dash or hold a percent sign. */
const print = (text: string): string => `printf %s ${text === "" ? "''" : quote(text)}`;

function write(op: OpOf<"write">, { before, word }: Word): Lines {
  const text = print(op.text);
  const mode = `chmod ${octal(op.mode)} ${word}`;
  switch (op.how) {
    case "existing":
      return [...before, `${text} >${word}`];
    case "exclusive":
      return [...before, `(set -C; umask 077; ${text} >${word})`, mode];
    case "missing":
      return [...before, `[ -e ${word} ] || { ${text} >${word}; ${mode}; }`];
    case "replace":
      return [
        ...before,
        `${text} >${word}.new`,
        `chmod ${octal(op.mode)} ${word}.new`,
        `mv ${word}.new ${word}`,
      ];
  }
}

const nodeLetters = { character: "c", block: "b", fifo: "p" } as const;

function mknod(op: OpOf<"mknod">, { before, word }: Word): Lines {
  const numbers = op.type === "fifo" ? "" : ` ${op.major} ${op.minor}`;
  const make = `mknod -m ${octal(op.mode)} ${word} ${nodeLetters[op.type]}${numbers}`;
  const above = (op.at?.path ?? "").replace(/\/*[^/]*$/, "");
  return [
    ...before,
    ...(above === "" ? [] : [`mkdir -p "$(dirname ${word})"`]),
    op.accept ? `[ -e ${word} ] || ${make}` : make,
    ...(op.uid === 0 && op.gid === 0 ? [] : [`chown ${op.uid}:${op.gid} ${word}`]),
  ];
}

function hook(op: OpOf<"hook">): Lines {
  const timeout = op.timeout === 0 ? "" : `timeout ${Math.ceil(op.timeout / 1000)} `;
  const pid = op.after === "" ? "" : ' "$pid"';
  return [
    `printf %s%s%s ${quote(op.before)}${pid} ${quote(op.after)} | ${timeout}env -i ${quoteAll(op.env)} ${quotePath(op.path)} ${quoteAll(op.argv.slice(1))}`.trimEnd(),
  ];
}

/** cgroups(7): who is still in it is ended first, and its children go before it. */
const removeCgroup = (word: string): Lines => [
  `for each in $(find ${word} -depth -type d 2>/dev/null); do`,
  '  while read -r member; do kill -KILL "$member" 2>/dev/null; done <"$each"/cgroup.procs',
  // One that was killed a moment ago may be in it still, the longer the more the machine has to do.
  '  for _pause in 0.1 0.3 1 2 3; do rmdir "$each" 2>/dev/null && break || sleep $_pause; done',
  '  [ ! -d "$each" ] || rmdir "$each"',
  "done",
];

/**
 * @param places what the steps before it keep; remembers what this one keeps
 * @returns lines of a shell, the comment for people among them
 */
export function shellLines(op: Op, places: Places): Lines {
  switch (op.op) {
    case "mkdir": {
      const { before, word } = places.word(op.at);
      const make = `mkdir ${op.parents ? "-p " : ""}-m ${octal(op.mode)} ${word}`;
      // With its parents, one that is there will do, whatever it is.
      return [
        ...before,
        op.parents && places.manner === "safe" ? `[ -e ${word} ] || ${make}` : make,
      ];
    }
    case "write":
      return write(op, places.word(op.at));
    case "write_bytes":
      return cannot("what is written is no text; it is a plan for a later command");
    case "symlink": {
      const { before, word } = places.word(op.at);
      return [...before, `ln -s -- ${quote(op.to)} ${word}`];
    }
    case "remove": {
      const { before, word } = places.word(op.at);
      return [...before, `rm -rf ${word}`];
    }
    case "remove_cgroup":
      return removeCgroup(places.word(op.at).word);
    case "device_filter":
      return cannot("the device rules of cgroup v2 are an eBPF program, which bpf(2) alone loads");
    case "write_pid": {
      const { word } = places.word(op.at);
      const pid = op.own ? "$$" : '"$pid"';
      return [`printf %s ${pid} >${word}`, `chmod ${octal(op.mode)} ${word}`];
    }
    case "append": {
      const { word } = places.word(op.at);
      return [`printf '%s000000000 %s\\n' "$(date +%s)" ${quote(op.text)} >>${word}`];
    }
    case "lock":
      return [`exec 9<${places.word(op.at).word}`, "flock -n 9"];
    case "open": {
      const { before, word } = places.word(op.at);
      places.keep(op.into, { kind: "path", word });
      return [...before, comment(`${op.into ?? "it"} is ${word}`)];
    }
    case "clone":
      places.keep(op.proc, { kind: "path", word: '/proc/"$pid"' });
      return [
        `unshare ${unshareFlags(op.namespaces)}${op.namespaces.includes("mount") ? " --propagation unchanged" : ""}${op.namespaces.includes("pid") ? " --fork --kill-child" : ""} sh INIT &`,
      ];
    case "setns": {
      const flag = op.type === "network" ? "net" : op.type;
      return [`exec nsenter --${flag}=${places.kept(op.namespace).word} sh REST`];
    }
    case "unshare":
      return [`exec unshare ${unshareFlags(op.namespaces)} sh REST`];
    case "sethostname":
      return [`hostname ${quote(op.name)}`];
    case "setdomainname":
      return [`printf %s ${quote(op.name)} >/proc/sys/kernel/domainname`];
    case "interface_up":
      return [`ip link set dev ${quote(op.name)} up`];
    case "move_interface":
      return [`ip link set dev ${quote(op.name)} netns "$pid" name ${quote(op.to)}`];
    case "mount":
    case "user_overlay":
    case "bind":
    case "attach":
    case "mount_setattr":
    case "mask":
    case "readonly":
    case "reconfigure":
      return mountLines(op, places);
    case "borrow": {
      places.keep(op.into, { kind: "path", word: quotePath(op.path) });
      return cannot(
        "a mount of another namespace is copied by open_tree(2) from inside, and handed over",
      );
    }
    case "mknod":
      return mknod(op, places.word(op.at));
    case "pivot_root":
      return [`pivot_root ${quotePath(op.new_root)} ${quotePath(op.put_old)}`];
    case "umount":
      return [`umount ${op.flags.includes("detach") ? "-l " : ""}${quotePath(op.target)}`];
    case "move":
      return [`mount --move ${quotePath(op.from)} ${quotePath(op.to)}`];
    case "chroot":
      return [`exec chroot ${quotePath(op.path)} PROGRAM`];
    case "enter_root":
      return [`cd ${places.word(op.at).word} && exec chroot . PROGRAM`];
    case "chdir":
      return [`cd ${places.word(op.at).word}${op.again ? " || true" : ""}`];
    case "console":
      return cannot("a terminal of the container's devpts is opened by an ioctl on its master");
    case "pipes":
      return [comment("the shell's own streams are handed on, and not copied")];
    case "stdio": {
      const { word } = places.word(op.null);
      const number = { stdin: "<", stdout: ">", stderr: "2>" } as const;
      const closed = (["stdin", "stdout", "stderr"] as const)
        .filter((name) => op[name] === "null")
        .map((name) => `${number[name]}${word}`);
      return closed.length === 0
        ? [comment("the shell's own streams are handed on")]
        : [`exec ${closed.join(" ")}`];
    }
    case "setsid":
    case "setrlimit":
    case "umask":
    case "set_user":
    case "become_root":
    case "capbset":
    case "capset":
    case "no_new_privs":
    case "exec":
    case "io_priority":
    case "sched_affinity":
      return processLines(op);
    case "personality":
    case "scheduler": {
      const lines = processLines(op);
      return lines.length > 0 ? lines : cannot(`util-linux has no word for it`);
    }
    case "memory_policy":
      return cannot("set_mempolicy(2) is behind numactl, which is not of util-linux");
    case "seccomp":
      return cannot("a filter is a BPF program, which seccomp(2) alone takes");
    case "seccomp_agent":
      return cannot("the filter's descriptor is sent over a socket");
    case "close_fds":
      return ["exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-"];
    case "init":
      return cannot(
        "process 1 would have to reap orphans and pass signals on: a small program does",
      );
    case "supervise":
      return ['wait "$!"'];
    case "detach":
      return ["setsid sh REST </dev/null >/dev/null 2>&1 &"];
    case "log":
      return cannot("each line gets its time and its stream, and files take turns");
    case "attachable":
    case "take_part":
    case "listen":
    case "start":
    case "send_terminal":
    case "wait_start":
      return cannot("it takes a socket of the file system, and descriptors sent over it");
    case "health":
      return [
        `while sleep ${Math.ceil(op.interval / 1000)}; do ${quotePath(op.program)} ${quoteAll(op.argv)}; done &`,
      ];
    case "afterwards":
      return [`exec ${quotePath(op.program)} ${quoteAll(op.argv)} "$code"`];
    case "sleep":
      return [`sleep ${op.time / 1000}`];
    case "outlive":
      return [comment("a shell's child outlives it unless it is told otherwise")];
    case "leave":
      return ["exit 0"];
    case "process": {
      const { word } = places.word(op.of);
      return [`read -r pid began <${word}`];
    }
    case "signal":
      return [`kill -${op.signal} "$pid"`];
    case "signal_cgroup": {
      const { word } = places.word(op.at);
      return [`while read -r each; do kill -${op.signal} "$each"; done <${word}/cgroup.procs`];
    }
    case "freeze":
      return [`printf ${op.frozen ? 1 : 0} >${places.word(op.at).word}/cgroup.freeze`];
    case "hook":
      return hook(op);
    case "ask_systemd":
      return cannot(
        "systemd is asked by D-Bus: `busctl call` and `systemd-run --scope` are made for people",
      );
    case "criu_child":
    case "criu_rest":
      return [comment("part of criu restore: --action-script tells when the namespaces are there")];
    case "criu":
      return [quoteAll(op.argv)];
    case "due":
      return [comment("only its undoing: see the trap")];
    case "find_program":
      return [`[ -x ${quotePath(op.paths.at(-1) ?? "")} ]`];
    case "user_namespace":
      return cannot(
        "a namespace without a process is kept by a descriptor: unshare --user=FILE keeps it by a mount",
      );
    case "idmap":
      return [
        comment("with the bind: mount -o X-mount.idmap=NAMESPACE, util-linux 2.39 and later"),
      ];
    case "user_copy": {
      const from = places.word(op.from, "from");
      const to = places.word(op.to, "to");
      return [
        ...from.before,
        `cp -a ${from.word} ${to.word}`,
        comment("and each owner is changed to whom the namespace's map says"),
      ];
    }
    case "own_pipes":
      return [comment("the shell's streams are not given away")];
    case "owners_inside":
      return [comment("tar --owner-map and --group-map, with the namespace's maps turned round")];
    case "own":
      return [
        comment("the ids are those that the namespace's map has outside"),
        `chown ${op.deep ? "-R " : ""}${op.user === "" ? "0:0" : quote(op.user)} ${places.word(op.at).word}`,
      ];
    case "copy_up": {
      const from = places.word(op.from, "from");
      return [...from.before, `cp -a ${from.word}/. ${places.kept(op.to).word}`];
    }
    case "volume": {
      const { word } = places.word(op.at);
      places.keep(op.into, { kind: "path", word });
      return [
        `mkdir -p ${word}/_data`,
        comment("not noted that it is in use: pivot volume rm does not know of this"),
      ];
    }
    case "leave_volume":
      return op.remove
        ? [`rm -rf ${places.word(op.at).word}`]
        : [comment("nothing: its use was not noted")];
    case "fill": {
      if (!op.copy) return [comment("it is not to be filled")];
      const from = places.word(op.from, "from");
      const to = places.word(op.to, "to");
      return [
        ...from.before,
        `[ -n "$(ls -A ${to.word})" ] || [ ! -d ${from.word} ] || cp -a ${from.word}/. ${to.word}`,
      ];
    }
    case "borrow_root":
      return [`nsenter --target "$pid" --mount sh REST`];
    case "pack":
      return [`tar -c -C ${places.kept(op.root).word} ${quotePath(op.path)}`];
    case "unpack":
      return [`tar -x -C ${places.kept(op.root).word}/${quote(op.path)}`];
    case "list_changes":
      return [`find ${places.kept(op.upper).word}`];
    case "network_setup":
      return [
        comment(
          `by netavark, from a description that pivot writes: ${op.program} … setup /proc/$pid/ns/net`,
        ),
        comment(
          `and by nftables: nothing is forwarded between ${op.bridge} and another network's bridge`,
        ),
      ];
    case "network_teardown":
      return [comment(`by netavark: ${op.program} … teardown`)];
    case "reserve_port":
      return [comment(`a shell holds no port: ${op.port} may be taken by another program`)];
    case "pasta":
      return [comment(`${op.argv.join(" ")} /proc/$pid/ns/net`)];
    case "egress_rules":
      return [
        comment("nsenter --net=/proc/$pid/ns/net nft -f -, with these rules:"),
        ...op.rules.trimEnd().split("\n").map(comment),
      ];
    case "egress_guard":
      return [
        comment(
          `a resolver of pivot's own at ${op.address.join(".")}; names: ${op.names.join(" ")}`,
        ),
      ];
    case "follow_resolver":
      return [comment(`whenever ${op.from} changes: ${op.at?.path ?? ""} is written anew`)];
    case "pause":
      return ["kill -STOP $$"];
    default:
      return unreachable(op);
  }
}
