import type { Tensor } from "@tensorflow/tfjs-core";
import { it } from "vitest";
import { checkNoLeak } from "../ops/check.ts";

/** A tensor's values as a plain list. */
export const list = (x: Tensor): unknown[] => Array.from(x.dataSync());

/** A test that leaves tensors, data and heap bytes as they were. */
export const itFrees = (behaviour: string, work: () => void | Promise<void>): void =>
  it(behaviour, () => checkNoLeak(async () => work()));
