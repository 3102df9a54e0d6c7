// Longer than most: a built page and a browser serve all of these tests, which is what takes the time.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium as launcher } from "playwright";
import sharp from "sharp";
import { build, createServer, type PreviewServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { faceSvg, type Rasterise } from "../../demos/faces/dicebear-faces.ts";
import { createGan, dcgan, init } from "../../src/index.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/io/index.ts";
import { chromium } from "../browser/chromium.ts";
import {
  colours,
  drop,
  heardBy,
  inState,
  moreSteps,
  openPage,
  plotted,
  saved,
  startOver,
  text,
  urlOf,
} from "./faces-page.ts";

/** What is put into the page to look at it. */
declare global {
  var framesShown: number;
  var rasterise: Rasterise;
}

const root = new URL("../..", import.meta.url).pathname;
const configFile = join(root, "demos/faces/web/vite.config.ts");
const pixelArtFaces = 2000;
const samplesPerGrid = 64;
const batch = 32;
/** A generator of a few steps draws grey on grey; a blank canvas has one colour, with its gaps two. */
const fewColours = 4;
/** A software GPU compiles some 70 shaders, for its processor. */
const warmUpMs = 150_000;

let scratch: string;
let browser: Browser;
let served: PreviewServer;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "ganvil-page-"));
  const outDir = join(scratch, "page");
  await build({ configFile, logLevel: "warn", build: { outDir } });
  served = await preview({ configFile, logLevel: "warn", build: { outDir }, preview: { port: 0 } });
  browser = await launcher.launch(await chromium());
  await makePictures();
});

afterAll(async () => {
  await browser?.close();
  await served?.close();
  await rm(scratch, { recursive: true, force: true });
});

/** 40 pictures in two folders, one of them not a picture's bytes. */
async function makePictures(): Promise<void> {
  await mkdir(join(scratch, "mine/more"), { recursive: true });
  for (let i = 0; i < 40; i++) {
    const background = { r: (i * 53) % 256, g: (i * 101) % 256, b: (i * 29) % 256 };
    const path = join(scratch, i < 20 ? "mine" : "mine/more", `${String(i).padStart(2, "0")}.png`);
    if (i === 7) await writeFile(path, "not a picture");
    else await sharp({ create: { width: 40, height: 36, channels: 3, background } }).toFile(path);
  }
}

/** A GAN that has not begun, so slight that a software GPU steps in no time. */
async function slightCheckpoint(): Promise<{ name: string; mimeType: string; buffer: Buffer }> {
  await init({ device: "wasm", threads: 1 });
  const gan = createGan(dcgan({ resolution: 32, widths: [8, 8, 8], latent: 8, batch: 4, kimg: 10 }));
  const buffer = Buffer.from(encodeSafetensors(await gan.state()));
  gan.dispose();
  return { name: "slight.safetensors", mimeType: "application/octet-stream", buffer };
}

