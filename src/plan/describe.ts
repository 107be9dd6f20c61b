/** Says an operation in words: for the table of `pivot plan`, and for the line of a failure. */

import { type Op, type OpOf, type Place, unreachable } from "./op.ts";

export type Description = {
  /** Continues "cannot …": `mount proc on /proc`. */
  readonly what: string;
  /** The decoded arguments: `mount type=proc flags=nosuid,nodev,noexec`. */
  readonly detail: string;
};

/**
 * A path as the reader knows it; below a slot it is the container's own. In a plan whose slots have
 * lost their names (`executor/decode.ts`) it has to speak for itself.
 */
export function describePlace(place: Place | null): string {
  if (place === null) return "nowhere yet";
  if (place.in === "host" || place.in === "root") return place.path === "" ? "/" : place.path;
  if (place.path !== "" && place.in.startsWith("#")) return place.path;
  if (place.path === "") return `the ${place.in}`;
  return `${place.path.replace(/^\//, "")} in the ${place.in}`;
}

const list = (name: string, values: readonly string[]): string =>
  values.length === 0 ? "" : ` ${name}=${values.join(",")}`;

const shown = (text: string): string => {
  const line = text.trim().replaceAll("\n", "; ");
  return line.length > 48 ? `${line.slice(0, 45)}...` : line;
};

const octal = (mode: number): string => `0${mode.toString(8)}`;

const infinity = 2n ** 64n - 1n;
const limit = (value: bigint): string => (value === infinity ? "unlimited" : String(value));

const onto = (place: Place | null): string => (place === null ? "" : ` on ${describePlace(place)}`);

