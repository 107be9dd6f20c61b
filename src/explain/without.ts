/** What goes wrong without a step: what is known of each operation, and of what it is used for. */

import { type Op, type Step, unreachable } from "../plan/op.ts";
import {
  withoutAttach,
  withoutBind,
  withoutCover,
  withoutMount,
  withoutSetattr,
} from "./without-mounts.ts";

const namespaceLoss: Readonly<Record<string, string>> = {
  mount: "every mount of the container would be one of the host",
  pid: "it would see and could signal every process of the machine, and its own would outlive it",
  network: "it would have the host's addresses, and its sockets without a file (CVE-2020-15257)",
  ipc: "it would share System V shared memory and message queues with the host",
  uts: "its hostname would be the host's, and to set it would rename the machine",
  user: "root inside would be root outside",
  cgroup: "/proc/self/cgroup would tell where it lies in the host's tree",
  time: "its clocks could not differ from the host's",
};

function withoutNamespaces(names: readonly string[]): string {
  const losses = names.map((name) => namespaceLoss[name]).filter((each) => each !== undefined);
  return `Without new namespaces it is a process like any other: ${losses.join("; ")}.`;
}

function withoutMkdir(why: string): string {
  if (/cgroup/i.test(why))
    return "Without a cgroup of its own there is nothing to set limits on, and no way to end all of its processes at once.";
  if (/overlayfs prepares/.test(why))
    return "Without it overlayfs refuses the mount: it needs an empty work directory on the same file system as the upper one.";
  if (why.startsWith("root: what"))
    return "Without it overlayfs has nowhere to keep what is written, and can be mounted read-only alone.";
  if (/cwd/.test(why))
    return "Without it the program cannot begin where the image says: chdir(2) answers ENOENT.";
  if (/state/.test(why))
    return "Without it no other command knows that the container is there, and none can clean up after it.";
  return "Without it a later step finds no directory there, and fails with ENOENT.";
}

function withoutWrite({ op, why }: Step): string {
  if (op.op !== "write") return "";
  const path = op.at?.path ?? "";
  if (/devices/.test(path))
    return "Without it the rules of devices are the parent cgroup's: a node with any number that root inside makes could be opened.";
  if (/cgroupsPath/.test(why))
    return "Without it the process is in no cgroup of the container: no limit and no device rule holds for it.";
  if (/cgroup|resources/i.test(`${why}${op.at?.in ?? ""}`))
    return "Without it this limit does not hold: the container may take what the machine has.";
  if (/uid_map|gid_map/.test(path))
    return "Without it no id of the namespace is anybody's: every file is nobody's, and setuid(2) answers EINVAL.";
  if (/oom_score_adj/.test(path))
    return "Without it the kernel chooses whom to end, when memory is short, as if it knew no difference.";
  if (/sysctl/.test(why))
    return "Without it this setting of the kernel is, inside, what it is in a new namespace.";
  if (/state\.json|command|config\.json/.test(path))
    return "Without it other commands see that the container is there, and nothing of what it is.";
  return "Without it the file is not there, or does not say so.";
}

function withoutChdir({ op, why }: Step): string {
  if (op.op === "chdir" && op.again)
    return "Without it a directory that the user may not enter could not be where the program begins, as it can with runc and docker.";
  if (/next calls/.test(why))
    return "Without it `.` is not the new root: pivot_root(2) would take whatever directory this is for it.";
  if (/must not stay/.test(why))
    return "Without it the working directory is wherever the last steps have left it: on the old root, for one, `..` and relative paths would lead to the host, as in CVE-2024-21626.";
  return "Without it the program begins in the root, and relative paths of the image lead elsewhere.";
}

