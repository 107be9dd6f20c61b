// socketcall(2) and ipc(2): on 32-bit x86, one call that stands for many.
//
// A rule on `socket` must also hold for a program that says socketcall(SYS_SOCKET, args), as old
// C libraries do. The arguments then lie behind a pointer, where a filter cannot look; so, as in
// libseccomp, a condition on the first argument becomes one on the sub-call alone.

/** Sub-call numbers of <linux/net.h>. */
const SOCKETCALL: Readonly<Record<string, number>> = {
  socket: 1,
  bind: 2,
  connect: 3,
  listen: 4,
  accept: 5,
  getsockname: 6,
  getpeername: 7,
  socketpair: 8,
  send: 9,
  recv: 10,
  sendto: 11,
  recvfrom: 12,
  shutdown: 13,
  setsockopt: 14,
  getsockopt: 15,
  sendmsg: 16,
  recvmsg: 17,
  accept4: 18,
  recvmmsg: 19,
  sendmmsg: 20,
};

/** Sub-call numbers of <linux/ipc.h>. */
const IPC: Readonly<Record<string, number>> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};

/** The numbers of the two multiplexers on 32-bit x86. */
const NR_SOCKETCALL = 102;
const NR_IPC = 117;

export interface Multiplexed {
  /** The call number of the multiplexer. */
  readonly number: number;
  /** What the multiplexer's first argument is for this call. */
  readonly subcall: number;
  /**
   * The bits of the first argument that choose the sub-call. ipc(2) takes a version in the upper
   * half: comparing all bits, as libseccomp does, would let ipc(1 << 16 | SHMGET) slip by.
   */
  readonly mask: number;
}

/** The multiplexer through which a call can also be made on 32-bit x86, if there is one. */
export function multiplexed(name: string): Multiplexed | undefined {
  if (Object.hasOwn(SOCKETCALL, name)) {
    return { number: NR_SOCKETCALL, subcall: SOCKETCALL[name] ?? 0, mask: 0xffffffff };
  }
  if (Object.hasOwn(IPC, name)) return { number: NR_IPC, subcall: IPC[name] ?? 0, mask: 0xffff };
  return undefined;
}
