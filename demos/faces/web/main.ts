// The page: shows what the worker reports and passes on what is pressed. Nothing heavy happens here.
import { durationInWords } from "ganvil/session";
import { element, write } from "./element.ts";
import { LossChart } from "./loss-chart.ts";
import type { FromWorker, ProgressFigures, RunOptions, ToWorker } from "./messages.ts";
import { SampleGrid } from "./sample-grid.ts";
import { Setup } from "./setup.ts";

type State = "loading" | "setup" | "preparing" | "training" | "paused" | "done" | "failed";

/** What the first button says; it can be pressed where the state has an action. */
const runLabels: Record<State, string> = {
  loading: "Start",
  setup: "Start",
  preparing: "Preparing…",
  training: "Pause",
  paused: "Continue",
  done: "Done",
  failed: "Stopped",
};

const runButton = element("run", HTMLButtonElement);
const saveGrid = element("save-grid", HTMLButtonElement);
const showTrained = element("show-trained", HTMLButtonElement);
const saveCheckpoint = element("save-checkpoint", HTMLButtonElement);
const error = element("error", HTMLElement);
const progress = element("progress", HTMLProgressElement);
const grid = new SampleGrid(element("samples", HTMLCanvasElement));
const chart = new LossChart(element("losses", HTMLElement));
const setup = new Setup({
  mayDrop: () => state === "setup",
  checkpoint: (file) => {
    show({ error: undefined });
    tell({ type: "open", checkpoint: file });
  },
});

let state: State = "loading";
let worker = startWorker();
let options: RunOptions | undefined;

function startWorker(): Worker {
  const started = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  started.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
    // What an ended worker still had to say concerns nobody.
    if (started === worker) hear(data);
  });
  started.addEventListener("error", ({ message }) => {
    if (started !== worker) return;
    enter("failed", "Stopped.");
    show({ error: `The worker stopped: ${message || "it could not be loaded"}` });
  });
  return started;
}

function tell(message: ToWorker): void {
  worker.postMessage(message);
}

function hear(message: FromWorker): void {
  switch (message.type) {
    case "ready":
      enter("setup", "Ready.");
      break;
    case "opened":
      setup.accept(message.checkpoint, message.options, message.kimg);
      break;
    case "refused":
      show({ error: message.message });
      break;
    case "trained":
      // The worker may have begun to train on the way here.
      if (state === "setup") showTrainedSamples(message);
      break;
    case "pictures":
      write("pictures", `${count(message.done)} of ${count(message.total)}`);
      progress.value = message.done / message.total;
      break;
    case "started":
      options = message.options;
      progress.value = 0;
      showPictures(message);
      showDevice(message.device, message.withoutGpu);
      enter("training", `Training on ${count(message.pictures)} pictures.`);
      break;
    case "warm-up":
      element("warm-up", HTMLElement).hidden = false;
      write("warm-up-done", `${message.compiled} of ${message.asked}`);
      break;
    case "gpu-failed":
      showGpuFailed(message);
      break;
    case "found":
      showFound(message);
      break;
    case "steps":
      element("warm-up", HTMLElement).hidden = true;
      chart.add(message.points);
      showFigures(message.figures);
      break;
    case "samples":
      grid.draw(message.samples);
      showSamplesNote(message.kimg);
      break;
    case "paused":
      enter("paused", `Paused at ${message.kimg.toFixed(1)} kimg.`);
      break;
    case "continued":
      enter("training", "Training.");
      break;
    case "done":
      enter("done", `Done: ${message.kimg.toFixed(1)} kimg.`);
      break;
    case "failed":
      enter("failed", "Stopped.");
      show({ error: message.message });
      break;
    case "file":
      download(new File([message.bytes], message.name, { type: message.mime }));
      break;
  }
}

function enter(next: State, status: string): void {
  state = next;
  document.body.dataset.state = next;
  write("status", status);
  runButton.textContent = runLabels[next];
  runButton.disabled = next === "loading" || next === "preparing" || next === "done" || next === "failed";
  saveCheckpoint.disabled = options === undefined || next === "preparing";
  saveGrid.disabled = element("samples", HTMLCanvasElement).hidden;
  showTrained.disabled = next !== "setup";
}

runButton.addEventListener("click", () => {
  if (state === "training") tell({ type: "pause" });
  else if (state === "paused") tell({ type: "continue" });
  else if (state === "setup") start();
});

function start(): void {
  const chosen = setup.options();
  if (!chosen) return;
  show({ error: undefined });
  clearSamples();
  enter("preparing", "Preparing pictures.");
  const { device, pictures, checkpoint } = setup;
  tell({ type: "start", options: chosen, device, pictures, checkpoint });
}

element("setup", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  if (state === "setup") start();
});

