import { add, mul, type Tensor } from "@tensorflow/tfjs-core";
import { randomNormal } from "../ops/random.ts";
import type { Layer, Parameters } from "./network.ts";

/**
 * Adds normal noise, the same to all channels of a pixel, times a learned strength that is 0 at first (Karras et al. 2019,
 * arXiv 1812.04948). In inference all pictures have the same noise.
 */
export function noise(to: Parameters, name: string): Layer {
  const strength: Tensor = to.constant(`${name}.noise`, [], 0);
  return (x, { training, key }) => {
    const [batch, height, width] = x.shape;
    const drawn = randomNormal([training ? batch : 1, height, width, 1], { key: key(`noise.${name}`) });
    return add(x, mul(drawn, strength));
  };
}
