export type { GanvilBackend, HeapMemory } from "./backend/backend.ts";
export { type CompiledStep, compile, onHost, type Step, settled } from "./backend/compile.ts";
export type { Placement } from "./backend/placement.ts";
export type { Explanation } from "./backend/placer.ts";
export { type Doctor, type DoctorOptions, doctor } from "./doctor/doctor.ts";
export {
  CheckpointError,
  DataError,
  DeviceError,
  GanvilError,
  NonFiniteError,
} from "./errors.ts";
export { type AdaGroup, type AdaOptions, ada } from "./gan/ada.ts";
export { type Adjustment, adjusted } from "./gan/adjust.ts";
export { apa } from "./gan/apa.ts";
export { type Augment, type AugmentTurn, type DiffAugmentOptions, diffAugment } from "./gan/augment.ts";
export type { Batch, Dataset, ImageBytes, SkippedPicture } from "./gan/batch.ts";
export {
  type Controller,
  type Controls,
  type GammaControllerOptions,
  gammaController,
  type Signals,
} from "./gan/controller.ts";
export type { Finding, FindingKind } from "./gan/finding.ts";
export { createGan, type Gan } from "./gan/gan.ts";
export {
  type AdversarialLoss,
  hinge,
  leastSquares,
  nonSaturating,
  type PairLoss,
  relativisticPairing,
  wasserstein,
} from "./gan/losses.ts";
export {
  consistency,
  dragan,
  gradientPenalty,
  lecam,
  pathLength,
  type Regularizer,
  r1,
  r2,
} from "./gan/regularizers.ts";
export { type SampleOptions, sample } from "./gan/sample.ts";
export type { GanSettings } from "./gan/settings.ts";
export type { StateTensor, TrainingState } from "./gan/state.ts";
export type { StrengthOptions } from "./gan/strength.ts";
export { type Report, type TrainOptions, train } from "./gan/train.ts";
export { type Device, devices, type InitOptions, init } from "./init.ts";
export { equalConv, equalDense } from "./nn/equalized.ts";
export { glu } from "./nn/gated.ts";
export { batchNorm, conv, convTranspose, dense } from "./nn/layers.ts";
export { modulatedConv, type StyledLayer, styleLayer } from "./nn/modulated.ts";
export {
  fromLayersModel,
  type Layer,
  type LayersModel,
  type Mode,
  type Network,
  network,
  networkOf,
  type Parameters,
  type StyleNetwork,
} from "./nn/network.ts";
export { skipExcitation } from "./nn/skip-excitation.ts";
export { type StyleHalves, styleNetwork } from "./nn/style.ts";
export { type Conv1dOptions, type Conv1dTransposeOptions, conv1d, conv1dTranspose } from "./ops/conv1d.ts";
export { type Conv2dOptions, type Conv2dTransposeOptions, conv2d, conv2dTranspose } from "./ops/conv2d.ts";
export { type BiasActivationOptions, biasActivation } from "./ops/fused-activation.ts";
export {
  groupNorm,
  instanceNorm,
  layerNorm,
  type MinibatchStddevOptions,
  minibatchStddev,
  type NormOptions,
  pixelNorm,
  spectralNorm,
} from "./ops/norm.ts";
export { type GruWeights, gruCell } from "./ops/recurrent.ts";
export { affineGrid, gridSample } from "./ops/sample.ts";
export { logSoftmax } from "./ops/softmax.ts";
export { spaceToDepth } from "./ops/space-depth.ts";
export { stopGradient } from "./ops/stop-gradient.ts";
export {
  downsample2d,
  filter2d,
  type Resample2dOptions,
  type Upfirdn2dOptions,
  upfirdn2d,
  upsample2d,
} from "./ops/upfirdn2d.ts";
export { Adam, type AdamApplyOptions, type AdamOptions } from "./optim/adam.ts";
export { constant, cosine, linear, type Schedule } from "./optim/schedule.ts";
export { type DcganOptions, dcgan } from "./recipes/dcgan.ts";
export { type FastganOptions, fastgan } from "./recipes/fastgan.ts";
export {
  type AugmentName,
  augmentNames,
  type NamedOptions,
  type RecipeName,
  type RecipeSize,
  recipeNamed,
  recipeNames,
  recipeOf,
  recipeSizes,
} from "./recipes/named.ts";
export { startingGamma } from "./recipes/options.ts";
export { type R3ganOptions, r3gan } from "./recipes/r3gan.ts";
export { type SnganOptions, sngan } from "./recipes/sngan.ts";
export { type Stylegan2Options, stylegan2 } from "./recipes/stylegan2.ts";
export { type WganGpOptions, wganGp } from "./recipes/wgan-gp.ts";
