import type { Tensor } from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import { currentBackend } from "../../src/backend/backend.ts";
import type { Executor } from "../../src/backend/executor.ts";
import { random } from "../ops/check.ts";

type Split = Executor["split"];
type SplitKernel = (...args: number[]) => unknown;

/** Runs `work` with another way to run units; returns its result's bytes and how many units the largest step had. */
function runWith(split: Split, work: () => Tensor): { bytes: Uint8Array; units: number } {
  const { executor } = currentBackend();
  let most = 0;
  executor.split = (kernel, units, ...rest) => {
    most = Math.max(most, units);
    split(kernel, units, ...rest);
  };
  try {
    const y = work();
    const values = y.dataSync() as Float32Array;
    y.dispose();
    return { bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength), units: most };
  } finally {
    Reflect.deleteProperty(executor, "split");
  }
}

/** Units in random order, a few to a call, each call with scratch memory of its own that is full of NaN. */
function shuffled(seed: string): Split {
  const next = random(seed);
  return (kernel, units, scratchBytes, args, withScratch) => {
    const { executor, heap } = currentBackend();
    const ranges: { from: number; to: number; key: number }[] = [];
    for (let from = 0; from < units; ) {
      const to = Math.min(units, from + 1 + Math.floor(next() * 2));
      ranges.push({ from, to, key: next() });
      from = to;
    }
    for (const { from, to } of ranges.toSorted((a, b) => a.key - b.key)) {
      withScratch(scratchBytes, (scratch) => {
        heap.u8(scratch, scratchBytes).fill(0xff);
        (executor.kernels[kernel] as SplitKernel)(...args, scratch, from, to);
      });
    }
  };
}

const whole: Split = (kernel, units, scratchBytes, args, withScratch) => {
  const { executor } = currentBackend();
  withScratch(scratchBytes, (scratch) => {
    (executor.kernels[kernel] as SplitKernel)(...args, scratch, 0, units);
  });
};

/**
 * The op's result has the same bytes however its units are run: as one call, or in any order with separate scratch.
 * @param least units that its largest step has at least
 */
export function expectSameUnits(work: () => Tensor, least = 2): void {
  const expected = runWith(whole, work);
  expect(expected.units).toBeGreaterThanOrEqual(least);
  for (const seed of ["first", "second"]) {
    expect(Buffer.compare(runWith(shuffled(seed), work).bytes, expected.bytes)).toBe(0);
  }
}
