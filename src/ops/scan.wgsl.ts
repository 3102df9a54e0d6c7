import type { GpuCall } from "../backend/op.ts";
import { type GpuOperand, spread } from "../webgpu/shader.ts";

export interface Scan {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

const threads = 256;
/** So many lines keep a GPU busy with a thread each. */
const manyLines = 4096;

/** Position of element `at` of a line in its order. */
const position = "first + select(at, u.size - 1u - at, u.reverse != 0u) * u.inner";

const lineStart = "(line / u.inner) * u.size * u.inner + line % u.inner";

/**
 * Running sums or products along the middle axis of x [outer, size, inner], float32 or int32. A line is a thread's
 * work where there are many or they are short, else a workgroup's, which takes 256 elements at a time.
 */
export function scanOnGpu(
  call: GpuCall,
  operation: "sum" | "product",
  x: GpuOperand,
  y: GpuOperand,
  { outer, size, inner, exclusive, reverse }: Scan,
): void {
  if (x.size === 0) return;
  const lines = outer * inner;
  const type = x.dtype === "float32" ? "f32" : "i32";
  const neutral = `${type}(${operation === "sum" ? 0 : 1})`;
  const sign = operation === "sum" ? "+" : "*";
  const words = { size, inner, lines, exclusive: Number(exclusive), reverse: Number(reverse) };
  if (lines >= manyLines || size <= 64) {
    call.run({
      ...{ name: `running ${operation}`, read: { x }, write: { y }, words, elements: lines },
      body: () => `let line = i;
  let first = ${lineStart};
  var total = ${neutral};
  for (var at = 0u; at < u.size; at++) {
    let place = ${position};
    let next = total ${sign} x[place];
    y[place] = select(next, total, u.exclusive != 0u);
    total = next;
  }`,
    });
    return;
  }
  call.run({
    ...{ name: `running ${operation} of long lines`, read: { x }, write: { y }, words },
    ...{ workgroupSize: [threads], workgroups: spread(lines) },
    declarations: () => `var<workgroup> parts: array<${type}, ${threads + 1}>;`,
    // `parts` has the running total of each thread's elements so far behind that of all before them.
    body: () => `let line = min(group.x + group.y * groups.x, u.lines - 1u);
  let first = ${lineStart};
  var before = ${neutral};
  if (thread == 0u) { parts[0] = before; }
  for (var start = 0u; start < u.size; start += ${threads}u) {
    let at = start + thread;
    let place = ${position};
    var value = ${neutral};
    if (at < u.size) { value = x[place]; }
    parts[thread + 1u] = value;
    for (var step = 1u; step < ${threads}u; step <<= 1u) {
      workgroupBarrier();
      if (thread >= step) { value = parts[thread + 1u - step] ${sign} value; }
      workgroupBarrier();
      parts[thread + 1u] = value;
    }
    workgroupBarrier();
    if (at < u.size) { y[place] = before ${sign} parts[select(thread + 1u, thread, u.exclusive != 0u)]; }
    before = before ${sign} parts[${threads}];
    workgroupBarrier();
  }`,
  });
}
