import { type Device, devices, type RecipeName, type RecipeSize } from "ganvil";
import { filesFromDrop } from "ganvil/data";
import { element, write } from "./element.ts";
import type { RunOptions } from "./messages.ts";

export interface SetupEvents {
  /** A checkpoint was chosen: it counts once `accept` is called. */
  checkpoint(file: File): void;
  /** Whether what is dropped now can be taken. */
  mayDrop(): boolean;
}

const recipe = element("recipe", HTMLSelectElement);
const size = element("size", HTMLSelectElement);
const resolution = element("resolution", HTMLSelectElement);
const kimg = element("kimg", HTMLInputElement);
const seed = element("seed", HTMLInputElement);
const device = element("device", HTMLSelectElement);
const leastKimg = kimg.min;

/** What is chosen before the start: options, pictures, a checkpoint. */
export class Setup {
  readonly #events: SetupEvents;
  #pictures: readonly File[] | undefined;
  #checkpoint: File | undefined;

  constructor(events: SetupEvents) {
    this.#events = events;
    this.#chooser("choose-files", "files", (files) => this.#take(files));
    this.#chooser("choose-folder", "folder", (files) => this.#take(files));
    this.#chooser("choose-checkpoint", "checkpoint", ([file]) => events.checkpoint(file));
    element("use-drawn", HTMLButtonElement).addEventListener("click", () => this.#showSource(undefined));
    element("forget-checkpoint", HTMLButtonElement).addEventListener("click", () => this.#showCheckpoint());
    this.#showSource(undefined);
    this.#acceptDrops();
    const wanted = new URLSearchParams(location.search).get("device");
    device.value = devices.find((name) => name === wanted) ?? "auto";
  }

  get pictures(): readonly File[] | undefined {
    return this.#pictures;
  }

  get checkpoint(): File | undefined {
    return this.#checkpoint;
  }

  get device(): Device {
    return device.value as Device;
  }

  /** The options in the form; undefined, with the browser's own notice, where one cannot be. */
  options(): RunOptions | undefined {
    if (!element("setup", HTMLFormElement).reportValidity()) return undefined;
    return {
      recipe: recipe.value as RecipeName,
      size: size.value === "" ? undefined : (size.value as RecipeSize),
      resolution: Number(resolution.value),
      kimg: Number(kimg.value),
      seed: Number(seed.value),
    };
  }

  /** Goes on from a checkpoint that the worker has found good, with its options. */
  accept(file: File, options: RunOptions, done: number): void {
    recipe.value = options.recipe;
    size.value = options.size ?? "";
    resolution.value = String(options.resolution);
    kimg.value = String(options.kimg > done ? options.kimg : Math.ceil(done) + 10);
    seed.value = String(options.seed);
    this.#showCheckpoint(file, `Goes on from ${file.name}, at ${done.toFixed(1)} of ${options.kimg} kimg.`);
    kimg.min = (done + 0.001).toFixed(3);
  }

  #chooser(buttonId: string, inputId: string, take: (files: File[]) => void): void {
    const input = element(inputId, HTMLInputElement);
    element(buttonId, HTMLButtonElement).addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      const files = [...(input.files ?? [])];
      // So that choosing the same file again is a change.
      input.value = "";
      if (files.length > 0) take(files);
    });
  }

  /** A checkpoint among the files is one; else they are pictures. */
  #take(files: readonly File[]): void {
    const checkpoint = files.find(({ name }) => name.endsWith(".safetensors"));
    if (checkpoint) this.#events.checkpoint(checkpoint);
    else this.#showSource(files);
  }

  #showSource(files: readonly File[] | undefined): void {
    this.#pictures = files;
    const own =
      files && `${files.length.toLocaleString("en")} ${files.length === 1 ? "file" : "files"} of yours`;
    write("source", own ? `Learns from ${own}.` : "Learns from 2,000 faces, drawn here.");
    element("use-drawn", HTMLButtonElement).hidden = files === undefined;
  }

  #showCheckpoint(file?: File, text = ""): void {
    this.#checkpoint = file;
    write("checkpoint-note", text);
    element("checkpoint-note", HTMLElement).hidden = file === undefined;
    element("forget-checkpoint", HTMLButtonElement).hidden = file === undefined;
    kimg.min = leastKimg;
    // They are the checkpoint's.
    for (const field of [recipe, size, resolution, seed]) field.disabled = file !== undefined;
  }

  #acceptDrops(): void {
    const { classList } = document.body;
    addEventListener("dragover", (event) => {
      event.preventDefault();
      classList.toggle("dropping", this.#events.mayDrop());
    });
    addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) classList.remove("dropping");
    });
    addEventListener("drop", async (event) => {
      event.preventDefault();
      classList.remove("dropping");
      if (!this.#events.mayDrop() || !event.dataTransfer) return;
      const files = await filesFromDrop(event.dataTransfer.items);
      if (files.length > 0) this.#take(files);
    });
  }
}
