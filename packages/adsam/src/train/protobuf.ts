/** A message in protocol-buffer wire format, field by field; only the kinds that TensorBoard's events are made of. */
export class ProtoMessage {
  readonly #pieces: Uint8Array[] = [];

  /** int32, int64, enum, bool; not negative. */
  varint(field: number, value: number): this {
    this.#pieces.push(varint(field * 8), varint(value));
    return this;
  }

  double(field: number, value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.#pieces.push(varint(field * 8 + 1), bytes);
    return this;
  }

  float(field: number, value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    this.#pieces.push(varint(field * 8 + 5), bytes);
    return this;
  }

  /** string, bytes or an embedded message. */
  bytes(field: number, value: string | Uint8Array | ProtoMessage): this {
    const bytes =
      value instanceof ProtoMessage ? value.encode() : typeof value === "string" ? Buffer.from(value) : value;
    this.#pieces.push(varint(field * 8 + 2), varint(bytes.length), bytes);
    return this;
  }

  encode(): Uint8Array {
    return Buffer.concat(this.#pieces);
  }
}

/** Base-128 of a whole number from 0 to 2⁵³. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}