// A worker ended is memory given back and a state that cannot linger.
element("restart", HTMLButtonElement).addEventListener("click", () => {
  worker.terminate();
  options = undefined;
  chart.clear();
  clearSamples();
  for (const id of ["skipped", "warm-up", "without-gpu"]) element(id, HTMLElement).hidden = true;
  element("gpu-failures", HTMLElement).replaceChildren();
  element("findings", HTMLElement).replaceChildren();
  for (const id of ["shown", "left", "speed", "memory", "pictures", "computed-on"]) write(id, "–");
  progress.value = 0;
  show({ error: undefined });
  enter("loading", "Loading the kernels…");
  worker = startWorker();
});

/** Other latents each time. */
let trainedSeed = 0;
showTrained.addEventListener("click", () => tell({ type: "show-trained", seed: trainedSeed++ }));

saveGrid.addEventListener("click", () => tell({ type: "save", what: "grid" }));
saveCheckpoint.addEventListener("click", () => tell({ type: "save", what: "checkpoint" }));

function show({ error: text }: { error: string | undefined }): void {
  error.hidden = text === undefined;
  error.textContent = text ?? "";
}

function showDevice(device: string, withoutGpu?: string): void {
  write("computed-on", device);
  element("without-gpu", HTMLElement).hidden = withoutGpu === undefined;
  write("without-gpu", `No GPU is used: ${withoutGpu}`);
}

/** Added below earlier ones, to be read whenever somebody looks. */
function showGpuFailed({ kimg, device, notice }: FromWorker & { type: "gpu-failed" }): void {
  const paragraph = (className: string, text: string): HTMLElement =>
    Object.assign(document.createElement("p"), { className, textContent: text });
  element("gpu-failures", HTMLElement).append(
    paragraph(
      "notice",
      `The GPU stopped working at ${kimg.toFixed(1)} kimg. Nothing is lost: training goes on, on ${device}.`,
    ),
    paragraph("note", notice),
  );
}

/** What the doctor says, the latest below. */
function showFound({ kimg, severity, text }: FromWorker & { type: "found" }): void {
  const textContent = `At ${kimg.toFixed(1)} kimg, ${text}`;
  const className = severity === "fault" ? "notice" : "note";
  element("findings", HTMLElement).append(
    Object.assign(document.createElement("p"), { className, textContent }),
  );
}

function showFigures(figures: ProgressFigures): void {
  const { kimg, progress: part, imagesPerSecond, secondsLeft, bytes, gpuBytes, device } = figures;
  write("shown", `${kimg.toFixed(1)} of ${options?.kimg} kimg`);
  write("left", durationInWords(secondsLeft));
  write("speed", `${imagesPerSecond.toFixed(0)} images/s`);
  const onGpu = gpuBytes > 0 ? `, ${(gpuBytes / 1e6).toFixed(0)} MB on the GPU` : "";
  write("memory", `${(bytes / 1e6).toFixed(0)} MB${onGpu}`);
  write("computed-on", device);
  progress.value = part;
}

function showPictures({
  pictures,
  skipped,
  options: { resolution },
}: FromWorker & { type: "started" }): void {
  write("pictures", `${count(pictures)} of ${resolution} × ${resolution}`);
  const details = element("skipped", HTMLDetailsElement);
  details.hidden = skipped.length === 0;
  details.open = skipped.length <= 5;
  const [what, verb] = skipped.length === 1 ? ["picture", "was"] : ["pictures", "were"];
  write("skipped-title", `${count(skipped.length)} ${what} could not be used and ${verb} left out`);
  element("skipped-list", HTMLUListElement).replaceChildren(
    ...skipped.map(({ name, reason }) => {
      const item = document.createElement("li");
      item.textContent = `${name}: ${reason}`;
      return item;
    }),
  );
}

function showSamplesNote(kimg: number): void {
  element("samples-empty", HTMLElement).hidden = true;
  saveGrid.disabled = false;
  write("samples-note", `after ${kimg.toFixed(1)} kimg, from the same latents each time`);
  element("samples", HTMLCanvasElement).ariaLabel =
    `64 samples of the generator after ${kimg.toFixed(1)} kimg`;
}

function showTrainedSamples({ samples, recipe, kimg }: FromWorker & { type: "trained" }): void {
  grid.draw(samples);
  element("samples-empty", HTMLElement).hidden = true;
  write("samples-note", `by ${recipe}, trained before on photographs for ${kimg.toFixed(0)} kimg`);
  element("samples", HTMLCanvasElement).ariaLabel = "64 samples of a trained generator";
}

function clearSamples(): void {
  grid.clear();
  element("samples-empty", HTMLElement).hidden = false;
  write("samples-note", "the same 64 latents each time");
}

function download(file: File): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  // The browser reads the file after the click has returned.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function count(n: number): string {
  return n.toLocaleString("en");
}

enter("loading", "Loading the kernels…");
