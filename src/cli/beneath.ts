/**
 * What is mounted beneath a root: no mountinfo shows it, statmount(2) of Linux 6.11 does. The kernel is
 * asked by Bun's FFI, the only way from here to a system call that Node has no function for.
 */

import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync, openSync } from "node:fs";
import type { Beneath } from "../verify/seen.ts";

/** include/uapi/linux: stat.h, mount.h, nsfs.h. The numbers are those of all architectures since 5.0. */
const SYS_statx = { x64: 332, arm64: 291 } as Readonly<Record<string, number>>;
const SYS_ioctl = { x64: 16, arm64: 29 } as Readonly<Record<string, number>>;
const SYS_statmount = 457;
const AT_EMPTY_PATH = 0x1000;
const STATX_MNT_ID_UNIQUE = 0x4000;
const NS_GET_MNTNS_ID = 0x8008b705;
const STATMOUNT_SB_BASIC = 1;
const STATMOUNT_MNT_BASIC = 2;
const STATMOUNT_FS_TYPE = 0x20;

/** struct statx, struct mnt_id_req, struct statmount: offsets and sizes. */
const statxSize = 256;
const statxMount = 0x90;
const requestSize = 32;
const statmountStrings = 512;
const statmountSize = 4096;

/** More than can be stacked: a chain that is longer is none. */
const depthMax = 64;

type Call = (number: number, ...args: readonly (number | Uint8Array)[]) => number;

/** The C library's syscall(2); null where it cannot be called. */
function openCall(): { readonly call: Call; readonly close: () => void } | null {
  for (const name of [
    "libc.so.6",
    `libc.musl-${process.arch === "x64" ? "x86_64" : "aarch64"}.so.1`,
  ]) {
    try {
      const library = dlopen(name, {
        syscall: {
          args: [FFIType.i64, FFIType.i64, FFIType.i64, FFIType.i64, FFIType.i64, FFIType.i64],
          returns: FFIType.i64,
        },
      });
      const call: Call = (number, ...args) => {
        const all = [0, 0, 0, 0, 0].map((none, i) => {
          const value = args[i] ?? none;
          return typeof value === "number" ? value : Number(ptr(value));
        }) as [number, number, number, number, number];
        return Number(library.symbols.syscall(number, ...all));
      };
      return { call, close: () => library.close() };
    } catch {
      // Another C library.
    }
  }
  return null;
}

function uniqueMountId(call: Call, fd: number): bigint | null {
  const statx = new Uint8Array(statxSize);
  const number = SYS_statx[process.arch];
  const empty = new Uint8Array(1);
  if (number === undefined) return null;
  if (call(number, fd, empty, AT_EMPTY_PATH, STATX_MNT_ID_UNIQUE, statx) < 0) return null;
  const view = new DataView(statx.buffer);
  return (view.getUint32(0, true) & STATX_MNT_ID_UNIQUE) === 0
    ? null
    : view.getBigUint64(statxMount, true);
}

function namespaceId(call: Call, path: string): bigint | null {
  const fd = openSync(path, "r");
  try {
    const id = new Uint8Array(8);
    const number = SYS_ioctl[process.arch];
    if (number === undefined || call(number, fd, NS_GET_MNTNS_ID, id) < 0) return null;
    return new DataView(id.buffer).getBigUint64(0, true);
  } finally {
    closeSync(fd);
  }
}

function readMount(
  call: Call,
  id: bigint,
  namespace: bigint,
): (Beneath & { parent: bigint }) | null {
  const request = new Uint8Array(requestSize);
  const asked = new DataView(request.buffer);
  asked.setUint32(0, requestSize, true);
  asked.setBigUint64(8, id, true);
  asked.setBigUint64(
    16,
    BigInt(STATMOUNT_SB_BASIC | STATMOUNT_MNT_BASIC | STATMOUNT_FS_TYPE),
    true,
  );
  asked.setBigUint64(24, namespace, true);
  const answer = new Uint8Array(statmountSize);
  if (call(SYS_statmount, request, answer, answer.length, 0) < 0) return null;
  const view = new DataView(answer.buffer);
  const start = statmountStrings + view.getUint32(36, true);
  return {
    device: `${view.getUint32(16, true)}:${view.getUint32(20, true)}`,
    type: Buffer.from(answer.subarray(start, answer.indexOf(0, start))).toString("latin1"),
    parent: view.getBigUint64(48, true),
  };
}

/**
 * The file systems that a root covers, the nearest first; null when the kernel does not say.
 *
 * @param root a descriptor of it, by O_PATH
 * @param namespace the file of its mount namespace
 */
export function beneath(root: number, namespace: string): Beneath[] | null {
  const library = openCall();
  if (library === null) return null;
  try {
    const found: Beneath[] = [];
    const spaceId = namespaceId(library.call, namespace);
    let id = uniqueMountId(library.call, root);
    if (spaceId === null) return null;
    for (let depth = 0; id !== null && depth < depthMax; depth++) {
      const mount = readMount(library.call, id, spaceId);
      if (mount === null) return null;
      if (depth > 0) found.push({ device: mount.device, type: mount.type });
      if (mount.parent === id) return found;
      id = mount.parent;
    }
    return null;
  } catch {
    return null;
  } finally {
    library.close();
  }
}
