import {
  add,
  cast,
  clipByValue,
  expandDims,
  less,
  mul,
  sub,
  type Tensor,
  tensor1d,
  tidy,
} from "@tensorflow/tfjs-core";
import { check } from "../errors.ts";
import { randomNormal, randomUniform } from "../ops/random.ts";
import { type Layer, type Mode, network, type Parameters, type StyleNetwork } from "./network.ts";

/** The halves of a generator with a mapping network: see `StyleNetwork`. */
export interface StyleHalves extends Pick<StyleNetwork, "styles"> {
  readonly map: Layer;
  readonly synthesize: Layer;
}

/**
 * A generator z → w → picture from its halves. In training a part of the pictures has two codes, mixed (Karras et al.
 * 2019, arXiv 1812.04948): layers from one chosen at random on have the style of a second z. In inference pictures are
 * cut to [-1, 1].
 * @param mixing part of the pictures that are mixed, 0 to 1. Default 0.9.
 * @throws RangeError for a mixing outside of that
 */
export function styleNetwork(
  seed: number,
  name: string,
  build: (to: Parameters) => StyleHalves,
  { mixing = 0.9 }: { readonly mixing?: number } = {},
): StyleNetwork {
  check(mixing >= 0 && mixing <= 1, () => `styleNetwork: expected mixing from 0 to 1, got ${mixing}`);
  let halves!: StyleHalves;
  const whole = network(seed, name, (to) => {
    halves = build(to);
    const { map, synthesize, styles } = halves;
    return (z, mode) => {
      if (!mode.training) return clipByValue(synthesize(map(z, mode), mode), -1, 1);
      const w = map(z, mode);
      if (mixing === 0) return synthesize(w, mode);
      const other = map(randomNormal(z.shape, { key: mode.key("mixing.z") }), mode);
      return synthesize(mixed(w, other, styles, mixing, mode), mode);
    };
  });
  return {
    ...whole,
    styles: halves.styles,
    map: (z, mode) => tidy(() => halves.map(z, mode)),
    synthesize: (w, mode) => tidy(() => halves.synthesize(w, mode)),
  };
}

/** w for the first layers, the other from layer 1, 2, ... or styles − 1 on, each as likely: [N, styles, width]. */
function mixed(w: Tensor, other: Tensor, styles: number, mixing: number, { key }: Mode): Tensor {
  // Below 1 − mixing no layer lies above the number drawn.
  const high = (styles - 1) / mixing;
  const from = randomUniform([w.shape[0], 1], { key: key("mixing"), high });
  const layers = tensor1d(Array.from({ length: styles }, (_, layer) => layer));
  const isOther = expandDims(cast(less(from, layers), "float32"), 2);
  return add(expandDims(w, 1), mul(isOther, expandDims(sub(other, w), 1)));
}
