/**
 * Training states as safetensors files: `u64 header length | JSON header | data`, all little-endian, the
 * format of https://huggingface.co/docs/safetensors. Python's `safetensors` reads what is written here, and
 * its F32 and I32 files are read here.
 */
import { CheckpointError, check, showShape } from "../errors.ts";
import type { StateTensor, TrainingState } from "../gan/state.ts";
import { crc32 } from "./crc32.ts";

const METADATA = "__metadata__";
/** Metadata entry with the CRC-32 of the header (this entry's digits as zeros) and the data. */
const CHECKSUM = "ganvil.crc32";
const NO_CHECKSUM = "00000000";
const CHECKSUM_ENTRY = new RegExp(`"${CHECKSUM.replace(".", "\\.")}":"([0-9a-f]{8})"`);
const LENGTH_BYTES = 8;
const ELEMENT_BYTES = 4;
/** The reference implementation's limit. */
const MAX_HEADER_BYTES = 100_000_000;

const dtypes = {
  float32: { code: "F32", array: Float32Array },
  int32: { code: "I32", array: Int32Array },
} as const;

/**
 * A state as the bytes of a safetensors file. Tensors are written in the order of their names and metadata in
 * the order of its keys, so that equal states give equal bytes; the data starts at a multiple of 8 bytes. A
 * checksum travels in the metadata under `ganvil.crc32`.
 *
 * @throws RangeError for a tensor whose shape and data disagree, or a reserved name.
 */
export function encodeSafetensors(state: TrainingState): Uint8Array<ArrayBuffer> {
  const names = Object.keys(state.tensors).sort();
  const keys = Object.keys(state.metadata).sort();
  check(!names.includes(METADATA), () => `encodeSafetensors: a tensor may not be called ${METADATA}`);
  check(!keys.includes(CHECKSUM), () => `encodeSafetensors: the metadata key ${CHECKSUM} is reserved`);

  const metadata = [[CHECKSUM, NO_CHECKSUM], ...keys.map((key) => [key, state.metadata[key]])];
  const entries = [`"${METADATA}":{${metadata.map((pair) => pair.map(quote).join(":")).join(",")}}`];
  let dataBytes = 0;
  for (const name of names) {
    const { dtype, shape, data } = state.tensors[name];
    checkTensor(name, state.tensors[name]);
    const info = {
      dtype: dtypes[dtype].code,
      shape,
      data_offsets: [dataBytes, dataBytes + data.byteLength],
    };
    entries.push(`${quote(name)}:${JSON.stringify(info)}`);
    dataBytes += data.byteLength;
  }

  const json = new TextEncoder().encode(`{${entries.join(",")}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  check(
    headerBytes <= MAX_HEADER_BYTES,
    () => `encodeSafetensors: header of ${headerBytes} bytes, at most ${MAX_HEADER_BYTES} can be read back`,
  );
  const bytes = new Uint8Array(LENGTH_BYTES + headerBytes + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  const header = bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  header.fill(0x20).set(json);
  let offset = LENGTH_BYTES + headerBytes;
  for (const name of names) {
    const { data } = state.tensors[name];
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }

  const digits = crc32(bytes.subarray(LENGTH_BYTES)).toString(16).padStart(8, "0");
  header.set(new TextEncoder().encode(digits), `{"${METADATA}":{"${CHECKSUM}":"`.length);
  return bytes;
}

/**
 * The state in the bytes of a safetensors file. The tensors' arrays are copies. Nothing in the file is
 * trusted: every size is checked against the file before memory is taken for it, and names such as
 * `__proto__` are plain entries (the returned records have no prototype).
 *
 * A file with a `ganvil.crc32` entry is checked against it; files of other programs have none and are
 * checked for their structure alone.
 *
 * @throws CheckpointError `checkpoint-truncated`, `checkpoint-header` (not the JSON the format asks for),
 *   `checkpoint-dtype` (neither F32 nor I32), `checkpoint-layout` (shapes and offsets that do not tile the
 *   data), `checkpoint-checksum`.
 */
export function decodeSafetensors(bytes: Uint8Array): TrainingState {
  const header = headerOf(bytes);
  const data = bytes.subarray(LENGTH_BYTES + header.length);
  const text = decodeText(header);
  const json = parseHeader(text);

  const metadata: Record<string, string> = Object.create(null);
  const infos: TensorInfo[] = [];
  let keys = 0;
  for (const [name, value] of Object.entries(json)) {
    keys++;
    checkHeader(isRecord(value), () => `${brief(name)} is not an object`);
    keys += Object.keys(value).length;
    if (name !== METADATA) {
      infos.push(tensorInfo(name, value));
      continue;
    }
    for (const [key, entry] of Object.entries(value)) {
      checkHeader(typeof entry === "string", () => `metadata ${brief(key)} is not a string`);
      metadata[key] = entry;
    }
  }
  // JSON.parse keeps the last of several equal keys without a word; two readers could then see two states.
  const written = countKeys(text);
  checkHeader(written === keys, () => `has ${written} keys of which ${keys} differ: a key occurs twice`);

  checkTiling(infos, data.length);
  checkSum(metadata, text, data);

  const tensors: Record<string, StateTensor> = Object.create(null);
  for (const { name, dtype, shape, begin, end } of infos) {
    // Not slice(): a Node Buffer's shares memory with the file.
    const { buffer } = new Uint8Array(data.subarray(begin, end));
    tensors[name] = { dtype, shape, data: new dtypes[dtype].array(buffer) };
  }
  return { tensors, metadata };
}

interface TensorInfo {
  readonly name: string;
  readonly dtype: StateTensor["dtype"];
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function headerOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length < LENGTH_BYTES) {
    throw new CheckpointError(
      "checkpoint-truncated",
      `checkpoint: expected at least ${LENGTH_BYTES} bytes, got ${bytes.length}`,
    );
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  checkHeader(
    length <= MAX_HEADER_BYTES,
    () => `length is ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed: is this a safetensors file?`,
  );
  const end = LENGTH_BYTES + Number(length);
  if (end > bytes.length) {
    throw new CheckpointError(
      "checkpoint-truncated",
      `checkpoint: expected a header of ${length} bytes, got ${bytes.length - LENGTH_BYTES}`,
    );
  }
  return bytes.subarray(LENGTH_BYTES, end);
}

function decodeText(header: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header);
  } catch (cause) {
    throw new CheckpointError("checkpoint-header", "checkpoint: header is not UTF-8", { cause });
  }
}

function parseHeader(text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError("checkpoint-header", `checkpoint: header is not JSON: ${cause}`, { cause });
  }
  checkHeader(text.startsWith("{") && isRecord(json), () => "is not a JSON object");
  return json;
}

