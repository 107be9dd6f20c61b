/** The operations of the catalogue: networks, which netavark makes, and ports of the host. */

import { at, type Entry } from "../entry.ts";

const program = ["text", "netavark"] as const;
const argv = [
  "texts",
  "its arguments, its own name first; the path of the namespace comes behind",
] as const;
const env = ["texts", "its whole environment"] as const;
const alias = [
  "text",
  "the first word of the alias of the bridge's port; the second is the interface",
] as const;
const timeout = ["u32", "milliseconds until it is ended"] as const;
const lock = at("a file that is locked meanwhile: netavark changes rules that all share");
const of = at("the file with the container's first process; null: it is the plan's own");

export const network = {
  network_setup: {
    code: 160,
    calls: "flock, socket, sendto, fork, execve, poll, wait4",
    man: "netavark(1), nft(8)",
    gist: "Connect the container to a network; what fails half-way is taken away at once.",
    fields: {
      program,
      argv,
      undo: ["texts", "the arguments that take it away again"],
      env,
      timeout,
      lock,
      of,
      alias,
      bridge: ["text", "the bridge: nothing goes from there to another network's, or back"],
      config: at("what netavark reads: a file, named like the interface inside"),
    },
  },
  network_teardown: {
    code: 161,
    calls: "flock, fork, unshare, execve, poll, wait4, socket, sendto, unlinkat",
    man: "netavark(1), nft(8)",
    gist: "Disconnect a container from its networks, be it there or long gone.",
    fields: {
      program,
      argv,
      env,
      timeout,
      lock,
      of,
      alias,
      configs: at("the directory with what netavark read; a file goes when it is done"),
      only: ["text", "the one file that is meant; empty: all"],
      left: at("a directory for the files of what could not be taken away; null: they stay"),
    },
  },
  reserve_port: {
    code: 162,
    calls: "socket, bind",
    man: "ip(7)",
    gist: "Hold a port of the host, so that no other program serves what the container is to.",
    fields: {
      protocol: ["u32", "6: TCP, 17: UDP, 132: SCTP"],
      address: ["bytes", "4 or 16 bytes; all zero: every address of the family"],
      port: ["u32", "the first"],
      count: ["u32", "how many, one after the other"],
    },
  },
} as const satisfies Readonly<Record<string, Entry>>;
