/** Made from src/plan/catalogue.ts by tools/generate.ts. Do not edit. */

import { choices, flagSets } from "../plan/constants.ts";
import { type Op, unreachable } from "../plan/op.ts";
import type { WireWriter } from "./wire-writer.ts";

export const operationCodes: Readonly<Record<Op["op"], number>> = {
  mkdir: 1,
  write: 2,
  write_bytes: 115,
  symlink: 3,
  remove: 4,
  remove_cgroup: 5,
  device_filter: 7,
  write_pid: 8,
  append: 123,
  lock: 9,
  open: 6,
  clone: 10,
  setns: 13,
  unshare: 14,
  become_root: 113,
  sethostname: 15,
  setdomainname: 16,
  interface_up: 17,
  move_interface: 68,
  user_namespace: 64,
  mount: 20,
  bind: 21,
  borrow: 33,
  attach: 22,
  mount_setattr: 23,
  mask: 24,
  readonly: 25,
  mknod: 26,
  pivot_root: 27,
  umount: 28,
  move: 29,
  chroot: 30,
  enter_root: 180,
  chdir: 31,
  console: 32,
  idmap: 65,
  reconfigure: 66,
  copy_up: 67,
  volume: 34,
  leave_volume: 35,
  fill: 36,
  pipes: 40,
  stdio: 41,
  setsid: 42,
  setrlimit: 43,
  umask: 44,
  personality: 45,
  set_user: 46,
  capbset: 47,
  capset: 48,
  no_new_privs: 49,
  seccomp: 50,
  close_fds: 51,
  scheduler: 60,
  io_priority: 61,
  memory_policy: 62,
  sched_affinity: 63,
  seccomp_agent: 69,
  init: 52,
  exec: 53,
  supervise: 54,
  detach: 116,
  log: 117,
  attachable: 118,
  take_part: 119,
  health: 120,
  afterwards: 121,
  sleep: 122,
  listen: 100,
  outlive: 101,
  wait_start: 102,
  leave: 103,
  start: 104,
  process: 105,
  signal: 106,
  signal_cgroup: 107,
  freeze: 108,
  hook: 109,
  ask_systemd: 124,
  due: 110,
  find_program: 111,
  send_terminal: 112,
  criu: 114,
  criu_child: 125,
  criu_rest: 126,
  pause: 55,
  borrow_root: 130,
  pack: 131,
  unpack: 132,
  list_changes: 133,
  network_setup: 160,
  network_teardown: 161,
  reserve_port: 162,
  user_overlay: 170,
  own_pipes: 173,
  user_copy: 171,
  owners_inside: 174,
  own: 172,
  pasta: 163,
  egress_rules: 164,
  egress_guard: 165,
  follow_resolver: 166,
};

