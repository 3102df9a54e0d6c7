import { chromium as launcher } from "playwright";
import { preview } from "vite";
import { chromium } from "../browser/chromium.ts";

/** Headers that make a page cross-origin isolated, so that it may use threads. */
export const isolating = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
} as const;

/**
 * Serves a page that Vite has built, opens it in the browser, chooses pictures in its file input and waits
 * until it shows a picture of its own.
 * @returns what it wrote to the console.
 * @throws what it threw.
 */
export async function trainInPage(
  root: string,
  pictures: string[],
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const server = await preview({ root, configFile: false, logLevel: "warn", preview: { port: 0, headers } });
  const browser = await launcher.launch(await chromium());
  try {
    const page = await browser.newPage();
    const lines: string[] = [];
    page.on("console", (message) => lines.push(message.text()));
    const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
    await page.goto(server.resolvedUrls?.local[0] ?? "");
    await page.setInputFiles("input[type=file]", pictures);
    const shown = () => document.querySelector("img")?.naturalWidth ?? 0;
    await Promise.race([page.waitForFunction(shown, null, { timeout: 120_000 }), failed]);
    return lines.join("\n");
  } finally {
    await browser.close();
    await server.close();
  }
}
