import { createGan, dcgan, train as trainGan } from "../../src/index.ts";
import { noisePictures } from "../gan/fixtures.ts";

/** The losses of three steps of a small DCGAN, with layers that are worth several threads. */
export async function train(): Promise<readonly unknown[]> {
  const gan = createGan(dcgan({ resolution: 32, widths: [24, 16, 8], latent: 16, batch: 8, kimg: 0.024 }));
  const losses: unknown[] = [];
  for await (const report of trainGan(gan, noisePictures())) losses.push(report.losses);
  gan.dispose();
  return losses;
}
