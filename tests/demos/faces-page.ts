// The page of the faces demo as a person uses it, for its tests.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, CDPSession, Download, Page } from "playwright";
import type { PreviewServer, ViteDevServer } from "vite";

/** What the page's worker has said so far. */
interface Heard {
  steps: number;
  grids: number;
  /** Grids of the generator that comes with the page. */
  trained: number;
  lastKimg: number;
}

/** What is put into the page to watch it. */
declare global {
  var heard: Heard;
}

/** A page and everything that went wrong in it. */
export async function openPage(browser: Browser, url: string): Promise<{ page: Page; faults: string[] }> {
  // A language as people's browsers have; the headless one's own is no language tag.
  const page = await browser.newPage({ locale: "en-US", acceptDownloads: true });
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("requestfailed", (request) => faults.push(`failed: ${request.url()}`));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "blob:" && origin !== new URL(url).origin) faults.push(`external: ${request.url()}`);
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`${message.type()}: ${message.text()}`);
  });
  await page.addInitScript(() => {
    globalThis.heard = { steps: 0, grids: 0, trained: 0, lastKimg: 0 };
    const PlainWorker = Worker;
    globalThis.Worker = class extends PlainWorker {
      constructor(...given: ConstructorParameters<typeof PlainWorker>) {
        super(...given);
        this.addEventListener("message", ({ data }) => {
          if (data.type === "samples") globalThis.heard.grids++;
          if (data.type === "trained") globalThis.heard.trained++;
          if (data.type !== "steps") return;
          globalThis.heard.steps += data.points.length;
          globalThis.heard.lastKimg = data.figures.kimg;
        });
      }
    };
  });
  await page.goto(url);
  await inState(page, "setup");
  return { page, faults };
}

export const urlOf = (server: PreviewServer | ViteDevServer): string => server.resolvedUrls!.local[0];

export async function inState(page: Page, state: string): Promise<void> {
  try {
    await page.waitForFunction((wanted) => document.body.dataset.state === wanted, state, {
      timeout: 30_000,
    });
  } catch {
    const found = await page.evaluate(() => [document.body.dataset.state, document.body.innerText]);
    throw new Error(`expected state ${state}, got ${found.join(": ")}`);
  }
}

export const heardBy = (page: Page): Promise<Heard> => page.evaluate(() => globalThis.heard);

export async function moreSteps(page: Page, steps: number): Promise<void> {
  const goal = (await heardBy(page)).steps + steps;
  await page.waitForFunction((goal) => globalThis.heard.steps >= goal, goal, { timeout: 30_000 });
}

export async function startOver(page: Page): Promise<void> {
  await page.click("#restart");
  await inState(page, "setup");
}

export const text = (page: Page, selector: string): Promise<string> => page.innerText(selector);

/** Number of different colours on a canvas. */
export const colours = async (page: Page, selector: string): Promise<number> =>
  new Set(await pixels(page, selector)).size;

/** Pixels of the chart in the colour of a custom property. */
export async function plotted(page: Page, property: string): Promise<number> {
  const hex = await page.evaluate(
    (property) => getComputedStyle(document.documentElement).getPropertyValue(property).trim(),
    property,
  );
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  const wanted = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  return (await pixels(page, "#losses canvas")).filter((pixel) => pixel === wanted).length;
}

/** What a canvas shows, as ABGR numbers; read from a copy, since to read slows the canvas itself. */
const pixels = (page: Page, selector: string): Promise<number[]> =>
  page.evaluate((selector) => {
    const canvas = document.querySelector<HTMLCanvasElement>(selector)!;
    const { width, height } = canvas;
    const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
    copy.drawImage(canvas, 0, 0);
    return [...new Uint32Array(copy.getImageData(0, 0, width, height).data.buffer)];
  }, selector);

/** The file that pressing a button saves, put into a folder. */
export async function saved(
  page: Page,
  button: string,
  folder: string,
): Promise<{ name: string; path: string; bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(button)]);
  const path = join(folder, (download as Download).suggestedFilename());
  await download.saveAs(path);
  return { name: download.suggestedFilename(), path, bytes: await readFile(path) };
}

/** Drops files or folders on the page as a person does. */
export async function drop(page: Page, ...files: string[]): Promise<void> {
  const session: CDPSession = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await session.send("Input.dispatchDragEvent", { type, x: 200, y: 300, data });
  }
  await session.detach();
}
