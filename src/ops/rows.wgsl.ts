// Shaders over the elements of several tensors: each is a row, cut into blocks, a workgroup a block.

export const rowThreads = 256;
/** Elements of a block. */
export const blockElements = 4 * rowThreads;

export const blocksOf = (elements: number): number => Math.ceil(elements / blockElements);

/** `source(row, i)`: element i of the binding `source0`, `source1`, ... */
export const rowSource = (count: number): string => `
fn source(row: u32, i: u32) -> f32 {
  switch row {
    ${Array.from({ length: count - 1 }, (_, k) => `case ${k + 1}u: { return source${k + 1}[i]; }`).join("\n    ")}
    default: { return source0[i]; }
  }
}`;

/** The workgroup's `block`, its `row`, and that row's fields: `u.first0` is row 0's first block, and so on. */
export const pickRow = (count: number, fields: readonly string[]): string => `
  let block = group.x + group.y * groups.x;
  var row = 0u;
  ${fields.map((field) => `var ${field} = u.${field}0;`).join("\n  ")}
  ${Array.from(
    { length: count - 1 },
    (_, k) =>
      `if (block >= u.first${k + 1}) { row = ${k + 1}u; ${fields.map((field) => `${field} = u.${field}${k + 1};`).join(" ")} }`,
  ).join("\n  ")}`;

/** Does something with each element i < n of the block that belongs to the thread. */
export const eachInBlock = (part: string): string => `
  for (var k = 0u; k < 4u; k++) {
    let i = (block - first) * ${blockElements}u + k * ${rowThreads}u + thread;
    if (i < n) {
      ${part}
    }
  }`;
