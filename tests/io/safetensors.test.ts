// Long for its table of hostile files: each a few lines that are read on their own.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/errors.ts";
import type { StateTensor, TrainingState } from "../../src/gan/state.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/io/index.ts";

const state: TrainingState = {
  tensors: {
    "generator.0.filter": {
      dtype: "float32",
      shape: [2, 3],
      data: Float32Array.of(0, -0, Number.NaN, 1e-45, -1e38, 7),
    },
    step: { dtype: "int32", shape: [], data: Int32Array.of(-5) },
    empty: { dtype: "float32", shape: [3, 0], data: new Float32Array(0) },
  },
  metadata: { seed: "12345678901234567890", recipe: '{"kind":"dcgan","note":"é \\" 面"}' },
};

/** A file of the given header and data, to write what the encoder never would. */
function file(
  header: string | Uint8Array,
  data: Uint8Array = new Uint8Array(0),
  length?: bigint,
): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

function tensor(begin: number, end: number, shape: unknown = [(end - begin) / 4], dtype: unknown = "F32") {
  return { dtype, shape, data_offsets: [begin, end] };
}

function headerText(bytes: Uint8Array): string {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return new TextDecoder().decode(bytes.subarray(8, 8 + length));
}

/** As comparable data: exact bits, plain records. */
function bits({ tensors, metadata }: TrainingState) {
  return {
    metadata: Object.entries(metadata).sort(),
    tensors: Object.entries(tensors)
      .sort()
      .map(([name, { dtype, shape, data }]) => [
        name,
        dtype,
        [...shape].map((size) => size + 0),
        [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
      ]),
  };
}

describe("safetensors", () => {
  it("gives a state back to the last bit", () => {
    expect(bits(decodeSafetensors(encodeSafetensors(state)))).toEqual(bits(state));
  });

  it("gives a state back from a file at an odd place in memory, without sharing that memory", () => {
    const bytes = encodeSafetensors(state);
    const shifted = Buffer.alloc(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    const decoded = decodeSafetensors(shifted);
    shifted.fill(0);
    expect(bits(decoded)).toEqual(bits(state));
  });

  it("gives the same bytes for the same state in another order, its data at a multiple of 8", () => {
    const reversed = {
      tensors: Object.fromEntries(Object.entries(state.tensors).reverse()),
      metadata: Object.fromEntries(Object.entries(state.metadata).reverse()),
    };
    const bytes = encodeSafetensors(state);
    expect(encodeSafetensors(reversed)).toEqual(bytes);
    expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
    expect(Object.keys(JSON.parse(headerText(bytes)))).toEqual([
      "__metadata__",
      "empty",
      "generator.0.filter",
      "step",
    ]);
  });

  it("reads a file of another program: no checksum, tensors in any order, spaces in the header", () => {
    const header = JSON.stringify({ b: tensor(0, 4), a: tensor(4, 8, [1, 1], "I32") }, null, 2);
    const decoded = decodeSafetensors(file(`${header}   `, new Uint8Array([0, 0, 128, 63, 9, 0, 0, 0])));
    expect(decoded.tensors.b.data).toEqual(Float32Array.of(1));
    expect(decoded.tensors.a).toEqual({ dtype: "int32", shape: [1, 1], data: Int32Array.of(9) });
  });

  it("treats names such as __proto__ as plain names", () => {
    const names = ["__proto__", "constructor", "toString", "a b", ""];
    const tensors: Record<string, StateTensor> = Object.create(null);
    const metadata: Record<string, string> = Object.create(null);
    for (const [i, name] of names.entries()) {
      tensors[name] = { dtype: "int32", shape: [1], data: Int32Array.of(i) };
      metadata[name] = name;
    }
    const decoded = decodeSafetensors(encodeSafetensors({ tensors, metadata }));
    expect(Object.keys(decoded.tensors).sort()).toEqual([...names].sort());
    expect(Object.entries(decoded.tensors).find(([name]) => name === "__proto__")?.[1].data[0]).toBe(0);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  it("refuses to write a tensor whose shape and data disagree, naming it", () => {
    const wrong: StateTensor = { dtype: "float32", shape: [2], data: new Float32Array(3) };
    expect(() => encodeSafetensors({ tensors: { w: wrong }, metadata: {} })).toThrow(
      /"w": shape \[2\] does not hold 3/,
    );
    const kind: StateTensor = { dtype: "int32", shape: [2], data: new Float32Array(2) };
    expect(() => encodeSafetensors({ tensors: { w: kind }, metadata: {} })).toThrow(
      /"w": expected a Int32Array/,
    );
    expect(() => encodeSafetensors({ tensors: { __metadata__: wrong }, metadata: {} })).toThrow(RangeError);
  });

  const four = new Uint8Array(4);
  const refused: [what: string, bytes: Uint8Array, code: string, message: RegExp][] = [
    ["an empty file", new Uint8Array(0), "checkpoint-truncated", /at least 8 bytes, got 0/],
    [
      "a header longer than the file",
      file("{}", four, 7n),
      "checkpoint-truncated",
      /header of 7 bytes, got 6/,
    ],
    ["a header of more than 100 MB", file("{}", four, 100_000_001n), "checkpoint-header", /100000001 bytes/],
    [
      "a header length of 2^64 - 1",
      file("{}", four, 2n ** 64n - 1n),
      "checkpoint-header",
      /1844674407370955/,
    ],
    ["invalid UTF-8", file(Uint8Array.of(0x7b, 0xff, 0x7d)), "checkpoint-header", /not UTF-8/],
    ["invalid JSON", file("{'a':1}"), "checkpoint-header", /not JSON/],
    ["a list", file("[]"), "checkpoint-header", /not a JSON object/],
    ["an empty header", file(""), "checkpoint-header", /not JSON/],
    ["a header starting with a space", file(" {}"), "checkpoint-header", /not a JSON object/],
    ["ten thousand nested lists", file(`{"a":${"[".repeat(1e4)}`), "checkpoint-header", /not JSON/],
    [
      "a shape nested a hundred thousand deep",
      file(`{"w":{"dtype":"F32","data_offsets":[0,0],"shape":${"[".repeat(1e5)}${"]".repeat(1e5)}}}`),
      "checkpoint-layout",
      /shape \["\.\.\."\] is not a list of sizes/,
    ],
    ["a name of a megabyte, briefly", file(`{"${"x".repeat(1e6)}":1}`), "checkpoint-header", /^.{1,130}$/],
    [
      "a name given twice",
      file(
        `{"w":${JSON.stringify(tensor(0, 4, [1], "I32"))},"\\u0077":${JSON.stringify(tensor(0, 4))}}`,
        four,
      ),
      "checkpoint-header",
      /a key occurs twice/,
    ],
    [
      "a shape given twice",
      file('{"w":{"dtype":"F32","shape":[4],"shape":[1],"data_offsets":[0,4]}}', four),
      "checkpoint-header",
      /a key occurs twice/,
    ],
    ["a tensor that is null", file('{"w":null}'), "checkpoint-header", /"w" is not an object/],
    [
      "an unknown key",
      file('{"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"x":1}}'),
      "checkpoint-header",
      /got "data_offsets, dtype, shape, x"/,
    ],
    [
      "metadata that is a number",
      file('{"__metadata__":{"a":1}}'),
      "checkpoint-header",
      /"a" is not a string/,
    ],
    ["metadata that is a list", file('{"__metadata__":[]}'), "checkpoint-header", /not an object/],
    ["half precision", header({ w: tensor(0, 4, [2], "F16") }, 4), "checkpoint-dtype", /"w".*I32, got "F16"/],
    ["a dtype that is a list", header({ w: tensor(0, 4, [1], ["F32"]) }, 4), "checkpoint-dtype", /\["F32"\]/],
    ["a negative size", header({ w: tensor(0, 4, [-1, -1]) }, 4), "checkpoint-layout", /shape \[-1,-1\]/],
    ["half a size", header({ w: tensor(0, 4, [0.5, 2]) }, 4), "checkpoint-layout", /shape \[0.5,2\]/],
    [
      "a size past 2^53",
      header({ w: tensor(0, 4, [2 ** 53]) }, 4),
      "checkpoint-layout",
      /not a list of sizes/,
    ],
    [
      "sizes whose product overflows",
      header({ w: tensor(0, 0, [2 ** 32, 2 ** 32]) }, 0),
      "checkpoint-layout",
      /too large/,
    ],
    [
      "more shape than bytes",
      header({ w: tensor(0, 4, [1000]) }, 4),
      "checkpoint-layout",
      /needs 4000 bytes/,
    ],
    [
      "offsets of one number",
      header({ w: { ...tensor(0, 4), data_offsets: [4] } }, 4),
      "checkpoint-layout",
      /pair/,
    ],
    ["offsets backwards", header({ w: tensor(4, 0, [1]) }, 4), "checkpoint-layout", /\[4,0\] has -4/],
    [
      "tensors that overlap",
      header({ v: tensor(0, 8), w: tensor(4, 12) }, 12),
      "checkpoint-layout",
      /"w".*inside the tensor before/,
    ],
    ["a gap", header({ v: tensor(0, 4), w: tensor(8, 12) }, 12), "checkpoint-layout", /"w".*gap after 4/],
    ["a gap at the start", header({ w: tensor(4, 8) }, 8), "checkpoint-layout", /gap after 0/],
    [
      "bytes left over",
      header({ w: tensor(0, 4) }, 5),
      "checkpoint-layout",
      /expected 4 bytes of data, got 5/,
    ],
    [
      "missing data",
      header({ w: tensor(0, 4) }, 3),
      "checkpoint-truncated",
      /expected 4 bytes of data, got 3/,
    ],
    [
      "a terabyte that is not there",
      header({ w: tensor(0, 2 ** 40, [2 ** 38]) }, 4),
      "checkpoint-truncated",
      /expected 1099511627776 bytes/,
    ],
  ];

  function header(value: unknown, dataBytes: number): Uint8Array {
    return file(JSON.stringify(value), new Uint8Array(dataBytes));
  }

  it.each(refused)("refuses %s", (_, bytes, code, message) => {
    let error: unknown;
    try {
      decodeSafetensors(bytes);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as CheckpointError).code).toBe(code);
    expect((error as CheckpointError).message).toMatch(message);
  });

  it("notices one changed bit in the data", () => {
    const bytes = encodeSafetensors(state);
    bytes[bytes.length - 1] ^= 1;
    expect(() => decodeSafetensors(bytes)).toThrow(/checksum/);
  });
});

describe("safetensors of any state", () => {
  const tensors = fc
    .oneof(
      fc.float32Array({ maxLength: 12 }).map((data) => ({ dtype: "float32" as const, data })),
      fc.int32Array({ maxLength: 12 }).map((data) => ({ dtype: "int32" as const, data })),
    )
    .chain((kind) =>
      fc
        .constantFrom([kind.data.length], [1, kind.data.length, 1], [kind.data.length, 1])
        .map((shape): StateTensor => ({ ...kind, shape })),
    );
  const name = fc.string({ unit: "binary", maxLength: 12 }).filter((key) => key !== "__metadata__");
  const states = fc.record({
    tensors: fc.dictionary(name, tensors, { maxKeys: 5 }),
    metadata: fc.dictionary(fc.string({ unit: "binary", maxLength: 12 }), fc.string({ unit: "binary" }), {
      maxKeys: 4,
    }),
  });

  it("is read back as it was", () => {
    fc.assert(
      fc.property(states, (any) => {
        expect(bits(decodeSafetensors(encodeSafetensors(any)))).toEqual(bits(any));
      }),
    );
  });

  it("is refused wherever it is cut off", () => {
    fc.assert(
      fc.property(states, fc.nat(), (any, cut) => {
        const bytes = encodeSafetensors(any);
        expect(() => decodeSafetensors(bytes.subarray(0, cut % bytes.length))).toThrow(CheckpointError);
      }),
    );
  });

  it("is refused with any byte changed, unless that renames the checksum itself", () => {
    fc.assert(
      fc.property(states, fc.nat(), fc.integer({ min: 1, max: 255 }), (any, at, change) => {
        const bytes = encodeSafetensors(any);
        const position = at % bytes.length;
        const renames = headerText(bytes).indexOf("ganvil.crc32") + 8;
        bytes[position] ^= change;
        try {
          decodeSafetensors(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CheckpointError);
          return;
        }
        expect(position).toBeGreaterThanOrEqual(renames);
        expect(position).toBeLessThan(renames + "ganvil.crc32".length);
      }),
      { numRuns: 500 },
    );
  });

  it("is never read, from arbitrary headers, with any other failure than a CheckpointError", () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: -1, max: 4 }), fc.double(), fc.constant(2 ** 53)));
    const info = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          dtype: fc.constantFrom("F32", "I32", "F64"),
          shape: sizes,
          data_offsets: sizes,
        }),
      },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
    const headers = fc.dictionary(fc.constantFrom("a", "b", "__metadata__", "__proto__"), info);
    fc.assert(
      fc.property(headers, fc.uint8Array({ maxLength: 32 }), (header, data) => {
        try {
          decodeSafetensors(file(JSON.stringify(header), data));
        } catch (error) {
          expect(error).toBeInstanceOf(CheckpointError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
