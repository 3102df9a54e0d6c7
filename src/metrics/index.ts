export { FeatureNetwork, type FeatureShape, type FeatureTask } from "./feature-network.ts";
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
export { type ResizeOptions, resizeAntialiased } from "./resize.ts";
export { type TrainFeaturesOptions, trainFeatures } from "./train-features.ts";
