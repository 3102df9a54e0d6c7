import { join } from "node:path";
import { latestCheckpoint, readCheckpoint, writeCheckpoint } from "../../src/io/node.ts";
import { FeatureNetwork, trainFeatures } from "../../src/metrics/index.ts";
import { digitDataset, readDigits } from "./digits.ts";

export interface DigitClassifier {
  readonly network: FeatureNetwork;
  /** Part of the 10,000 held-out digits that it reads as labelled. */
  readonly accuracy: number;
}

/**
 * The classifier that generated digits are read by, trained on the 60,000 real ones; the same weights at each call. It is
 * kept in the folder of runs.
 */
export async function digitClassifier(data: string, runs: string): Promise<DigitClassifier> {
  const folder = join(runs, "digit-classifier");
  const path = await latestCheckpoint(folder);
  const mnist = join(data, "mnist");
  const network =
    path === undefined
      ? await trainFeatures(digitDataset(await readDigits(mnist, "train"), 0), {
          name: "digits",
          kimg: 300,
          task: "labels",
        })
      : FeatureNetwork.restored(await readCheckpoint(path));
  if (path === undefined) await writeCheckpoint(folder, network.state(), { step: 0 });
  const held = await readDigits(mnist, "t10k");
  return { network, accuracy: await network.accuracy(held.pictures, held.labels) };
}
