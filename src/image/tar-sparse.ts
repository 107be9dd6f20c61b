/**
 * Sparse files in GNU's four formats: the old one in the header, PAX 0.0 and 0.1
 * with the map in records, PAX 1.0 with the map before the data.
 *
 * @see https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html
 */
import { malformed, readNumber } from "./tar-header.ts";

/** A stretch of data of a sparse file, in bytes. */
export interface SparseSegment {
  readonly offset: number;
  readonly length: number;
}

/** As many as the unpacker takes for one file (UNPACK_SEGMENTS_MAX). */
export const sparseSegmentsMax = 65_536;

/**
 * Checks a map against the file and drops the empty segments with which writers
 * mark its end. A file without any data keeps one, at its end.
 *
 * @param size of the whole file
 * @param stored bytes of data that follow in the archive
 */
export function checkSparseMap(
  segments: readonly SparseSegment[],
  size: number,
  stored: number,
): readonly SparseSegment[] {
  let reached = 0;
  let total = 0;
  for (const { offset, length } of segments) {
    if (offset < reached || length < 0 || offset + length > size) {
      throw malformed("the map of a sparse file is out of order or beyond its size");
    }
    reached = offset + length;
    total += length;
  }
  if (total !== stored) throw malformed(`a sparse file has ${stored} bytes of data for ${total}`);
  const filled = segments.filter((s) => s.length > 0);
  return filled.length > 0 ? filled : [{ offset: size, length: 0 }];
}

/** Segments of an old GNU header (4) or of one of the blocks after it (21). */
export function readOldSparse(block: Buffer, start: number, count: number): SparseSegment[] {
  const segments: SparseSegment[] = [];
  for (let i = 0; i < count; i++) {
    const at = start + i * 24;
    if (block[at] === 0) break; // fewer than there is room for
    segments.push({
      offset: readNumber(block, at, 12, "an offset in a sparse file"),
      length: readNumber(block, at + 12, 12, "a length in a sparse file"),
    });
  }
  return segments;
}

function mapNumber(text: string | undefined): number {
  const number = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw malformed("the map of a sparse file holds something else than numbers");
}

/** The map of PAX format 0.1: `offset,length,offset,length`. */
export function parseSparseList(list: string): SparseSegment[] {
  const numbers = list.split(",");
  if (numbers.length % 2 !== 0 || numbers.length / 2 > sparseSegmentsMax) {
    throw malformed("the map of a sparse file has an odd number of numbers, or too many");
  }
  const segments: SparseSegment[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    segments.push({ offset: mapNumber(numbers[i]), length: mapNumber(numbers[i + 1]) });
  }
  return segments;
}

/**
 * Reads the map of PAX format 1.0 a block at a time: a count, then offsets and
 * lengths, a number per line, filled up to a block.
 */
export class SparseMapReader {
  readonly #segments: SparseSegment[] = [];
  #count: number | undefined;
  #offset: number | undefined;
  #rest = "";

  /** Takes a block. True when the map is complete. */
  push(block: Buffer): boolean {
    const lines = (this.#rest + block.toString("latin1")).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (this.#isComplete()) break;
      this.#take(mapNumber(line));
    }
    if (this.#isComplete()) return true;
    if (this.#rest.length > 20) throw malformed("the map of a sparse file has no end");
    return false;
  }

  get segments(): readonly SparseSegment[] {
    return this.#segments;
  }

  #isComplete(): boolean {
    return this.#count === this.#segments.length;
  }

  #take(number: number): void {
    if (this.#count === undefined) {
      if (number > sparseSegmentsMax) {
        throw malformed(`a sparse file has more than ${sparseSegmentsMax} segments`);
      }
      this.#count = number;
    } else if (this.#offset === undefined) {
      this.#offset = number;
    } else {
      this.#segments.push({ offset: this.#offset, length: number });
      this.#offset = undefined;
    }
  }
}
