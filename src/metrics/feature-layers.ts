import { mean, type Tensor, type Tensor2D } from "@tensorflow/tfjs-core";
import { check, show } from "../errors.ts";
import { batchNorm, conv, dense } from "../nn/layers.ts";
import { type Layer, type Mode, type Network, network } from "../nn/network.ts";

/** What a feature network is made by. */
export interface FeatureShape {
  /** Height and width of its pictures, at least 8. */
  readonly resolution: number;
  readonly channels: number;
  /** Channels after each halving of height and width; the last is the number of features. */
  readonly widths: readonly number[];
  /** Classes that it tells apart: of its labels, or the four rotations. */
  readonly classes: number;
  /** What it was trained to tell. */
  readonly task: FeatureTask;
}

/** `"labels"`: the pictures' classes; `"rotations"`: which quarter turn a picture is shown in, without labels. */
export type FeatureTask = "labels" | "rotations";

/** The two parts of a network that tells classes apart. */
export interface FeatureLayers {
  readonly network: Network;
  /** float32 [N, resolution, resolution, channels] in [-1, 1] → [N, widths.at(-1)] */
  features(x: Tensor, mode: Mode): Tensor2D;
  /** Features → logits float32 [N, classes] */
  logits(features: Tensor2D, mode: Mode): Tensor2D;
}

const relu = { activation: "relu" } as const;

/**
 * A convolution 4×4 of stride 2 and one of 3×3 for each width, batch norm and ReLU after both, then the mean over space:
 * the features. A dense layer tells the classes by them.
 */
export function featureLayers({ channels, widths, classes }: FeatureShape, seed: number): FeatureLayers {
  let body: Layer = (x) => x;
  let head: Layer = (x) => x;
  const made = network(seed, "features", (to) => {
    const block = (name: string, inputs: number, outputs: number, kernel: number, stride: number): Layer => {
      const std = Math.sqrt(2 / (kernel * kernel * inputs));
      const filter = conv(to, name, { inputs, outputs, kernel, stride, std, bias: false });
      const norm = batchNorm(to, `${name}.norm`, outputs, relu);
      return (x, mode) => norm(filter(x, mode), mode);
    };
    const blocks = widths.flatMap((width, i) => [
      block(`${i}.down`, i === 0 ? channels : widths[i - 1], width, 4, 2),
      block(`${i}.conv`, width, width, 3, 1),
    ]);
    const features = widths[widths.length - 1];
    body = (x, mode) =>
      mean(
        blocks.reduce((y, layer) => layer(y, mode), x),
        [1, 2],
      );
    head = dense(to, "logits", { inputs: features, outputs: classes, std: Math.sqrt(1 / features) });
    return (x, mode) => head(body(x, mode), mode);
  });
  return {
    network: made,
    features: (x, mode) => body(x, mode) as Tensor2D,
    logits: (x, mode) => head(x, mode) as Tensor2D,
  };
}

/** Refuses what no feature network is made by. */
export function checkedShape(shape: FeatureShape): FeatureShape {
  const { resolution, channels, widths, classes, task } = shape;
  const isCount = (value: number, most: number) => Number.isInteger(value) && value > 0 && value <= most;
  check(
    isCount(resolution, 4096) && resolution >= 8,
    () => `feature network: expected resolution from 8 to 4096, got ${show(resolution)}`,
  );
  check(
    isCount(channels, 64),
    () => `feature network: expected channels from 1 to 64, got ${show(channels)}`,
  );
  check(
    isCount(classes, 65536) && classes > 1,
    () => `feature network: expected at least 2 classes, got ${show(classes)}`,
  );
  check(
    Array.isArray(widths) &&
      widths.length > 0 &&
      widths.length <= 8 &&
      widths.every((width) => isCount(width, 1024)),
    () => `feature network: expected 1 to 8 widths from 1 to 1024, got [${widths}]`,
  );
  check(
    task === "labels" || task === "rotations",
    () => `feature network: expected task "labels" or "rotations", got ${show(task)}`,
  );
  return shape;
}
