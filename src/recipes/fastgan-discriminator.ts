import {
  abs,
  add,
  avgPool,
  cast,
  equal,
  floor,
  mean,
  mul,
  type Scalar,
  slice,
  sub,
  type Tensor,
  type Tensor4D,
  tanh,
} from "@tensorflow/tfjs-core";
import type { DiscriminatorRegularizer } from "../gan/regularizers.ts";
import { type Condition, logitLayer } from "../nn/condition.ts";
import { upBlock } from "../nn/gated.ts";
import { batchNorm, conv } from "../nn/layers.ts";
import { chain, type Layer, type Mode, type Network, network, type Parameters } from "../nn/network.ts";
import { randomUniform } from "../ops/random.ts";

const leakyRelu = { activation: "leakyRelu", alpha: 0.2 } as const;

/** Height and width of the last features, and of the part of those before that is decoded. */
const last = 8;

/** Height and width of decoded pictures, at most. */
const decodedSize = 32;

const halved: Layer = (x) => avgPool(x as Tensor4D, 2, 2, "valid");

/** Half the size: two convolutions, and beside them the average of each four pixels. */
function downBlock(to: Parameters, name: string, inputs: number, outputs: number): Layer {
  const normed = (part: string, from: number, kernel: number, stride = 1): Layer =>
    chain(
      conv(to, `${name}.${part}`, { inputs: from, outputs, kernel, stride, bias: false }),
      batchNorm(to, `${name}.${part}.norm`, outputs, leakyRelu),
    );
  const main = chain(normed("1", inputs, 4, 2), normed("2", outputs, 3));
  const direct = chain(halved, normed("direct", inputs, 1));
  return (x, mode) => mul(add(main(x, mode), direct(x, mode)), 0.5);
}

/** Features [N, 8, 8, inputs] → pictures of another size. */
function decoder(
  to: Parameters,
  name: string,
  { inputs, size, channels }: { readonly inputs: number; readonly size: number; readonly channels: number },
): Layer {
  const steps = Math.log2(size / last);
  const width = (step: number): number => Math.max(4, inputs >> step);
  return chain(
    ...Array.from({ length: steps }, (_, i) => upBlock(to, `${name}.${i}`, width(i), width(i + 1))),
    conv(to, `${name}.picture`, { inputs: width(steps), outputs: channels, kernel: 3 }),
    tanh as Layer,
  );
}

/** Features of pictures [N, H, W, C]: at 16×16 [N, 16, 16, ...] and at 8×8. */
type Features = (x: Tensor, mode: Mode) => { readonly early: Tensor; readonly late: Tensor };

/** What draws pictures again: a quarter of them from the early features, all of them from the late ones. */
interface SelfSupervised {
  readonly features: Features;
  readonly decoders: { readonly part: Layer; readonly whole: Layer };
}

interface CriticShape {
  /** Channels at 8×8, 16×16, ... up to the resolution. */
  readonly criticWidths: readonly number[];
  readonly channels: number;
  readonly classes: number;
  readonly condition: Condition;
  readonly resolution: number;
  readonly seed: number;
}

/** The discriminator, float32 [N, H, W, channels] → logits [N, 1] or [N, 1 + classes], and what supervises it. */
export function fastganDiscriminator(
  shape: CriticShape,
): SelfSupervised & { readonly discriminator: Network } {
  const { criticWidths: widths, channels, classes, condition, resolution, seed } = shape;
  const top = widths.length - 1;
  let parts!: SelfSupervised;
  const discriminator = network(seed, "discriminator", (to) => {
    const fromPicture = conv(to, "picture", {
      ...{ inputs: channels, outputs: widths[top], kernel: 3, ...leakyRelu },
    });
    const down = (level: number): Layer =>
      downBlock(to, `${last << level}`, widths[level + 1], widths[level]);
    const toEarly = chain(fromPicture, ...Array.from({ length: top - 1 }, (_, i) => down(top - 1 - i)));
    const toLate = down(0);
    const features: Features = (x, mode) => {
      const early = toEarly(x, mode);
      return { early, late: toLate(early, mode) };
    };
    const size = Math.min(decodedSize, resolution / 2);
    const decoders = {
      part: decoder(to, "part", { inputs: widths[1], size, channels }),
      whole: decoder(to, "whole", { inputs: widths[0], size: decodedSize, channels }),
    };
    parts = { features, decoders };
    const inputs = Math.ceil(widths[0] / 2);
    const tail = chain(
      conv(to, "patch", { inputs: widths[0], outputs: inputs, kernel: 4, stride: 2, ...leakyRelu }),
      (x) => mean(x, [1, 2]),
      logitLayer(to, "logit", { inputs, classes, condition }),
    );
    return (x, mode) => tail(features(x, mode).late, mode);
  });
  return { discriminator, ...parts };
}

/** Pictures averaged to a smaller height and width. */
function averaged(x: Tensor, size: number): Tensor {
  const by = x.shape[1]! / size;
  return by <= 1 ? x : avgPool(x as Tensor4D, by, by, "valid");
}

/** The quarter of each picture that its number, 0 to 3 in [N, 1, 1, 1], names: [N, H/2, W/2, C]. */
export function quarter(x: Tensor, numbers: Tensor): Tensor {
  const [, height, width] = x.shape;
  const [h, w] = [height / 2, width / 2];
  return [0, 1, 2, 3]
    .map((q) => {
      const corner = slice(x, [0, Math.floor(q / 2) * h, (q % 2) * w, 0], [-1, h, w, -1]);
      return mul(corner, cast(equal(numbers, q), "float32"));
    })
    .reduce((a, b) => add(a, b));
}

/**
 * Self-supervision (Liu et al. 2021, arXiv 2101.04775): λ·(E|decoded late features − x| + E|decoded quarter of the early
 * ones − that quarter of x|) over real pictures x as augmented, made as small as what is decoded. The features are
 * computed once more for it.
 */
export function reconstruction(
  weight: number,
  { features, decoders }: SelfSupervised,
): DiscriminatorRegularizer {
  return {
    name: "reconstruction",
    player: "discriminator",
    weight: () => weight,
    term: ({ real, augment, key }) => {
      const x = augment(real, "reconstruction");
      const mode: Mode = { training: true, parts: 1, track: false, key };
      const { early, late } = features(x, mode);
      // Nothing else runs the decoders: their statistics follow here.
      const decoding = { ...mode, track: true };
      const numbers = floor(randomUniform([x.shape[0], 1, 1, 1], { key: key("quarter"), high: 4 }));
      const whole = decoders.whole(late, decoding);
      const part = decoders.part(quarter(early, numbers), decoding);
      const apart = (drawn: Tensor, wanted: Tensor): Tensor =>
        mean(abs(sub(drawn, averaged(wanted, drawn.shape[1]!))));
      return add(apart(whole, x), apart(part, quarter(x, numbers))) as Scalar;
    },
  };
}
