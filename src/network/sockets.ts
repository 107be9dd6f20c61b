/** Which ports programs of this machine serve, and which program it is. */

import { readdirSync, readlinkSync } from "node:fs";
import { readIfThere } from "../host/first-process.ts";
import type { Protocol } from "../options/publish.ts";

export type Listener = { readonly port: number; readonly address: string; readonly inode: string };

/** TCP_LISTEN; of UDP those that are bound. */
const states: Readonly<Record<Protocol, string | null>> = { tcp: "0A", udp: null, sctp: null };

/** proc(5), /proc/net/tcp: sl local_address rem_address st … inode. */
export function parseSockets(text: string, state: string | null): Listener[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const match = /^([0-9A-F]+):([0-9A-F]{4})$/.exec(fields[1] ?? "");
      if (match?.[1] === undefined || (state !== null && fields[3] !== state)) return [];
      const port = Number.parseInt(match[2] ?? "0", 16);
      return [{ port, address: match[1], inode: fields[9] ?? "" }];
    });
}

/** Sockets of this machine that packets to a port would reach. */
export function listeners(protocol: Protocol): Listener[] {
  if (protocol === "sctp") return [];
  return ["", "6"].flatMap((family) =>
    parseSockets(readIfThere(`/proc/net/${protocol}${family}`) ?? "", states[protocol]),
  );
}

function hasSocket(pid: string, link: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`) === link;
      } catch {
        return false; // closed meanwhile
      }
    });
  } catch {
    return false; // it has ended
  }
}

/** `nginx (process 123)`; null when nobody is seen to have it. */
export function programWith({ inode }: Listener): string | null {
  const link = `socket:[${inode}]`;
  const pid = readdirSync("/proc").find((each) => /^\d+$/.test(each) && hasSocket(each, link));
  if (pid === undefined) return null;
  const name = readIfThere(`/proc/${pid}/comm`)?.trim() ?? "";
  return `${name.replace(/\p{Cc}/gu, "?")} (process ${pid})`;
}
