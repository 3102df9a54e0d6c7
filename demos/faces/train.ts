// The faces demo on the command line: `npm run demo:faces -- --help`.
import { createGan, type Dataset, GanvilError, init } from "ganvil";
import { imageFolder } from "ganvil/data/node";
import { deviceInWords } from "./device.ts";
import { drawnFaces } from "./dicebear-faces.ts";
import { duration } from "./duration.ts";
import { type Options, readOptions, UsageError, usage } from "./options.ts";
import { type Progress, showProgress } from "./progress.ts";
import { rasterise } from "./rasterise-node.ts";
import { facesRecipe } from "./recipes.ts";
import { RunFolder } from "./run-folder.ts";
import { runSession, type SessionReport } from "./session.ts";

/** Ticks of a run: grids and checkpoints. */
const ticks = 20;

async function loadData({ data, resolution, seed }: Options, signal: AbortSignal): Promise<Dataset> {
  let shown = 0;
  const onProgress = ({ done, total }: { done: number; total: number }) => {
    if (performance.now() - shown < 2000 && done < total) return;
    shown = performance.now();
    console.log(`pictures: ${done} of ${total}`);
  };
  const options = { resolution, seed, onProgress, signal };
  return data === undefined ? drawnFaces({ ...options, rasterise }) : imageFolder(data, options);
}

async function main(options: Options): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => {
    console.log("\nStopping after this step; press Ctrl-C again to stop at once.");
    stop.abort();
  });
  let progress: Progress | undefined;
  const { device, threads } = options;
  const backend = await init({ device, threads, onWarmUp: (warmUp) => progress?.warmUp(warmUp) });
  const { recipe, size, resolution, batch, kimg, seed } = options;
  const data = await loadData(options, stop.signal);
  for (const { name, reason } of data.skipped) console.log(`skipped ${name}: ${reason}`);
  const pictures = options.data === undefined ? "drawn" : "photographs";
  const gan = createGan(facesRecipe({ recipe, size, resolution, batch, kimg, seed }, pictures));
  const run = options.resume ? await resume(options.out, gan) : await fresh(options.out);
  console.log(
    `${data.size} pictures of ${resolution}×${resolution}, on ${deviceInWords(backend)}, results in ${run.folder}`,
  );
  if (device === "auto" && backend.gpu === undefined) console.log(`No GPU: ${backend.placer.withoutGpu}`);
  progress = showProgress(kimg);
  const start = performance.now();
  let unlogged: SessionReport[] = [];
  for await (const report of runSession(gan, data, { tickKimg: kimg / ticks, signal: stop.signal })) {
    unlogged.push(report);
    progress.step(report);
    if (report.samples === undefined) continue;
    await run.log(unlogged);
    unlogged = [];
    const grid = await run.grid(report.samples, report.imagesSeen);
    progress.tick(report, [grid, await run.checkpoint(gan)]);
  }
  progress.stop();
  await run.log(unlogged);
  const checkpoint = await run.checkpoint(gan);
  console.log(`${duration((performance.now() - start) / 1000)}; ${checkpoint}`);
  if (gan.progress < 1) console.log("Stopped early: add --resume to the same command to go on.");
  gan.dispose();
}

async function fresh(folder: string): Promise<RunFolder> {
  const { run, movedTo } = await RunFolder.fresh(folder);
  if (movedTo !== undefined) console.log(`The earlier results are now in ${movedTo}`);
  return run;
}

async function resume(folder: string, gan: ReturnType<typeof createGan>): Promise<RunFolder> {
  const { run, from } = await RunFolder.resume(folder, gan);
  console.log(from === undefined ? `No checkpoint in ${folder}: starting anew` : `Going on from ${from}`);
  return run;
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) console.log(usage);
  else await main(options);
} catch (error) {
  const stopped = error instanceof DOMException && error.name === "AbortError";
  if (
    !(stopped || error instanceof UsageError || error instanceof GanvilError || error instanceof RangeError)
  )
    throw error;
  console.error(stopped ? "Stopped before training began." : error.message);
  process.exitCode = 1;
}
