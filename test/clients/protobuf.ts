// As much of protocol buffers as a client needs that knows its messages: fields by number, written
// from plain lists, and read into lists of what came under each number.
// https://protobuf.dev/programming-guides/encoding/

/** What a field holds: a varint, text or bytes, or a message. */
export type Value = bigint | number | boolean | string | Uint8Array | Message;

/** Fields in the order they are written; a repeated field is written more than once. */
export type Message = readonly (readonly [field: number, value: Value])[];

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  // A negative number is written as its two's complement of 64 bits.
  let rest = BigInt.asUintN(64, value);
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

const isMessage = (value: Value): value is Message => Array.isArray(value);

export function encode(message: Message): Uint8Array {
  const bytes = message.flatMap(([field, value]) => {
    if (typeof value === "string" || value instanceof Uint8Array || isMessage(value)) {
      const inner = isMessage(value) ? encode(value) : Buffer.from(value);
      return [...varint(BigInt((field << 3) | 2)), ...varint(BigInt(inner.length)), ...inner];
    }
    return [...varint(BigInt(field << 3)), ...varint(BigInt(value))];
  });
  return Uint8Array.from(bytes);
}

/** A message that was read. */
export class Fields {
  readonly #found = new Map<number, (bigint | Uint8Array)[]>();

  constructor(bytes: Uint8Array) {
    let at = 0;
    const next = (): bigint => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = bytes[at++];
        if (byte === undefined)
          throw new Error(`a message ends within a field: ${bytes.length} bytes`);
        value |= BigInt(byte & 127) << shift;
        if (byte < 128) return value;
      }
    };
    while (at < bytes.length) {
      const tag = Number(next());
      const kind = tag & 7;
      let value: bigint | Uint8Array;
      if (kind === 0) value = next();
      else {
        const length = kind === 2 ? Number(next()) : kind === 1 ? 8 : 4;
        value = bytes.subarray(at, (at += length));
      }
      this.#found.set(tag >> 3, [...(this.#found.get(tag >> 3) ?? []), value]);
    }
  }

  /** A number; 0 when it is not there, as the encoding has it. */
  number(field: number): number {
    const value = this.#found.get(field)?.at(-1);
    return typeof value === "bigint" ? Number(BigInt.asIntN(64, value)) : 0;
  }

  #bytes(field: number): Uint8Array[] {
    return (this.#found.get(field) ?? []).filter((value) => value instanceof Uint8Array);
  }

  text(field: number): string {
    return new TextDecoder().decode(this.#bytes(field).at(-1));
  }

  message(field: number): Fields {
    return new Fields(this.#bytes(field).at(-1) ?? new Uint8Array());
  }

  messages(field: number): Fields[] {
    return this.#bytes(field).map((bytes) => new Fields(bytes));
  }
}
