import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import { type FeatureFunction, featuresFromLayersModel } from "../../src/metrics/features.ts";

/** The cut of MobileNet in a folder: pictures of 224² to 1,024 numbers. */
export async function mobileNet(folder: string): Promise<FeatureFunction> {
  const { modelTopology, weightsManifest } = JSON.parse(await readFile(join(folder, "model.json"), "utf8"));
  const [{ paths, weights }] = weightsManifest;
  const bytes = Uint8Array.from(await readFile(join(folder, paths[0])));
  const artifacts = { modelTopology, weightSpecs: weights, weightData: bytes.buffer };
  const model = await loadLayersModel({ load: async () => artifacts });
  return featuresFromLayersModel("MobileNet", model, { resolution: 224, size: 1024 });
}