/** What an operation does, in the words of the person who reads the plan. */
export function describeOp(op: Op): Description {
  const say = (what: string, detail = ""): Description => ({ what, detail: `${op.op}${detail}` });
  switch (op.op) {
    case "mkdir":
      return say(`make the directory ${describePlace(op.at)}`, ` mode=${octal(op.mode)}`);
    case "write":
      return say(`write ${describePlace(op.at)}`, ` text=${JSON.stringify(shown(op.text))}`);
    case "write_bytes":
      return say(`write ${describePlace(op.at)}`, ` content=${op.content.length} bytes`);
    case "symlink":
      return say(`link ${describePlace(op.at)} to ${op.to}`);
    case "remove":
      return say(`remove ${describePlace(op.at)}`);
    case "remove_cgroup":
      return say(`remove the cgroup ${describePlace(op.at)}`);
    case "device_filter":
      return say("set the device rules", ` program=${op.program.length / 8} instructions`);
    case "write_pid":
      return say(`write the process id to ${describePlace(op.at)}`);
    case "lock":
      return say(`lock ${describePlace(op.at)}`);
    case "open":
      return say(`open ${describePlace(op.at)}`, list("flags", op.flags));
    case "clone":
      return say(
        "start the container's first process",
        `${list("namespaces", op.namespaces)}${list("join", op.join)}${op.cgroup === null ? "" : ` cgroup=${op.cgroup}`}`,
      );
    case "setns":
      return say(`join the ${op.type} namespace`);
    case "unshare":
      return say(`leave for a new ${op.namespaces.join(", ")} namespace`);
    case "become_root":
      return say("become root of the user namespace");
    case "sethostname":
      return say(`set the hostname ${op.name}`);
    case "setdomainname":
      return say(`set the domainname ${op.name}`);
    case "interface_up":
      return say(`switch the network interface ${op.name} on`);
    case "move_interface":
      return say(`move the network device ${op.name} to the container`, ` to=${op.to}`);
    case "mount":
      return say(
        `mount ${op.type}${onto(op.at)}`,
        ` type=${op.type}${list("flags", op.attributes)}${list("options", op.options)}`,
      );
    case "bind":
      return say(
        `bind ${describePlace(op.from)}${onto(op.at)}`,
        `${op.recursive ? " recursive" : ""}${list("flags", [...op.attributes, ...op.deep_attributes])} propagation=${op.propagation}`,
      );
    case "borrow":
      return say(`show ${op.path} of another container`, list("flags", op.attributes));
    case "attach":
      return say(
        `attach ${op.mount?.startsWith("#") ? "a mount" : op.mount} to ${describePlace(op.at)}`,
      );
    case "mount_setattr":
      return say(
        `change the mount ${describePlace(op.at)}`,
        `${op.recursive ? " recursive" : ""}${list("flags", op.attributes)}${op.propagation === "unchanged" ? "" : ` propagation=${op.propagation}`}`,
      );
    case "mask":
      return say(`mask ${describePlace(op.at)}`);
    case "readonly":
      return say(`make ${describePlace(op.at)} read-only`);
    case "mknod":
      return say(
        `make the device ${describePlace(op.at)}`,
        ` ${op.type} ${op.major}:${op.minor} mode=${octal(op.mode)}`,
      );
    case "pivot_root":
      return say("make the new root /", ` new_root=${op.new_root} put_old=${op.put_old}`);
    case "umount":
      return say(`take the mount ${op.target} away`, list("flags", op.flags));
    case "move":
      return say(`move the mount ${op.from} to ${op.to}`);
    case "chroot":
      return say(`chroot to ${op.path}`);
    case "enter_root":
      return say(`make ${describePlace(op.at)} the root`);
    case "chdir":
      return say(`go to ${describePlace(op.at)}`, op.again ? " again=true" : "");
    case "console":
      return say("make a terminal", ` at=${describePlace(op.at)}`);
    case "pipes":
    case "stdio":
      return say(
        op.op === "pipes" ? "make pipes for the standard streams" : "take up the standard streams",
        ` stdin=${op.stdin} stdout=${op.stdout} stderr=${op.stderr}`,
      );
    case "setsid":
      return say(op.terminal ? "take the terminal" : "start a session");
    case "setrlimit":
      return say(`set ${op.resource}`, ` soft=${limit(op.soft)} hard=${limit(op.hard)}`);
    case "umask":
      return say(`set the umask ${octal(op.mask)}`);
    case "personality":
      return say(`set the personality ${op.persona}`);
    case "set_user":
      return say(
        `become user ${op.user}${op.group === "" ? "" : `:${op.group}`}`,
        list("groups", op.groups),
      );
    case "capbset":
      return say("bound the capabilities", list("keep", op.keep.map(shortCapability)));
    case "capset":
      return say("set the capabilities", list("effective", op.effective.map(shortCapability)));
    case "no_new_privs":
      return say("forbid new privileges");
    case "seccomp":
      return say("filter system calls", ` program=${op.program.length / 8} instructions`);
    case "seccomp_agent":
      return say(`connect to the seccomp agent ${op.path}`);
    case "close_fds":
      return say("close the host's descriptors", ` from=${op.from}`);
    case "init":
      return say("stay as process 1");
    case "exec":
      return say(`execute ${op.argv[0] ?? ""}`, ` argv=${JSON.stringify(op.argv)}`);
    case "supervise":
      return say("wait for the container's end");
    case "detach":
      return say("go on without the caller", ` announce=${JSON.stringify(shown(op.announce))}`);
    case "log":
      return say(
        `keep the output in ${describePlace(op.at)}`,
        op.most === 0n ? "" : ` most=${op.most} files=${op.files}`,
      );
    case "attachable":
      return say(`let people attach at ${describePlace(op.at)}`);
    case "take_part":
      return say("attach to the container", ` at=${describePlace(op.at)}`);
    case "health":
      return say("look after the container's health", ` every=${op.interval}ms`);
    case "afterwards":
      return say("become the program at the end", ` argv=${JSON.stringify(op.argv)}`);
    case "sleep":
      return say("wait before the start", ` time=${op.time}ms`);
    case "append":
      return say(`append to ${describePlace(op.at)}`, ` text=${JSON.stringify(shown(op.text))}`);
    case "listen":
      return say(`listen at ${describePlace(op.at)}`);
    case "outlive":
      return say("let the container outlive the executor");
    case "wait_start":
      return say("wait for the start");
    case "leave":
      return say("leave the container to itself");
    case "start":
      return say("start the container's program", ` at=${describePlace(op.at)}`);
    case "process":
      return say("take hold of the container's first process", ` of=${describePlace(op.of)}`);
    case "signal":
      return say("signal the container's process", ` signal=${op.signal}`);
    case "signal_cgroup":
      return say(
        `signal the processes of the cgroup ${describePlace(op.at)}`,
        ` signal=${op.signal}`,
      );
    case "freeze":
      return say(`${op.frozen ? "freeze" : "thaw"} the cgroup ${describePlace(op.at)}`);
    case "hook":
      return say(`run the hook ${op.name}`, ` path=${op.path}`);
    case "ask_systemd":
      return say(`have systemd ${op.gist}`, ` at=${describePlace(op.at)}`);
    case "criu_child":
      return say("fork the process that becomes CRIU");
    case "criu_rest":
      return say(op.gives_up ? "have CRIU give up" : "restore the container");
    case "criu":
      return say(
        op.pid === null ? "checkpoint the container" : "restore the container",
        ` argv=${JSON.stringify(shown(op.argv.join(" ")))}`,
      );
    case "due":
      return say("note what is due at the end");
    case "find_program":
      return say(`find ${op.paths.at(-1) ?? ""}`, list("paths", op.paths));
    case "send_terminal":
      return say(`send the terminal to ${describePlace(op.at)}`);
    case "user_namespace":
      return say(
        "make a user namespace for its maps",
        ` uid_map=${JSON.stringify(shown(op.uid_map))}`,
      );
    case "idmap":
      return say(
        `map the owners of ${op.mount?.startsWith("#") ? "a mount" : op.mount}`,
        op.recursive ? " recursive" : "",
      );
    case "user_overlay":
      return say(
        `mount the overlay ${op.into} for the user namespace`,
        `${op.mapped ? ` mapped=${op.base}` : ""}${list("flags", op.attributes)}${list("options", op.options)}`,
      );
    case "user_copy":
      return say(
        `copy ${describePlace(op.from)} with the owners of the user namespace`,
        ` to=${describePlace(op.to)}`,
      );
    case "own_pipes":
      return say("give the pipes to root of the container");
    case "owners_inside":
      return say("take the owners that the user namespace shows inside");
    case "own":
      return say(
        `give ${op.at?.in.startsWith("#") ? "what is mounted" : describePlace(op.at)} to ${op.user === "" ? "root" : op.user} of the container`,
        `${op.deep ? " deep" : ""}${op.fresh ? " fresh" : ""}`,
      );
    case "reconfigure":
      return say(`remount ${describePlace(op.at)}`, list("options", op.options));
    case "copy_up":
      return say(`copy what is in ${describePlace(op.from)}`);
    case "volume":
      return say(`open the volume ${nameOf(op.at)}`, ` at=${describePlace(op.at)}`);
    case "leave_volume":
      return say(
        `${op.remove && op.user === "" ? "remove" : "give up"} the volume ${nameOf(op.at)}`,
        `${op.remove ? " remove" : ""} at=${describePlace(op.at)}`,
      );
    case "fill":
      return say(
        op.copy ? `fill a volume with what is in ${describePlace(op.from)}` : "look at a volume",
        op.copy ? "" : " copy=false",
      );
    case "scheduler":
      return say(`schedule by ${op.policy}`, ` nice=${op.nice | 0} priority=${op.priority}`);
    case "io_priority":
      return say(`set the I/O priority ${op.class}`, ` priority=${op.priority}`);
    case "memory_policy":
      return say(`set the memory policy ${op.mode}`, list("flags", op.flags));
    case "sched_affinity":
      return say("choose the processors", ` mask=${maskText(op.cpus)}`);
    case "borrow_root":
      return say("take a copy of the container's mounts", list("attributes", op.attributes));
    case "pack":
      return say(`pack ${op.path === "" ? "/" : op.path}`, ` name=${JSON.stringify(op.name)}`);
    case "unpack":
      return say(`copy to ${op.path === "" ? "/" : op.path}`);
    case "list_changes":
      return say("list what has changed", ` layers=${op.layers.length}`);
    case "network_setup":
      return say(
        "connect the container to a network",
        ` bridge=${op.bridge} config=${describePlace(op.config)}`,
      );
    case "network_teardown":
      return say("disconnect the container", ` configs=${describePlace(op.configs)}`);
    case "reserve_port":
      return say(`hold ${portText(op)}`);
    case "pasta":
      return say("connect the container by pasta", ` argv=${op.argv.join(" ")}`);
    case "egress_rules":
      return say("load the rules of the egress list");
    case "egress_guard":
      return say("answer names on the egress list", ` names=${op.names.length}`);
    case "follow_resolver":
      return say(`follow ${op.from}`, ` at=${describePlace(op.at)}`);
    case "pause":
      return say("pause");
    default:
      return unreachable(op);
  }
}

const protocols: Readonly<Record<number, string>> = { 6: "tcp", 17: "udp", 132: "sctp" };

/** `port 8080/tcp`, `ports 8000-8009/udp`. */
const portText = ({ protocol, port, count }: OpOf<"reserve_port">): string =>
  `${count > 1 ? `ports ${port}-${port + count - 1}` : `port ${port}`}/${protocols[protocol] ?? protocol}`;

const nameOf = (place: Place | null): string => place?.path.replace(/^.*\//, "") ?? "";

const shortCapability = (name: string): string => name.replace(/^CAP_/, "").toLowerCase();

/** As /proc/PID/status writes it: the highest first. */
const maskText = (mask: Uint8Array): string =>
  Array.from(mask, (byte) => byte.toString(16).padStart(2, "0"))
    .reverse()
    .join("");
