/** The operations of the catalogue: what works beside a container for its network, and ends with it. */

import { at, type Entry } from "../entry.ts";

const argv = ["texts", "its arguments, its own name first"] as const;
const env = ["texts", "its whole environment"] as const;
const timeout = ["u32", "milliseconds until it is ended"] as const;

export const egress = {
  pasta: {
    code: 163,
    calls: "clone3, mount, fork, execve, poll, wait4",
    man: "pasta(1)",
    gist: "Connect the container by pasta, which has a PID namespace of its own and ends with the executor.",
    fields: {
      program: ["text", "pasta"],
      argv: ["texts", "its arguments, its own name first; the path of the namespace comes behind"],
      env,
      timeout,
      at: at("a file on which the network namespace is mounted, in pasta's sight alone"),
    },
  },
  egress_rules: {
    code: 164,
    calls: "fork, setns, execve, poll, wait4",
    man: "nft(8)",
    gist: "Load rules into the container's network namespace, before anything of it can send.",
    fields: {
      program: ["text", "nft"],
      argv,
      env,
      timeout,
      rules: ["text", "what it reads from standard input"],
    },
  },
  egress_guard: {
    code: 165,
    calls: "fork, setns, socket, bind, prctl, seccomp, poll",
    man: "nfnetlink_log(7)",
    gist: "Answer the container's look-ups of names on its list, admit the addresses given out, and tell what was refused.",
    fields: {
      names: ["texts", "`NAME`, `*.NAME` or either with `:PORT`"],
      address: ["bytes", "4 bytes: where look-ups are answered, by UDP and TCP, port 53"],
      upstream: at("a file like /etc/resolv.conf, with the servers that are asked"),
      mark: ["u32", "the mark of its own questions, which the rules let pass"],
      group: ["u32", "the group of nfnetlink_log by which the rules tell what they refuse"],
      table: ["text", "the table of family inet with the sets of admitted addresses"],
    },
  },
  follow_resolver: {
    code: 166,
    calls: "inotify_init1, inotify_add_watch, read, pwrite, pidfd_send_signal",
    man: "inotify(7), resolv.conf(5)",
    gist: "As long as the container runs, bring changes of the machine's name servers into its file.",
    fields: {
      at: at("the container's file; null: its names are another server's"),
      server: at(
        "the pid file of aardvark-dns, which reads the machine's file again on SIGHUP; or null",
      ),
      from: ["text", "the machine's file"],
      upstream: ["text", "what is read in its place when all it names is a stub at 127.0.0.53"],
      local: ["bool", "servers at the machine's loopback are within the container's reach"],
      public: ["texts", "servers for when none is left"],
      search: ["text", "its line in place of the machine's; empty: as the machine has it"],
      options: ["text", "its line in place of the machine's; empty: as the machine has it"],
      no_search: ["bool", "no search line at all"],
    },
  },
} as const satisfies Readonly<Record<string, Entry>>;
