export { filesFromDrop, imageFiles, type PictureFile, squarePixels } from "./browser.ts";
export {
  type Collected,
  type CollectOptions,
  collectDataset,
  collectPictures,
  type PictureOptions,
  type PictureSource,
  type Progress,
} from "./collect.ts";
export { type PictureDatasetOptions, pictureDataset, takePictures } from "./dataset.ts";
export { MAX_PICTURE_PIXELS, type PictureSize, pictureSize } from "./picture-size.ts";
export { withoutAlpha } from "./rgba.ts";
