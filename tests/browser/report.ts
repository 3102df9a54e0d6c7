import * as tf from "@tensorflow/tfjs-core";

/** What one op on the current backend gave, and the heap bytes that its result took. */
export interface HeapReport {
  readonly backend: string;
  readonly values: number[];
  readonly bytesWhileAlive: number;
}

const heapBytesInUse = (): number =>
  (tf.memory() as tf.MemoryInfo & { heapBytesInUse: number }).heapBytesInUse;

/** Runs an op on the current backend, reads its result and disposes it. */
export async function report(): Promise<HeapReport> {
  const before = heapBytesInUse();
  const y = tf.fill([2, 3], 1.5);
  const bytesWhileAlive = heapBytesInUse() - before;
  const values = [...(await y.data())];
  y.dispose();
  return { backend: tf.getBackend(), values, bytesWhileAlive };
}
