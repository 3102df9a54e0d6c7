import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium as launcher, type Page } from "playwright";
import { createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Report } from "../../bench/report.ts";
import { chromium } from "../browser/chromium.ts";
import { saved, urlOf } from "./faces-page.ts";

const configFile = new URL("../../bench/web/vite.config.ts", import.meta.url).pathname;

let scratch: string;
let server: ViteDevServer;
let browser: Browser;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "ganvil-bench-page-"));
  const cacheDir = join(scratch, "vite");
  server = await createServer({ configFile, logLevel: "warn", cacheDir, server: { port: 0 } });
  await server.listen();
  browser = await launcher.launch(await chromium());
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await rm(scratch, { recursive: true, force: true });
});

/** The page with a case chosen, and everything that went wrong in it. */
async function openPage(only: string): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage({ acceptDownloads: true });
  const faults: string[] = [];
  page.on("pageerror", ({ message }) => faults.push(message));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  await page.goto(urlOf(server));
  await page.waitForSelector("#rivals input");
  await page.fill("#only", only);
  return { page, faults };
}

/** The page's colours, text and chart as a picture, for whoever looks: where the variable names a folder. */
async function pictured(page: Page, name: string): Promise<void> {
  const folder = process.env.GANVIL_PICTURES;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

const inState = (page: Page, state: string) =>
  page.waitForFunction((state) => document.body.dataset.state === state, state, { timeout: 60_000 });

describe("the page of the benchmark", () => {
  it("runs a case with every rival, shows a table and a chart, and saves the results", async () => {
    const { page, faults } = await openPage("8-16 @8 batch 2 forward");
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await page.click("#start");
    await inState(page, "done");
    const rivals = ["ganvil", "tfjs-wasm", "tfjs-cpu", "onnxruntime-web", "jax-js"];
    expect(await page.locator("#results td:nth-child(2)").allInnerTexts()).toEqual(rivals);
    for (const figure of await page.locator("#results td:nth-child(3)").allInnerTexts()) {
      expect(figure).toMatch(/^[\d.]+ GFLOP\/s/);
    }
    expect(await page.locator("#chart svg rect.jax-js").count()).toBe(1);
    const { bytes } = await saved(page, "#json", scratch);
    const { rows, versions } = JSON.parse(bytes.toString()) as Report;
    expect(Object.keys(versions)).toEqual(rivals);
    expect(rows).toHaveLength(1);
    expect(rows[0].ratios["onnxruntime-web"]).toBeGreaterThan(0);
    expect(faults).toEqual([]);
    await page.close();
  });

  it("lets the GPU take part, its times without reading back, and says what went there", async () => {
    const { page, faults } = await openPage("batch 2 filter-gradient");
    await page.waitForSelector("#on-gpu:not([hidden])");
    const offered = await page.locator("#gpu-contestants label").allInnerTexts();
    expect(offered.map((text) => text.trim())).toEqual(["ganvil (WebGPU)", "tfjs-webgpu"]);
    for (const box of await page.locator("#rivals input").all()) await box.uncheck();
    for (const box of await page.locator("#gpu-contestants input").all()) await box.check();
    await page.click("#start");
    await inState(page, "done");
    const names = await page.locator("#results td:nth-child(2)").allInnerTexts();
    expect(names).toEqual(["ganvil", "ganvil-webgpu", "tfjs-webgpu"]);
    expect(await page.locator("#results small").allInnerTexts()).toEqual([
      expect.stringMatching(/js .*s.*, \d+ reads? of/),
      expect.stringMatching(/js .*s.*, \d+ dispatch.*, 0 reads/),
    ]);
    expect(await page.innerText("#footnotes")).toContain("exclude reading results back");
    await pictured(page, "bench-page-gpu");
    expect(faults).toEqual([]);
    await page.close();
  });

  it("stops when told to, amid a case, and can be started again", async () => {
    const { page, faults } = await openPage("");
    for (const box of await page.locator("#rivals input").all()) await box.uncheck();
    await page.click("#start");
    await page.waitForSelector("#results tbody");
    await page.click("#cancel");
    await inState(page, "cancelled");
    await page.fill("#only", "matMul 64³ AB");
    await page.click("#start");
    await inState(page, "done");
    expect(await page.locator("#results tbody").count()).toBe(2);
    await page.fill("#only", "no such case");
    await page.click("#start");
    await inState(page, "failed");
    expect(await page.innerText("#error")).toContain('"no such case"');
    expect(faults).toEqual([]);
    await page.close();
  });
});
