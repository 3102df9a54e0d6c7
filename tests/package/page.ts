import { chromium as launcher } from "playwright";
import { preview } from "vite";
import { chromium } from "../browser/chromium.ts";

/**
 * Serves a page that Vite has built and opens it in the browser, until its title is "done".
 * @returns what it wrote to the console.
 * @throws what it threw.
 */
export async function consoleOfPage(root: string): Promise<string> {
  const server = await preview({ root, configFile: false, logLevel: "warn", preview: { port: 0 } });
  const browser = await launcher.launch(await chromium());
  try {
    const page = await browser.newPage();
    const lines: string[] = [];
    page.on("console", (message) => lines.push(message.text()));
    const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
    await page.goto(server.resolvedUrls?.local[0] ?? "");
    await Promise.race([
      page.waitForFunction('document.title === "done"', null, { timeout: 120_000 }),
      failed,
    ]);
    return lines.join("\n");
  } finally {
    await browser.close();
    await server.close();
  }
}
