import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGan, type Dataset, type Gan, init, r3gan, sample } from "ganvil";
import { takePictures } from "ganvil/data";
import { imageFolder } from "ganvil/data/node";
import { encodePng, encodeSafetensors } from "ganvil/io";
import { readCheckpoint, writeCheckpoint } from "ganvil/io/node";
import {
  densityCoverage,
  FeatureNetwork,
  features,
  floor,
  frechetDistance,
  kernelDistance,
  type Measure,
  memorization,
  precisionRecall,
  trainFeatures,
} from "ganvil/metrics";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { start } from "./command.ts";

const resolution = 32;
let scratch: string;
/** An untrained GAN, and the folder of its checkpoint. */
let gan: Gan;
let run: string;

/** A folder of pictures: stripes, each of its own colour, width and way. */
async function stripes(name: string, count: number, from = 0): Promise<string> {
  const folder = join(scratch, name);
  await mkdir(folder);
  for (let n = from; n < from + count; n++) {
    const data = Uint8Array.from({ length: resolution ** 2 * 3 }, (_, at) => {
      const [pixel, channel] = [Math.floor(at / 3), at % 3];
      const place = n % 2 === 0 ? pixel % resolution : Math.floor(pixel / resolution);
      return place % (4 + (n % 5)) < 2 ? (n * [37, 59, 83][channel]) % 256 : 20;
    });
    await writeFile(
      join(folder, `${n}.png`),
      encodePng({ data, height: resolution, width: resolution, channels: 3 }),
    );
  }
  return folder;
}

/** What the command wrote beside the checkpoint. */
async function record() {
  const text = await readFile(join(run, "checkpoint-00000000.metrics.json"), "utf8");
  return JSON.parse(text) as Record<string, unknown> & { figures: object[]; refused: string[] };
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "ganvil-measure-"));
  run = join(scratch, "run");
  await init({ device: "wasm" });
  gan = createGan(r3gan({ resolution, seed: 5 }));
  await writeCheckpoint(run, await gan.state(), { step: 0 });
});

afterAll(async () => {
  gan.dispose();
  await rm(scratch, { recursive: true, force: true });
});

describe("ganvil measure", () => {
  it("comes to what the library's metrics do, by the network that it is given", async () => {
    const [folder, heldOutFolder] = [await stripes("trained", 60), await stripes("held", 40, 60)];
    const [data, heldOut] = await Promise.all(
      [folder, heldOutFolder].map((one) => imageFolder(one, { resolution, mirror: false })),
    );
    const network = await trainFeatures(data, { name: "judge", widths: [8, 8], kimg: 0.2, batch: 20 });
    const file = join(scratch, "judge.safetensors");
    await writeFile(file, encodeSafetensors(network.state()));

    const args = ["--run", run, "--data", folder, "--held-out", heldOutFolder, "--features", file];
    const { code, text } = await start("measure", ...args, "--count", "50", "--seed", "3").ended;
    expect(code, text).toBe(0);

    const featuresOf = async (from: Dataset) => features(network.features, await takePictures(from));
    const [real, unseen] = [await featuresOf(data), await featuresOf(heldOut)];
    const drawn = await features(network.features, await sample(gan, { count: 50, seed: 3 }));
    const { figures, refused, ...origin } = await record();
    const checkpoint = "checkpoint-00000000.safetensors";
    expect(origin).toEqual({ checkpoint, samples: 50, seed: 3, pictures: 60, network: network.name });
    const shown = ({ metric, value, interval }: Measure, ofHalves?: number) => ({
      ...{ metric, value, interval, ofHalves },
    });
    const kid = await kernelDistance(drawn, real);
    const { precision, recall } = await precisionRecall(drawn, real);
    const { density, coverage } = await densityCoverage(drawn, real);
    const halves = await floor(real, precisionRecall);
    expect(figures).toEqual(
      [
        shown(kid, (await floor(real, kernelDistance)).value),
        shown(frechetDistance(drawn, real), (await floor(real, async (a, b) => frechetDistance(a, b))).value),
        shown(precision, halves.precision.value),
        shown(recall, halves.recall.value),
        // Halves of 30 pictures are too few for these.
        shown(density),
        shown(coverage),
        shown(await memorization(drawn, real, unseen)),
      ].map((figure) => JSON.parse(JSON.stringify(figure))),
    );
    expect(refused).toEqual([expect.stringContaining(`C2ST-${network.name}: expected at least 100 samples`)]);
    expect(text).toContain(`50 drawn pictures against 60, by ${network.name}`);
    expect(text).toContain(refused[0]);
    expect(text).toMatch(new RegExp(`KID +${kid.value.toFixed(kid.value < 0.1 ? 4 : 3)} `));
    network.dispose();
  }, 120_000);

  it("trains a network on the pictures where there is none, and takes the same one again", async () => {
    const folder = await stripes("few", 24);
    const args = ["--run", run, "--data", folder, "--features-kimg", "0.05"];
    const first = await start("measure", ...args).ended;
    expect(first.code, first.text).toBe(0);
    expect(first.text).toContain("the network learns, pictures: 50 of 50");
    const { network, figures } = await record();
    const state = await readCheckpoint(join(run, "features.safetensors"));
    expect(network).toBe(FeatureNetwork.restored(state).name);
    const second = await start("measure", ...args).ended;
    expect(second.text).not.toContain("the network learns");
    expect((await record()).figures).toEqual(figures);
  }, 120_000);

  it.each([
    [[], "--run: expected a folder that `ganvil train` wrote"],
    [["--run", "RUN"], "--data: expected the folder that it was trained on"],
    [["--run", "RUN", "--data", "no-such-folder"], "no-such-folder: could not be read"],
    [["--run", "RUN", "--count", "0"], '--count: expected a whole number of at least 1, got "0"'],
    [["--colour"], "Unknown option '--colour'"],
  ])(
    "answers %o with one sentence",
    async (args, message) => {
      const { code, text } = await start("measure", ...args.map((arg) => (arg === "RUN" ? run : arg))).ended;
      expect(code).toBe(1);
      expect(text).toContain(message);
      expect(text).not.toContain("    at ");
    },
    60_000,
  );
});
