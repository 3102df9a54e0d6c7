export type { FeatureShape, FeatureTask } from "./feature-layers.ts";
export { FeatureNetwork } from "./feature-network.ts";
export {
  type FeatureFunction,
  type Features,
  type FeaturesOptions,
  featureBatches,
  features,
  featuresFromLayersModel,
  type Pictures,
  pixelFeatures,
} from "./features.ts";
export { floor } from "./floor.ts";
export { type FrechetDistanceOptions, frechetDistance } from "./frechet-distance.ts";
export { type KernelDistanceOptions, kernelDistance } from "./kernel-distance.ts";
export type { Measure } from "./measure.ts";
export { type Memorization, memorization, type NearestPair } from "./memorization.ts";
export { type ModeOptions, type Modes, modeCoverage, samplesForModes, stackedClasses } from "./modes.ts";
export { type Gaussian, Moments } from "./moments.ts";
export { densityCoverage, type NeighbourOptions, precisionRecall } from "./neighbours.ts";
export { type PathLengthOptions, perceptualPathLength } from "./path-length.ts";
export { type ResizeOptions, resizeAntialiased } from "./resize.ts";
export {
  type SlicedWasserstein,
  type SlicedWassersteinOptions,
  slicedWasserstein,
} from "./sliced-wasserstein.ts";
export { type TrainFeaturesOptions, trainFeatures } from "./train-features.ts";
export { type TwoSampleTestOptions, twoSampleTest } from "./two-sample-test.ts";