/** @returns one or two sentences. */
export function withoutStep(step: Step): string {
  const { op, why } = step;
  switch (op.op) {
    case "mkdir":
      return withoutMkdir(why);
    case "write":
      return withoutWrite(step);
    case "write_bytes":
      return "Without it a later command has no plan to carry out.";
    case "symlink":
      return why.startsWith("default: a name")
        ? "Without it programs that open /dev/fd, /dev/stdin or /dev/ptmx find nothing there."
        : "Without it that name leads nowhere.";
    case "remove":
      return "Without it what was there before is still there: the next step finds it in its way.";
    case "remove_cgroup":
      return "Without it the cgroup stays, and what still runs in it.";
    case "device_filter":
      return "Without it every device whose number root inside knows can be opened: it makes a node of the host's disk, and reads it.";
    case "write_pid":
      return "Without it others do not learn which process is the container's first: exec and stop have nobody to turn to.";
    case "append":
      return "Without it the event is not to be found afterwards.";
    case "lock":
      return "Without it nobody sees that it is in use: another command would take it for what a crash has left, and remove it.";
    case "open":
      return "Without it later steps have no descriptor to work on, and would have to trust a path again.";
    case "clone":
      return withoutNamespaces(op.namespaces);
    case "setns":
      return `Without it the process stays in the ${op.type} namespace that it was made in, and not in the one that was named.`;
    case "unshare":
      return withoutNamespaces(op.namespaces);
    case "become_root":
      return "Without it the process is nobody in its user namespace: no file of the image is its own, and it may make none.";
    case "sethostname":
      return "Without it the container has the host's name, in its prompt and in its logs.";
    case "setdomainname":
      return "Without it the container has the host's NIS domain name.";
    case "interface_up":
      return "Without it a new network namespace has a loopback that is off: connect(2) to 127.0.0.1 answers ENETUNREACH.";
    case "move_interface":
      return "Without it the device stays the host's.";
    case "mount":
      return withoutMount(op);
    case "bind":
      return withoutBind(op);
    case "attach":
      return withoutAttach(op);
    case "mount_setattr":
      return withoutSetattr(op);
    case "mask":
    case "readonly":
      return withoutCover(op);
    case "borrow":
      return "Without it what the other container has is not to be seen in this one.";
    case "mknod":
      return op.at?.path === "null"
        ? "Without /dev/null masked files have no cover, standard input has no source, and every script that says >/dev/null makes a file."
        : "Without it programs that open this device get ENOENT; a shell that redirects to it makes an ordinary file in its place.";
    case "pivot_root":
      return "Without it `/` is still the host's root: everything so far is just a directory in it. A chroot in its place leaves the host mounted, and who may chroot again climbs out.";
    case "umount":
      return "Without it the host's whole tree lies on top of the new root: `cd /` leads to it, for everybody inside.";
    case "move":
      return "Without it the new root is a directory of the old one, which stays on view.";
    case "chroot":
      return "Without it `/` is still the host's root.";
    case "enter_root":
      return "Without it `/` is the root of the mount namespace, which is the host's.";
    case "chdir":
      return withoutChdir(step);
    case "console":
      return "Without it there is no terminal inside: no job control, no line editing, no ^C.";
    case "pipes":
      return "Without them the container would hold the caller's own files and terminal: it could reopen them, change their flags, or type into them.";
    case "stdio":
      return "Without it the program has the executor's streams, those of the host.";
    case "setsid":
      return "Without it the caller's terminal is the program's controlling terminal: by TIOCSTI it could type commands that the host's shell runs afterwards (CVE-2017-5226).";
    case "setrlimit":
      return "Without it the limit is the caller's.";
    case "umask":
      return "Without it new files get the permissions that the caller's umask leaves.";
    case "personality":
      return "Without it uname(2) and the layout of memory are the machine's own.";
    case "set_user":
      return "Without it the program runs as root.";
    case "capbset":
      return "Without it a set-user-ID or file-capability program inside gets every capability back that is taken away here.";
    case "capset":
      return "Without it root inside is all that root outside is: it mounts, loads kernel modules and sets the clock.";
    case "no_new_privs":
      return "Without it sudo, su and every other set-user-ID program inside can gain rights.";
    case "seccomp":
      return "Without it all of the kernel's some 350 calls are open, bpf(2), keyctl(2) and userfaultfd(2) among them, where its mistakes are found.";
    case "seccomp_agent":
      return "Without it calls that the filter hands over are answered by nobody: ENOSYS.";
    case "close_fds":
      return "Without it a descriptor of the host stays open: `cd /proc/self/fd/7` was the way out in CVE-2024-21626.";
    case "init":
      return "Without it the program is process 1: it does not end by signals that it does not handle, and orphans that end stay as zombies.";
    case "exec":
      return "Without it there is a container, and nothing in it.";
    case "supervise":
      return "Without it nobody copies the streams, passes signals on, learns the exit code or cleans up.";
    case "detach":
      return "Without it the container ends with the terminal that it was started from.";
    case "log":
      return "Without it what the container says is lost when nobody listens.";
    case "attachable":
      return "Without it nobody can attach to it later.";
    case "take_part":
      return "Without it the caller sees nothing of the container.";
    case "health":
      return "Without it nobody notices that it runs and does not work.";
    case "afterwards":
      return "Without it no restart policy is carried out.";
    case "sleep":
      return "Without it one that fails at once is started again at once, for ever.";
    case "outlive":
      return "Without it the container ends when the executor leaves (PR_SET_PDEATHSIG).";
    case "listen":
    case "wait_start":
      return "Without it the program begins at once: create and start would be one.";
    case "leave":
      return "Without it the executor stays beside the container.";
    case "start":
      return "Without it the container stays created, and waits.";
    case "process":
      return "Without it what follows may be done to whoever has that number by then.";
    case "signal":
    case "signal_cgroup":
      return "Without it the processes do not learn that they are to end.";
    case "freeze":
      return "Without it processes go on while they are looked at.";
    case "hook":
      return "Without it what the configuration's author wants done at this moment is not done: a network, for one, is set up by hooks.";
    case "ask_systemd":
      return "Without it systemd does not know of the container: it would take its cgroup for one that is its own, and change or remove it.";
    case "criu_child":
      return "Without it there is no process around which systemd could make a scope.";
    case "criu_rest":
      return "Without it CRIU waits for ever, and the container's processes stand still.";
    case "criu":
      return "Without it there is no image of the processes, or none that is brought back.";
    case "due":
      return "Without it what it undoes would stay.";
    case "find_program":
      return "Without it a program that is not there is noticed only when the container counts as created.";
    case "send_terminal":
      return "Without it nobody holds the terminal's other end: the first read inside gets EIO.";
    case "user_namespace":
      return "Without it there is no namespace whose maps a mount could take.";
    case "idmap":
      return "Without it files belong to whom the host says, who is nobody inside.";
    case "user_overlay":
      return "Without it there is no root whose files belong to the users of the namespace: all would be nobody's.";
    case "user_copy":
      return "Without it the files of this layer are nobody's inside.";
    case "own_pipes":
      return "Without it nobody inside can open /dev/stdout: the pipe would be the host's root's.";
    case "owners_inside":
      return "Without it what is packed belongs to ids that mean nothing elsewhere.";
    case "own":
      return "Without it the files stay with whoever has them on the host, who is somebody else inside, or nobody.";
    case "reconfigure":
      return "Without it the file system keeps the options that it was mounted with.";
    case "copy_up":
      return "Without it the new file system is empty, and covers what the image has there.";
    case "volume":
      return "Without it there is no directory that outlives the container, and nobody would know that it is in use.";
    case "leave_volume":
      return "Without it the volume counts as used for ever.";
    case "fill":
      return "Without it a new volume is empty, and hides what the image has in its place.";
    case "scheduler":
    case "io_priority":
    case "sched_affinity":
    case "memory_policy":
      return "Without it the process is scheduled, and gets its memory, as the caller is and does.";
    case "borrow_root":
      return "Without it who copies would have to work in a root that the container changes under its hands.";
    case "pack":
    case "unpack":
    case "list_changes":
      return "Without it nothing is copied or listed.";
    case "network_setup":
      return "Without it the container has its loopback alone: it reaches nobody, and nobody reaches it.";
    case "network_teardown":
      return "Without it the bridge keeps a port, the firewall its rules, and the address stays taken.";
    case "reserve_port":
      return "Without it another program may serve the port, and who asks it would be answered by either.";
    case "pasta":
      return "Without it the container has its loopback alone: it reaches nobody, and nobody reaches it.";
    case "egress_rules":
      return "Without it the container reaches whatever its network does.";
    case "egress_guard":
      return "Without it no name is answered, no address of a name admitted, and refusals leave no line.";
    case "follow_resolver":
      return "Without it the container goes on asking the name servers that there were at its start.";
    case "pause":
      return "Without it there is no moment to look at what is half made.";
    default:
      return unreachable(op);
  }
}

/** Is it one of those whose loss the simulator can try? */
export function changesMounts(op: Op): boolean {
  if (op.op === "setns") return op.type === "mount";
  return /^(mount|bind|attach|mount_setattr|mask|readonly|pivot_root|umount|move|chroot|enter_root|chdir|borrow|reconfigure|clone|unshare)$/.test(
    op.op,
  );
}