/** Number of keys written in all objects of a text known to be JSON. */
function countKeys(text: string): number {
  let count = 0;
  let at = text.indexOf('"');
  while (at !== -1) {
    let end = at + 1;
    while (text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
    let next = end + 1;
    while (next < text.length && " \t\n\r".includes(text[next])) next++;
    if (text[next] === ":") count++;
    at = text.indexOf('"', next);
  }
  return count;
}

function tensorInfo(name: string, value: Record<string, unknown>): TensorInfo {
  const keys = Object.keys(value).sort().join(", ");
  checkHeader(
    keys === "data_offsets, dtype, shape",
    () => `${brief(name)}: expected the keys data_offsets, dtype, shape, got ${brief(keys)}`,
  );
  const dtype = value.dtype === "F32" ? "float32" : value.dtype === "I32" ? "int32" : undefined;
  if (dtype === undefined) {
    throw new CheckpointError(
      "checkpoint-dtype",
      `checkpoint: ${brief(name)}: expected dtype F32 or I32, got ${brief(value.dtype)}`,
    );
  }
  checkLayout(isSizes(value.shape), name, () => `shape ${brief(value.shape)} is not a list of sizes`);
  checkLayout(
    isSizes(value.data_offsets) && value.data_offsets.length === 2,
    name,
    () => `data_offsets ${brief(value.data_offsets)} is not a pair of positions`,
  );
  const shape = value.shape;
  const [begin, end] = value.data_offsets;
  const needed = shape.reduce((product, size) => product * size, ELEMENT_BYTES);
  checkLayout(Number.isSafeInteger(needed), name, () => `shape ${brief(shape)} is too large`);
  checkLayout(
    end - begin === needed,
    name,
    () => `shape ${brief(shape)} needs ${needed} bytes, data_offsets [${begin},${end}] has ${end - begin}`,
  );
  return { name, dtype, shape, begin, end };
}

/** The tensors' byte ranges, in order, cover the data exactly: no gap, no overlap, nothing left. */
function checkTiling(infos: readonly TensorInfo[], dataBytes: number): void {
  let position = 0;
  for (const { name, begin, end } of infos.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    checkLayout(begin >= position, name, () => `starts at ${begin}, inside the tensor before (${position})`);
    checkLayout(begin <= position, name, () => `starts at ${begin}, a gap after ${position}`);
    position = end;
  }
  if (position > dataBytes) {
    throw new CheckpointError(
      "checkpoint-truncated",
      `checkpoint: expected ${position} bytes of data, got ${dataBytes}`,
    );
  }
  if (position < dataBytes) {
    throw new CheckpointError(
      "checkpoint-layout",
      `checkpoint: expected ${position} bytes of data, got ${dataBytes}: bytes after the last tensor`,
    );
  }
}

/** Checks the checksum, where there is one, and takes it out of the metadata. */
function checkSum(metadata: Record<string, string>, text: string, data: Uint8Array): void {
  const expected = metadata[CHECKSUM];
  if (expected === undefined) return;
  delete metadata[CHECKSUM];
  const blank = text.replace(CHECKSUM_ENTRY, `"${CHECKSUM}":"${NO_CHECKSUM}"`);
  const found = crc32(data, crc32(new TextEncoder().encode(blank)));
  if (expected !== found.toString(16).padStart(8, "0")) {
    throw new CheckpointError(
      "checkpoint-checksum",
      `checkpoint: expected checksum ${brief(expected)}, got ${found.toString(16).padStart(8, "0")}: ` +
        "the file is damaged; use an older one",
    );
  }
}

function checkTensor(name: string, { dtype, shape, data }: StateTensor): void {
  const expected = dtypes[dtype].array;
  check(
    data instanceof expected,
    () => `encodeSafetensors: ${quote(name)}: expected a ${expected.name} for ${dtype}`,
  );
  check(
    isSizes(shape) && shape.reduce((product, size) => product * size, 1) === data.length,
    () =>
      `encodeSafetensors: ${quote(name)}: shape ${showShape(shape)} does not hold ${data.length} elements`,
  );
}

function checkHeader(condition: unknown, message: () => string): asserts condition {
  if (!condition) throw new CheckpointError("checkpoint-header", `checkpoint: header ${message()}`);
}

function checkLayout(condition: unknown, name: string, message: () => string): asserts condition {
  if (!condition) throw new CheckpointError("checkpoint-layout", `checkpoint: ${brief(name)}: ${message()}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function quote(value: string): string {
  return JSON.stringify(value);
}

/** A value of a hostile file, short enough for a message; what is nested is left out, however deep it goes. */
function brief(value: unknown): string {
  const text = JSON.stringify(value, (key, inside) => (key !== "" && isObject(inside) ? "..." : inside));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