export function writeFields(out: WireWriter, op: Op): void {
  switch (op.op) {
    case "mkdir":
      out.place(op.at);
      out.u32(op.mode);
      out.bool(op.parents);
      return;
    case "write":
      out.place(op.at);
      out.text(op.text);
      out.one(choices.writeMode, op.how);
      out.u32(op.mode);
      return;
    case "write_bytes":
      out.place(op.at);
      out.bytesOf(op.content);
      out.u32(op.mode);
      return;
    case "symlink":
      out.place(op.at);
      out.text(op.to);
      return;
    case "remove":
      out.place(op.at);
      return;
    case "remove_cgroup":
      out.place(op.at);
      return;
    case "device_filter":
      out.slot(op.cgroup);
      out.bytesOf(op.program);
      return;
    case "write_pid":
      out.place(op.at);
      out.one(choices.writeMode, op.how);
      out.u32(op.mode);
      out.bool(op.started);
      out.bool(op.own);
      return;
    case "append":
      out.place(op.at);
      out.text(op.text);
      out.u32(op.mode);
      out.bool(op.code);
      return;
    case "lock":
      out.place(op.at);
      out.u32(op.patience);
      out.u32(op.past);
      return;
    case "open":
      out.place(op.at);
      out.flags(flagSets.open, op.flags);
      out.slot(op.into);
      return;
    case "clone":
      out.flags(flagSets.namespace, op.namespaces);
      out.slot(op.cgroup);
      out.slot(op.user);
      out.slot(op.process);
      out.flags(flagSets.namespace, op.join);
      out.slot(op.proc);
      return;
    case "setns":
      out.slot(op.namespace);
      out.one(choices.namespace, op.type);
      return;
    case "unshare":
      out.flags(flagSets.namespace, op.namespaces);
      return;
    case "become_root":
      return;
    case "sethostname":
      out.text(op.name);
      return;
    case "setdomainname":
      out.text(op.name);
      return;
    case "interface_up":
      out.text(op.name);
      return;
    case "move_interface":
      out.text(op.name);
      out.text(op.to);
      return;
    case "user_namespace":
      out.text(op.uid_map);
      out.text(op.gid_map);
      out.slot(op.into);
      return;
    case "mount":
      out.text(op.type);
      out.text(op.source);
      out.texts(op.options);
      out.flags(flagSets.mountAttribute, op.attributes);
      out.place(op.at);
      out.one(choices.targetKind, op.create);
      out.slot(op.into);
      return;
    case "bind":
      out.place(op.from);
      out.bool(op.recursive);
      out.flags(flagSets.mountAttribute, op.attributes);
      out.flags(flagSets.mountAttribute, op.clear);
      out.flags(flagSets.mountAttribute, op.deep_attributes);
      out.flags(flagSets.mountAttribute, op.deep_clear);
      out.one(choices.propagation, op.propagation);
      out.bool(op.deep_propagation);
      out.place(op.at);
      out.one(choices.targetKind, op.create);
      out.slot(op.into);
      return;
    case "borrow":
      out.slot(op.namespace);
      out.text(op.path);
      out.flags(flagSets.mountAttribute, op.attributes);
      out.slot(op.into);
      return;
    case "attach":
      out.slot(op.mount);
      out.place(op.at);
      out.one(choices.targetKind, op.create);
      return;
    case "mount_setattr":
      out.place(op.at);
      out.flags(flagSets.mountAttribute, op.attributes);
      out.flags(flagSets.mountAttribute, op.clear);
      out.one(choices.propagation, op.propagation);
      out.bool(op.recursive);
      return;
    case "mask":
      out.place(op.at);
      out.place(op.null);
      out.place(op.empty);
      return;
    case "readonly":
      out.place(op.at);
      return;
    case "mknod":
      out.place(op.at);
      out.one(choices.nodeType, op.type);
      out.u32(op.major);
      out.u32(op.minor);
      out.u32(op.mode);
      out.u32(op.uid);
      out.u32(op.gid);
      out.bool(op.accept);
      return;
    case "pivot_root":
      out.text(op.new_root);
      out.text(op.put_old);
      return;
    case "umount":
      out.text(op.target);
      out.flags(flagSets.umount, op.flags);
      return;
    case "move":
      out.text(op.from);
      out.text(op.to);
      return;
    case "chroot":
      out.text(op.path);
      return;
    case "enter_root":
      out.place(op.at);
      return;
    case "chdir":
      out.place(op.at);
      out.bool(op.again);
      return;
    case "console":
      out.slot(op.devpts);
      out.place(op.at);
      out.u32(op.uid);
      out.u32(op.rows);
      out.u32(op.columns);
      return;
    case "idmap":
      out.slot(op.mount);
      out.slot(op.namespace);
      out.bool(op.recursive);
      return;
    case "reconfigure":
      out.place(op.at);
      out.texts(op.options);
      return;
    case "copy_up":
      out.place(op.from);
      out.slot(op.to);
      out.bool(op.mode);
      out.bool(op.owner);
      return;
    case "volume":
      out.place(op.at);
      out.text(op.record);
      out.text(op.user);
      out.slot(op.into);
      return;
    case "leave_volume":
      out.place(op.at);
      out.text(op.user);
      out.texts(op.gone);
      out.bool(op.remove);
      return;
    case "fill":
      out.slot(op.volume);
      out.place(op.from);
      out.place(op.staging);
      out.place(op.to);
      out.bool(op.copy);
      return;
    case "pipes":
      out.one(choices.stream, op.stdin);
      out.one(choices.stream, op.stdout);
      out.one(choices.stream, op.stderr);
      return;
    case "stdio":
      out.one(choices.stream, op.stdin);
      out.one(choices.stream, op.stdout);
      out.one(choices.stream, op.stderr);
      out.place(op.null);
      return;
    case "setsid":
      out.bool(op.terminal);
      return;
    case "setrlimit":
      out.one(choices.resourceLimit, op.resource);
      out.u64(op.soft);
      out.u64(op.hard);
      return;
    case "umask":
      out.u32(op.mask);
      return;
    case "personality":
      out.u32(op.persona);
      return;
    case "set_user":
      out.text(op.user);
      out.text(op.group);
      out.texts(op.groups);
      out.bool(op.primary);
      out.bool(op.lookup);
      return;
    case "capbset":
      out.capabilities(op.keep);
      return;
    case "capset":
      out.capabilities(op.effective);
      out.capabilities(op.permitted);
      out.capabilities(op.inheritable);
      out.capabilities(op.ambient);
      return;
    case "no_new_privs":
      return;
    case "seccomp":
      out.u32(op.flags);
      out.bytesOf(op.program);
      return;
    case "close_fds":
      out.u32(op.from);
      return;
    case "scheduler":
      out.one(choices.schedulerPolicy, op.policy);
      out.flags(flagSets.schedulerFlag, op.flags);
      out.u32(op.nice);
      out.u32(op.priority);
      out.u64(op.runtime);
      out.u64(op.deadline);
      out.u64(op.period);
      return;
    case "io_priority":
      out.one(choices.ioClass, op.class);
      out.u32(op.priority);
      return;
    case "memory_policy":
      out.one(choices.memoryPolicy, op.mode);
      out.flags(flagSets.memoryPolicyFlag, op.flags);
      out.bytesOf(op.nodes);
      return;
    case "sched_affinity":
      out.bytesOf(op.cpus);
      return;
    case "seccomp_agent":
      out.text(op.path);
      out.texts(op.state);
      return;
    case "init":
      return;
    case "exec":
      out.texts(op.paths);
      out.texts(op.argv);
      out.texts(op.env);
      return;
    case "supervise":
      out.bool(op.signals);
      out.bool(op.parent);
      out.place(op.status);
      out.bool(op.replace);
      out.place(op.oom);
      return;
    case "detach":
      out.text(op.announce);
      out.bool(op.attach);
      out.place(op.of);
      out.bool(op.input);
      out.bytesOf(op.keys);
      out.text(op.farewell);
      return;
    case "log":
      out.place(op.at);
      out.u32(op.mode);
      out.u64(op.most);
      out.u32(op.files);
      return;
    case "attachable":
      out.place(op.at);
      return;
    case "take_part":
      out.place(op.at);
      out.place(op.of);
      out.bool(op.input);
      out.bytesOf(op.keys);
      out.text(op.farewell);
      return;
    case "health":
      out.text(op.program);
      out.texts(op.argv);
      out.texts(op.env);
      out.u32(op.interval);
      out.u32(op.start_interval);
      out.u32(op.start_period);
      return;
    case "afterwards":
      out.text(op.program);
      out.texts(op.argv);
      out.texts(op.env);
      return;
    case "sleep":
      out.u32(op.time);
      return;
    case "listen":
      out.place(op.at);
      out.slot(op.into);
      return;
    case "outlive":
      return;
    case "wait_start":
      out.slot(op.socket);
      return;
    case "leave":
      return;
    case "start":
      out.place(op.at);
      out.place(op.of);
      return;
    case "process":
      out.place(op.of);
      out.slot(op.into);
      return;
    case "signal":
      out.place(op.of);
      out.u32(op.signal);
      out.bool(op.wait);
      out.u32(op.patience);
      out.bool(op.required);
      return;
    case "signal_cgroup":
      out.place(op.at);
      out.u32(op.signal);
      return;
    case "freeze":
      out.place(op.at);
      out.bool(op.frozen);
      return;
    case "hook":
      out.text(op.name);
      out.text(op.path);
      out.texts(op.argv);
      out.texts(op.env);
      out.u32(op.timeout);
      out.text(op.before);
      out.text(op.after);
      out.bool(op.required);
      return;
    case "ask_systemd":
      out.text(op.gist);
      out.place(op.at);
      out.text(op.identity);
      out.bytesOf(op.messages);
      out.u32(op.process_at);
      out.texts(op.tolerated);
      out.u32(op.patience);
      out.bool(op.required);
      return;
    case "due":
      return;
    case "find_program":
      out.texts(op.paths);
      return;
    case "send_terminal":
      out.place(op.at);
      return;
    case "criu":
      out.texts(op.paths);
      out.texts(op.argv);
      out.texts(op.env);
      out.place(op.log);
      out.texts(op.cgroups);
      out.place(op.root);
      out.slot(op.network);
      out.slot(op.pids);
      out.place(op.pid);
      out.place(op.told);
      return;
    case "criu_child":
      return;
    case "criu_rest":
      out.place(op.pid);
      out.bool(op.gives_up);
      return;
    case "pause":
      return;
    case "borrow_root":
      out.place(op.of);
      out.bool(op.recursive);
      out.flags(flagSets.mountAttribute, op.attributes);
      out.slot(op.into);
      return;
    case "pack":
      out.slot(op.root);
      out.text(op.path);
      out.text(op.name);
      out.bool(op.follow);
      out.bool(op.bare);
      out.bool(op.layer);
      return;
    case "unpack":
      out.slot(op.root);
      out.text(op.path);
      out.bool(op.follow);
      return;
    case "list_changes":
      out.slot(op.upper);
      out.texts(op.layers);
      return;
    case "network_setup":
      out.text(op.program);
      out.texts(op.argv);
      out.texts(op.undo);
      out.texts(op.env);
      out.u32(op.timeout);
      out.place(op.lock);
      out.place(op.of);
      out.text(op.alias);
      out.text(op.bridge);
      out.place(op.config);
      return;
    case "network_teardown":
      out.text(op.program);
      out.texts(op.argv);
      out.texts(op.env);
      out.u32(op.timeout);
      out.place(op.lock);
      out.place(op.of);
      out.text(op.alias);
      out.place(op.configs);
      out.text(op.only);
      out.place(op.left);
      return;
    case "reserve_port":
      out.u32(op.protocol);
      out.bytesOf(op.address);
      out.u32(op.port);
      out.u32(op.count);
      return;
    case "user_overlay":
      out.slot(op.namespace);
      out.bool(op.mapped);
      out.text(op.base);
      out.texts(op.options);
      out.flags(flagSets.mountAttribute, op.attributes);
      out.place(op.at);
      out.slot(op.into);
      return;
    case "own_pipes":
      out.slot(op.namespace);
      return;
    case "user_copy":
      out.slot(op.namespace);
      out.place(op.from);
      out.place(op.to);
      return;
    case "owners_inside":
      out.slot(op.namespace);
      return;
    case "own":
      out.place(op.at);
      out.slot(op.namespace);
      out.slot(op.root);
      out.text(op.user);
      out.bool(op.deep);
      out.bool(op.fresh);
      return;
    case "pasta":
      out.text(op.program);
      out.texts(op.argv);
      out.texts(op.env);
      out.u32(op.timeout);
      out.place(op.at);
      return;
    case "egress_rules":
      out.text(op.program);
      out.texts(op.argv);
      out.texts(op.env);
      out.u32(op.timeout);
      out.text(op.rules);
      return;
    case "egress_guard":
      out.texts(op.names);
      out.bytesOf(op.address);
      out.place(op.upstream);
      out.u32(op.mark);
      out.u32(op.group);
      out.text(op.table);
      return;
    case "follow_resolver":
      out.place(op.at);
      out.place(op.server);
      out.text(op.from);
      out.text(op.upstream);
      out.bool(op.local);
      out.texts(op.public);
      out.text(op.search);
      out.text(op.options);
      out.bool(op.no_search);
      return;
    default:
      unreachable(op);
  }
}
