import {
  cast,
  equal,
  expandDims,
  greater,
  less,
  logicalAnd,
  logicalOr,
  range,
  reshape,
  sum,
  type Tensor,
  type Tensor2D,
  transpose,
} from "@tensorflow/tfjs-core";
import { detached } from "../ops/stop-gradient.ts";

/**
 * Top-k training (Sinha et al. 2020, arXiv 2002.06224) keeps the k pictures that the discriminator rates best: what it
 * learns from the others leads away from the modes.
 * @param logits float32 [N, 1]
 * @returns float32 [k, N], a one in each row: times the logits it gives the k largest in falling order. A constant.
 */
export function best(logits: Tensor, k: number): Tensor2D {
  return detached(() => {
    const n = logits.size;
    const column = reshape(logits, [n, 1]);
    const row = transpose(column);
    const order = range(0, n, 1, "int32");
    // Of equals the first one comes first.
    const earlier = less(expandDims(order, 0), expandDims(order, 1));
    const ahead = logicalOr(greater(row, column), logicalAnd(equal(row, column), earlier));
    const rank = sum(cast(ahead, "int32"), 1);
    return cast(equal(expandDims(range(0, k, 1, "int32"), 1), expandDims(rank, 0)), "float32") as Tensor2D;
  });
}