describe("the page of the faces demo", () => {
  it("draws with the generator that comes with it, other faces each time, before anything is trained", async () => {
    const { page, faults } = await openPage(browser, urlOf(served));
    const drawn = async () => {
      await page.click("#show-trained");
      await page.waitForFunction(() => globalThis.heard.trained > 0, null, { timeout: 30_000 });
      await page.evaluate(() => {
        globalThis.heard.trained = 0;
      });
      return colours(page, "#samples");
    };
    const first = await drawn();
    expect(first).toBeGreaterThan(1000);
    expect(await drawn()).not.toBe(first);
    expect(await text(page, "#samples-note")).toMatch(/^by \w+, trained before on photographs for \d+ kimg$/);
    expect(faults).toEqual([]);
    await page.close();
  }, 120_000);

  it("trains on drawn faces without ever holding up the page, and can be paused, saved and gone on with", async () => {
    const { page, faults } = await openPage(browser, urlOf(served));
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await page.fill("#kimg", "3");
    await page.click("#run");
    await inState(page, "training");
    expect(await text(page, "#pictures")).toContain(pixelArtFaces.toLocaleString("en"));

    await page.waitForFunction(() => globalThis.heard.grids > 1, null, { timeout: 30_000 });
    expect(await colours(page, "#samples")).toBeGreaterThan(fewColours);
    expect(await text(page, "#samples-note")).toMatch(/after \d+\.\d kimg/);

    const steps = 10;
    await page.evaluate(() => {
      globalThis.framesShown = 0;
      const frame = () => {
        globalThis.framesShown++;
        requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    });
    await moreSteps(page, steps);
    expect(await page.evaluate(() => globalThis.framesShown)).toBeGreaterThan(steps);
    expect(await plotted(page, "--generator")).toBeGreaterThan(20);
    expect(await plotted(page, "--discriminator")).toBeGreaterThan(20);
    expect(await page.getAttribute("#losses", "aria-label")).toMatch(/generator \d.*discriminator \d/);
    expect(await text(page, "#speed")).toMatch(/^\d+ images\/s$/);
    expect(await text(page, "#computed-on")).toMatch(/^Wasm, \d+ threads?$/);
    // The only one here is a software one.
    if (process.env.GANVIL_GPU === undefined)
      expect(await text(page, "#without-gpu")).toMatch(/^No GPU is used: .*computed on the CPU/);

    await page.click("#run");
    await inState(page, "paused");
    const before = await heardBy(page);
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(await heardBy(page)).toEqual(before);

    const grid = await saved(page, "#save-grid", scratch);
    expect(grid.bytes.subarray(0, 8)).toEqual(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"));
    const columns = Math.sqrt(samplesPerGrid);
    expect(await sharp(grid.bytes).metadata()).toMatchObject({ format: "png", width: columns * 66 - 2 });
    const checkpoint = await saved(page, "#save-checkpoint", scratch);
    const { metadata } = decodeSafetensors(checkpoint.bytes);
    expect(Number(metadata.imagesSeen)).toBe(Math.round(before.lastKimg * 1000));
    expect(JSON.parse(metadata.recipe)).toMatchObject({ name: "dcgan", options: { resolution: 32, batch } });

    await page.click("#run");
    await inState(page, "training");
    await moreSteps(page, 1);
    // Between two steps of a training under way, too.
    const later = decodeSafetensors((await saved(page, "#save-checkpoint", scratch)).bytes);
    expect(Number(later.metadata.step)).toBeGreaterThan(Number(metadata.step));

    await startOver(page);
    const damaged = Buffer.from(checkpoint.bytes);
    damaged[damaged.length - 1] ^= 1;
    await page.setInputFiles("#checkpoint", {
      name: "damaged.safetensors",
      mimeType: "application/octet-stream",
      buffer: damaged,
    });
    await page.waitForSelector("#error:visible");
    expect(await text(page, "#error")).toMatch(/damaged\.safetensors: .*checksum/);

    await drop(page, checkpoint.path);
    await page.waitForSelector("#checkpoint-note:visible");
    expect(await text(page, "#checkpoint-note")).toContain(checkpoint.name);
    expect(await page.isDisabled("#resolution")).toBe(true);
    expect(await page.isHidden("#error")).toBe(true);
    const done = Number(metadata.imagesSeen);
    await page.fill("#kimg", String((done + 2 * batch) / 1000));
    await page.click("#run");
    await inState(page, "done");
    expect(Math.round((await heardBy(page)).lastKimg * 1000)).toBe(done + 2 * batch);
    expect(faults).toEqual([]);
    await page.close();
  });

  it("trains on dropped pictures and names those that it cannot use", async () => {
    const { page, faults } = await openPage(browser, urlOf(served));
    await drop(page, join(scratch, "mine"));
    await page.waitForFunction(() => document.querySelector("#source")?.textContent?.includes("40 files"));
    await page.fill("#kimg", "0.1");
    await page.click("#run");
    await inState(page, "done");
    expect(await text(page, "#pictures")).toBe("39 of 32 × 32");
    expect(await text(page, "#skipped-list")).toMatch(/^mine\/07\.png: .*not a JPEG/);
    expect((await heardBy(page)).steps).toBe(Math.ceil(100 / batch));
    expect(await colours(page, "#samples")).toBeGreaterThan(fewColours);
    expect(faults).toEqual([]);
    await page.close();
  });

  it("says in words what is wrong with chosen pictures, and goes on from there", async () => {
    const { page, faults } = await openPage(browser, urlOf(served));
    const some = [0, 1, 2, 3, 4].map((i) => join(scratch, "mine", `0${i}.png`));
    await page.setInputFiles("#files", some);
    await page.click("#run");
    await inState(page, "failed");
    expect(await text(page, "#error")).toMatch(/needs 32 pictures, there are 5/);

    await startOver(page);
    expect(await page.isHidden("#error")).toBe(true);
    await page.setInputFiles("#files", [...some, join(scratch, "mine/07.png")]);
    await page.click("#run");
    await inState(page, "failed");
    expect(await text(page, "#error")).toMatch(/more than a tenth.*07\.png/);

    await startOver(page);
    await page.click("#use-drawn");
    await page.fill("#kimg", "0.1");
    await page.click("#run");
    await inState(page, "done");
    expect(faults).toEqual([]);
    await page.close();
  });

  it("trains on the GPU where that is chosen, shows its shaders' warm-up, and goes on when the GPU is lost", async () => {
    // Of its own: a browser remembers which pages it lost its GPU to.
    const own = await launcher.launch(await chromium());
    try {
      const { page } = await openPage(own, `${urlOf(served)}?device=webgpu`);
      expect(await page.inputValue("#device")).toBe("webgpu");
      await page.setInputFiles("#checkpoint", await slightCheckpoint());
      await page.waitForSelector("#checkpoint-note:visible");
      await page.click("#run");
      await page.waitForSelector("#warm-up:visible", { timeout: warmUpMs });
      expect(await text(page, "#warm-up")).toMatch(/^Compiling shaders for the GPU: \d+ of \d+$/);
      await page.waitForFunction(() => globalThis.heard.steps > 0, null, { timeout: warmUpMs });
      expect(await page.isHidden("#warm-up")).toBe(true);
      expect(await text(page, "#computed-on")).toMatch(/^the GPU \(.+\)$/);
      expect(await text(page, "#memory")).toMatch(/^\d+ MB, \d+ MB on the GPU$/);
      const session = await own.newBrowserCDPSession();
      await session.send("Browser.crashGpuProcess");
      await page.waitForSelector("#gpu-failures .notice", { timeout: warmUpMs });
      expect(await text(page, "#gpu-failures .notice")).toMatch(
        /^The GPU stopped working at \d\.\d kimg\. Nothing is lost: training goes on, on (the GPU|Wasm)/,
      );
      expect(await page.getAttribute("body", "data-state")).toBe("training");
    } finally {
      await own.close();
    }
  }, 400_000);

  it("says what to do where the GPU is chosen and there is none, and starts over without it", async () => {
    const options = await chromium();
    const args = options.args?.filter((flag) => !flag.includes("webgpu"));
    const own = await launcher.launch({ ...options, args: [...(args ?? []), "--disable-gpu"] });
    try {
      const { page } = await openPage(own, urlOf(served));
      await page.selectOption("#device", "webgpu");
      await page.fill("#kimg", "0.1");
      await page.click("#run");
      await inState(page, "failed");
      expect(await text(page, "#error")).toMatch(/expected (an adapter|a browser with WebGPU)/);
      await startOver(page);
      expect(await page.inputValue("#device")).toBe("webgpu");
      await page.selectOption("#device", "wasm");
      await page.click("#run");
      await inState(page, "done");
      expect(await text(page, "#computed-on")).toMatch(/^Wasm/);
      expect(await page.isHidden("#without-gpu")).toBe(true);
    } finally {
      await own.close();
    }
  });

  it("is served isolated while it is worked on, and draws faces as the browser draws their SVG", async () => {
    const server = await createServer({
      configFile,
      logLevel: "warn",
      cacheDir: join(scratch, "vite"),
      server: { port: 0 },
    });
    try {
      await server.listen();
      const { page, faults } = await openPage(browser, urlOf(server));
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      const svgs = Array.from({ length: 60 }, (_, i) => faceSvg(0, i));
      expect(svgs.filter((svg) => svg.includes('id="beard')).length).toBeGreaterThan(0);
      // As text, which the test runner does not transform.
      await page.evaluate(
        `import("/@fs${root}demos/faces/rasterise-browser.ts").then((module) => Object.assign(globalThis, module))`,
      );
      const worst = await page.evaluate(async (svgs) => {
        const differences = svgs.map(async (svg) => {
          const image = new Image();
          image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
          await image.decode();
          const context = new OffscreenCanvas(32, 32).getContext("2d")!;
          context.drawImage(image, 0, 0, 32, 32);
          const expected = context.getImageData(0, 0, 32, 32).data;
          const found = await globalThis.rasterise(svg, 32);
          return found.reduce(
            (most, value, i) => Math.max(most, Math.abs(value - expected[Math.floor(i / 3) * 4 + (i % 3)])),
            0,
          );
        });
        return Math.max(...(await Promise.all(differences)));
      }, svgs);
      // Blending on 8 bits rounds.
      expect(worst).toBeLessThanOrEqual(3);
      expect(faults).toEqual([]);
      await page.close();
    } finally {
      await server.close();
    }
  });
});
