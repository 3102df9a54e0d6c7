import { existsSync } from "node:fs";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LaunchOptions } from "playwright";

/** What playwright needs to start the browser. */
export type Chromium = Pick<LaunchOptions, "executablePath" | "channel" | "args" | "env">;

// WebGPU where there is an adapter, software ones included; and no traffic of the browser's own.
const args = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  // See tests/webgpu/setup.ts.
  "--enable-dawn-features=disable_workgroup_init",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * The Chromium that tests run in: the one that the environment variable GANVIL_CHROMIUM names; else, on
 * Linux x86-64, the one in the npm package @sparticuz/chromium, with its libraries and software GPU, so
 * that nothing but npm needs to be installed; else the installed Chrome.
 */
export async function chromium(): Promise<Chromium> {
  if (process.env.GANVIL_CHROMIUM) return { executablePath: process.env.GANVIL_CHROMIUM, args };
  if (process.platform !== "linux" || process.arch !== "x64") return { channel: "chrome", args };
  const folder = await unpacked();
  return {
    executablePath: join(folder, "chromium"),
    args,
    env: {
      ...process.env,
      LD_LIBRARY_PATH: join(folder, "al2023", "lib"),
      FONTCONFIG_PATH: join(folder, "fonts"),
      VK_ICD_FILENAMES: join(folder, "vk_swiftshader_icd.json"),
    },
  };
}

/**
 * Environment in which Dawn in Node finds the software GPU of the same package, where GANVIL_GPU is not set: then it
 * is the machine's own GPU that is tested.
 */
export async function softwareGpu(): Promise<Record<string, string>> {
  if (process.env.GANVIL_GPU || process.platform !== "linux" || process.arch !== "x64") return {};
  const folder = await unpacked();
  return { LD_LIBRARY_PATH: folder, VK_ICD_FILENAMES: join(folder, "vk_swiftshader_icd.json") };
}

/** fontconfig's settings. The package's own name folders that are not there, and fontless it crashes. */
const fontsConfig = (folder: string): string => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(folder, "fonts")}</dir>
  <cachedir>${join(folder, "fonts", "cache")}</cachedir>
</fontconfig>
`;

/** The folder with the package's files, unpacked (200 MB) by the first process that asks. */
async function unpacked(): Promise<string> {
  const manifest = new URL("../../node_modules/@sparticuz/chromium/package.json", import.meta.url);
  const { version } = JSON.parse(await readFile(manifest, "utf8"));
  const folder = join(tmpdir(), `ganvil-browser-${version}`);
  if (existsSync(folder)) return folder;
  // The package takes a half-written file for a whole one, so each process unpacks apart and then renames.
  const own = await mkdtemp(`${folder}-`);
  const { AWS_EXECUTION_ENV, TMPDIR, FONTCONFIG_PATH, LD_LIBRARY_PATH } = process.env;
  Object.assign(process.env, { AWS_EXECUTION_ENV: "AWS_Lambda_nodejs20.x", TMPDIR: own });
  try {
    const { default: pack } = await import("@sparticuz/chromium");
    await pack.executablePath();
    await writeFile(join(own, "fonts", "fonts.conf"), fontsConfig(folder));
    await rename(own, folder);
  } catch (error) {
    await rm(own, { recursive: true, force: true });
    if (!existsSync(join(folder, "chromium"))) throw error;
  } finally {
    restore({ AWS_EXECUTION_ENV, TMPDIR, FONTCONFIG_PATH, LD_LIBRARY_PATH });
  }
  return folder;
}

function restore(variables: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
