import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type CDPSession, chromium as launcher, type Page } from "playwright";
import { createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Report } from "../../src/gan/train.ts";
import { chromium } from "../browser/chromium.ts";
import type { FromWorker } from "./gpu-loss-worker.ts";

declare global {
  var messages: FromWorker[];
}

/** Enough to be under way still when the GPU process dies. */
const steps = 40;

let scratch: string;
let server: ViteDevServer;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "ganvil-gpu-loss-"));
  server = await createServer({
    root: new URL("../..", import.meta.url).pathname,
    configFile: false,
    logLevel: "warn",
    cacheDir: join(scratch, "vite"),
    // Found while the worker starts, it would be bundled then and the page reloaded.
    optimizeDeps: { entries: [], include: ["@tensorflow/tfjs-core"] },
    server: { port: 0 },
  });
  await server.listen();
});

afterAll(async () => {
  await server?.close();
  await rm(scratch, { recursive: true, force: true });
});

type Done = FromWorker & { readonly type: "done" };

interface Run {
  readonly reports: readonly Report[];
  readonly done: Done;
}

/** Waits for the worker to have said something. */
async function said(page: Page, what: string, least: number): Promise<void> {
  const enough = ([what, least]: readonly [string, number]) =>
    globalThis.messages.some(({ type }) => type === "failed" || type === "done") ||
    globalThis.messages.filter((message) => JSON.stringify(message).includes(what)).length >= least;
  await page.waitForFunction(enough, [what, least] as const, { timeout: 120_000, polling: 20 });
}

/**
 * Trains in a browser of its own, since a browser remembers which pages it lost its GPU to, and kills the GPU process
 * so many times on the way.
 */
async function trained(kills: number): Promise<Run> {
  const browser: Browser = await launcher.launch(await chromium());
  try {
    const session: CDPSession = await browser.newBrowserCDPSession();
    const page = await browser.newPage();
    await page.goto(`${server.resolvedUrls!.local[0]}tests/pages/gpu-loss.html?steps=${steps}`);
    for (let kill = 0; kill < kills; kill++) {
      // The second time after the loss has been noticed, wherever training goes on.
      if (kill > 0) await said(page, "the GPU was lost", kill);
      const soFar = await page.evaluate(() => globalThis.messages.length);
      await said(page, '"type":"step"', soFar + 3);
      await session.send("Browser.crashGpuProcess");
    }
    await said(page, '"type":"done"', 1);
    const messages = await page.evaluate(() => globalThis.messages);
    const last = messages.at(-1)!;
    if (last.type !== "done") throw new Error(JSON.stringify(last));
    return {
      reports: messages.flatMap((message) => (message.type === "step" ? [message.report] : [])),
      done: last,
    };
  } finally {
    await browser.close();
  }
}

/** ‖a − b‖ / ‖b‖ over all arrays. */
function distance(a: Done["arrays"], b: Done["arrays"]): number {
  let [difference, norm] = [0, 0];
  for (const [name, values] of Object.entries(b)) {
    for (const [i, value] of values.entries()) {
      difference += (a[name][i] - value) ** 2;
      norm += value ** 2;
    }
  }
  return Math.sqrt(difference / norm);
}

describe("a page that trains when the browser's GPU process dies", () => {
  let undisturbed: Run;

  beforeAll(async () => {
    undisturbed = await trained(0);
  });

  it("trains on WebGPU where nothing happens", () => {
    const { reports } = undisturbed;
    expect(new Set(reports.map(({ device }) => device))).toEqual(new Set(["webgpu"]));
    expect(reports.flatMap(({ notices }) => notices)).toEqual([]);
  });

  for (const [kills, when] of [
    [1, "once"],
    [2, "twice"],
  ] as const) {
    it(`${when} goes on, says so, and ends with the weights of an undisturbed run`, async () => {
      const { reports, done } = await trained(kills);
      expect(reports.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
      expect(done.metadata).toEqual(undisturbed.done.metadata);
      const notices = reports.flatMap(({ notices }) => notices);
      const { device } = reports.at(-1)!;
      console.log(`GPU process killed ${when}, training ended on ${device}:\n${notices.join("\n")}`);
      expect(notices.length).toBeGreaterThan(0);
      expect(notices.length).toBeLessThanOrEqual(kills);
      expect(notices.at(-1)).toMatch(device === "wasm" ? /goes on with Wasm/ : /goes on with the GPU/);
      // On a GPU like the first nothing changes, not a bit; Wasm rounds in other places.
      if (device === "webgpu") expect(done.arrays).toEqual(undisturbed.done.arrays);
      else expect(distance(done.arrays, undisturbed.done.arrays)).toBeLessThan(1e-3);
    });
  }
});
