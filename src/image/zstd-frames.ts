/**
 * Walks the frames of a zstd stream without decompressing it.
 *
 * Runtimes differ in what their zstd decompressors do at the end of a frame and
 * at an end that comes too early, some without a word. Walking along tells both
 * for certain.
 * @see RFC 8878, section 3
 */
import { malformed } from "./tar-header.ts";

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;

type Step = "magic" | "descriptor" | "header" | "block" | "skippable" | "content";

const stepBytes: Readonly<Partial<Record<Step, number>>> = {
  magic: 4,
  descriptor: 1,
  block: 3,
  skippable: 4,
};

export class ZstdFrames {
  #step: Step = "magic";
  /** What is left of content that has no structure of its own, and what comes after it. */
  #left = 0;
  #after: Step = "magic";
  #hasChecksum = false;
  readonly #field = Buffer.alloc(4);
  #fieldLength = 0;
  /** Frames begun, skippable ones too. */
  count = 0;

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#step === "header" || this.#step === "content") {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) this.#step = this.#after;
        continue;
      }
      const wanted = stepBytes[this.#step] ?? 0;
      const end = Math.min(chunk.length, at + wanted - this.#fieldLength);
      chunk.copy(this.#field, this.#fieldLength, at, end);
      this.#fieldLength += end - at;
      at = end;
      if (this.#fieldLength === wanted) {
        this.#fieldLength = 0;
        this.#take(this.#field.readUIntLE(0, wanted));
      }
    }
  }

  /** Says that the stream has ended, which must be between frames. */
  finish(): void {
    if (this.#step !== "magic" || this.#fieldLength > 0)
      throw malformed("its zstd stream ends early");
  }

  #take(value: number): void {
    if (this.#step === "magic") this.#takeMagic(value);
    else if (this.#step === "descriptor") this.#takeDescriptor(value);
    else if (this.#step === "block") this.#takeBlock(value);
    else this.#pass("content", value, "magic");
  }

  #pass(step: "header" | "content", bytes: number, after: Step): void {
    this.#left = bytes;
    this.#after = after;
    this.#step = bytes === 0 ? after : step;
  }

  #takeMagic(value: number): void {
    this.count += 1;
    if (value === frameMagic) this.#step = "descriptor";
    else if (value >= skippableMagic && value < skippableMagic + 16) this.#step = "skippable";
    else throw malformed("its zstd stream has something else after a frame");
  }

  #takeDescriptor(value: number): void {
    const isSingleSegment = (value & 0x20) !== 0;
    this.#hasChecksum = (value & 0x04) !== 0;
    const windowBytes = isSingleSegment ? 0 : 1;
    const dictionaryBytes = [0, 1, 2, 4][value & 3] ?? 0;
    const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][value >> 6] ?? 0;
    this.#pass("header", windowBytes + dictionaryBytes + sizeBytes, "block");
  }

  #takeBlock(value: number): void {
    const isLast = (value & 1) !== 0;
    const type = (value >> 1) & 3;
    const isRepeatedByte = type === 1;
    const size = isRepeatedByte ? 1 : value >> 3;
    if (type === 3) throw malformed("its zstd stream has a block of a reserved type");
    const checksumBytes = isLast && this.#hasChecksum ? 4 : 0;
    this.#pass("content", size + checksumBytes, isLast ? "magic" : "block");
  }
}
