export type { Labelled, Space } from "./code.ts";
export { type Direction, type DirectionOptions, walk } from "./direction.ts";
export { interpolate, meanStyle, slerp, styleMix, truncate } from "./mix.ts";
export { type PcaOptions, pcaDirections } from "./pca.ts";
export {
  type Projection,
  type ProjectionCheck,
  type ProjectionProgress,
  type ProjectOptions,
  project,
} from "./project.ts";
export { type SefaOptions, sefa } from "./sefa.ts";
