// Puts a classic BPF program together from its end towards its beginning.
//
// A classic BPF jump goes forwards only. Written backwards, each jump knows its targets already:
// there are no labels to resolve, and where a conditional jump (at most 255 instructions) would be
// too long, a stepping stone is laid right then: a copy of the return, or an unconditional jump.

/** One instruction is a struct sock_filter of <linux/filter.h>: u16 code, u8 jt, u8 jf, u32 k. */
export const INSTRUCTION_BYTES = 8;

/** Opcodes of <linux/bpf_common.h> that seccomp accepts and this compiler uses. */
export const LD_W_ABS = 0x20;
export const ALU_AND_K = 0x54;
export const JMP_JA = 0x05;
export const JMP_JEQ_K = 0x15;
export const JMP_JGE_K = 0x35;
export const JMP_JSET_K = 0x45;
export const RET_K = 0x06;

const LONGEST_JUMP = 255;

/**
 * Something to jump to: a return of a value, which needs no place yet, or an instruction. Positions
 * count from the end of the program; `nearest` is the last one from where control gets there.
 */
export type Target =
  | { readonly kind: "return"; readonly value: number; nearest: number | undefined }
  | { readonly kind: "code"; readonly position: number; nearest: number };

export class Assembler {
  /** Two words an instruction, last instruction first: code and jump offsets, then k. */
  readonly #words: number[] = [];
  readonly #returns = new Map<number, Target>();

  /** The number of instructions so far. */
  get length(): number {
    return this.#words.length / 2;
  }

  /** The target that ends the program with `value`. */
  return(value: number): Target {
    let target = this.#returns.get(value);
    if (target === undefined) {
      target = { kind: "return", value, nearest: undefined };
      this.#returns.set(value, target);
    }
    return target;
  }

  /** Loads the 32-bit word at `offset` of struct seccomp_data into the accumulator. */
  load(offset: number, next: Target): Target {
    return this.#beforeNext(LD_W_ABS, offset, next);
  }

  /** Keeps the accumulator's bits that `mask` has. */
  and(mask: number, next: Target): Target {
    return this.#beforeNext(ALU_AND_K, mask, next);
  }

  /** Compares the accumulator with `k` by one of the JMP_* opcodes. */
  jump(code: number, k: number, yes: Target, no: Target): Target {
    if (yes === no) return yes;
    // Each stone moves the other target one further away: at most twice, then both are near.
    while (!this.#reaches(yes) || !this.#reaches(no)) this.#approach(this.#reaches(yes) ? no : yes);
    return this.#emit(code, this.#distance(yes), this.#distance(no), k);
  }

  /** The whole program in the order in which it runs, beginning with `entry`. */
  program(entry: Target): Uint8Array {
    if (entry.nearest === undefined || this.#distance(entry) !== 0) this.#approach(entry);
    const bytes = new Uint8Array(this.length * INSTRUCTION_BYTES);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < this.length; i++) {
      const at = (this.length - 1 - i) * INSTRUCTION_BYTES;
      view.setUint32(at, this.#words[2 * i] ?? 0, true);
      view.setUint32(at + 4, this.#words[2 * i + 1] ?? 0, true);
    }
    return bytes;
  }

  /** How many instructions lie between the next one and its target. */
  #distance(target: Target): number {
    return this.length - (target.nearest ?? Number.NEGATIVE_INFINITY) - 1;
  }

  #reaches(target: Target): boolean {
    return this.#distance(target) <= LONGEST_JUMP;
  }

  #approach(target: Target): void {
    const position = this.length;
    if (target.kind === "return") this.#emit(RET_K, 0, 0, target.value);
    else this.#emit(JMP_JA, 0, 0, position - target.position - 1);
    target.nearest = position;
  }

  #beforeNext(code: number, k: number, next: Target): Target {
    if (this.#distance(next) !== 0) this.#approach(next);
    return this.#emit(code, 0, 0, k);
  }

  #emit(code: number, jt: number, jf: number, k: number): Target {
    const position = this.length;
    this.#words.push(code | (jt << 16) | (jf << 24), k);
    return { kind: "code", position, nearest: position };
  }
}
