// Runs a filter as the kernel would, on a system call that is described and not made.
import {
  ALU_AND_K,
  INSTRUCTION_BYTES,
  JMP_JA,
  JMP_JEQ_K,
  JMP_JGE_K,
  JMP_JSET_K,
  LD_W_ABS,
  RET_K,
} from "./assembler.ts";

/** Not one of the compiler's, but of other programs' filters. */
const JMP_JGT_K = 0x25;

/** struct seccomp_data of <linux/seccomp.h>, without the instruction pointer. */
export interface SyscallData {
  /** The call number; -1 may be written as 0xffffffff. */
  readonly nr: number;
  /** AUDIT_ARCH_* */
  readonly arch: number;
  /** Up to six arguments as unsigned 64-bit values; missing ones are 0. */
  readonly args: readonly bigint[];
}

/** sizeof(struct seccomp_data) */
const DATA_BYTES = 64;

/** What a filter answers, and how many instructions it took to say so. */
export interface Verdict {
  /** SECCOMP_RET_* with its data. */
  readonly action: number;
  readonly steps: number;
}

/**
 * Runs `program`, an array of struct sock_filter, with the instructions that this folder's compiler
 * uses and JGT, which libseccomp's filters have too. Throws on what the kernel would not load: any
 * other instruction, a load outside of the data, a missing return.
 */
export function run(program: Uint8Array, call: SyscallData): Verdict {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = encode(call);
  const count = program.byteLength / INSTRUCTION_BYTES;
  let accumulator = 0;
  let steps = 0;
  for (let pc = 0; pc < count; pc++) {
    const at = pc * INSTRUCTION_BYTES;
    const opcode = code.getUint16(at, true);
    const k = code.getUint32(at + 4, true);
    const [yes, no] = [code.getUint8(at + 2), code.getUint8(at + 3)];
    steps++;
    switch (opcode) {
      case LD_W_ABS:
        if (k % 4 !== 0) throw new Error(`instruction ${pc} loads from ${k}, which is not aligned`);
        accumulator = data.getUint32(k, true);
        break;
      case ALU_AND_K:
        accumulator = (accumulator & k) >>> 0;
        break;
      case JMP_JA:
        pc += k;
        break;
      case JMP_JEQ_K:
        pc += accumulator === k ? yes : no;
        break;
      case JMP_JGE_K:
        pc += accumulator >= k ? yes : no;
        break;
      case JMP_JGT_K:
        pc += accumulator > k ? yes : no;
        break;
      case JMP_JSET_K:
        pc += (accumulator & k) !== 0 ? yes : no;
        break;
      case RET_K:
        return { action: k, steps };
      default:
        throw new Error(`instruction ${pc} has the opcode ${opcode}, which no seccomp filter has`);
    }
  }
  throw new Error(`the program of ${count} instructions ends without a return`);
}

function encode({ nr, arch, args }: SyscallData): DataView {
  const data = new DataView(new ArrayBuffer(DATA_BYTES));
  data.setUint32(0, nr, true);
  data.setUint32(4, arch, true);
  for (const [i, value] of args.entries()) data.setBigUint64(16 + 8 * i, value, true);
  return data;
}
