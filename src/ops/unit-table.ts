/** A run of float32 for a kernel that walks a table: addresses that are 0 where they are absent, and its length. */
export interface Run {
  readonly addresses: readonly number[];
  readonly length: number;
}

/** Elements of a unit: some 5-50 µs of work for one pass over memory. */
const unitElements = 16384;

/**
 * Rows of int32 for a kernel that computes a row a unit: each run is cut into units of 16,384 elements, the same
 * whatever the number of threads.
 * @param row gives the row's integers from its addresses and length
 * @param bytes bytes that each address moves by an element; default 4
 */
export function unitTable(
  runs: readonly Run[],
  row: (addresses: readonly number[], length: number) => readonly number[],
  bytes: readonly number[] = [],
): number[] {
  const table: number[] = [];
  for (const { addresses, length } of runs) {
    for (let first = 0; first < length; first += unitElements) {
      const moved = addresses.map((address, i) => (address === 0 ? 0 : address + first * (bytes[i] ?? 4)));
      table.push(...row(moved, Math.min(unitElements, length - first)));
    }
  }
  return table;
}
