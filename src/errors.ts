/**
 * Errors that say what was expected, what was found and what to do.
 *
 * `TypeError` is for a value of the wrong kind, `RangeError` for a value outside its range; the classes
 * below are for failures of the world outside the call.
 */

/** Base of the library's own errors. `code` is stable across versions; the message is for people. */
export class GanvilError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The machine lacks something the library needs: SIMD, memory, an adapter. */
export class DeviceError extends GanvilError {}

/** A checkpoint or state that cannot be used: truncated, foreign, hostile or of another network. */
export class CheckpointError extends GanvilError {}

/** Pictures that cannot be used, or too few of them. */
export class DataError extends GanvilError {}

/** A loss became NaN or infinite; the weights are those before the step. */
export class NonFiniteError extends GanvilError {}

/** Throws a `RangeError` with the message unless the condition holds. */
export function check(condition: unknown, message: () => string): asserts condition {
  if (!condition) throw new RangeError(message());
}

/** Throws a `TypeError` with the message unless the condition holds. */
export function checkType(condition: unknown, message: () => string): asserts condition {
  if (!condition) throw new TypeError(message());
}

/** Throws a `RangeError` unless every size of a shape is a count. */
export function checkShape(name: string, shape: readonly number[]): void {
  check(
    shape.every((size) => Number.isSafeInteger(size) && size >= 0),
    () => `${name}: expected a shape of integers of at least 0, got ${showShape(shape)}`,
  );
}

/** A value as messages show it: strings in quotes, so that `"3"` is not taken for 3. */
export function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** What a value is, where the value itself would fill the message: `Float32Array`, `Undefined`. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** A shape as messages show it: `[8,16,16,64]`. */
export function showShape(shape: readonly number[]): string {
  return `[${shape.join(",")}]`;
}
