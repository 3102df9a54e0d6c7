export { encodePng, type GridOptions, imageGrid, type Picture } from "./png.ts";
export { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
