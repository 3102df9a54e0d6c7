import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const root = new URL("../..", import.meta.url).pathname;
const { exports, peerDependencies } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as {
  exports: Record<string, string | { readonly default: string }>;
  peerDependencies: Record<string, string>;
};

/** The most that each entry may take, gzipped and without peers, of what one machine loads. */
const budgetBytes: Record<string, number> = {
  // All that it exports; bundlers leave out the recipes and tools that a page does not use. Some 45 kB of them are
  // shaders: which of them a page needs is known once its steps run.
  ".": 195_000,
  "./backend": 165_000,
  "./backend/webgpu": 165_000,
  // All of the library, for Node.
  "./cli": 225_000,
  "./data": 6_000,
  "./data/node": 6_000,
  "./io": 15_000,
  "./io/node": 6_000,
  "./latent": 20_000,
  "./metrics": 60_000,
  "./session": 20_000,
  "./worker": 2_000,
};

/** An entry bundled and minified: what is loaded at once, and the largest of the builds of the kernels. */
async function bundleOf(entry: string): Promise<{ bytes: number; gzip: number }> {
  const { outputFiles } = await build({
    entryPoints: [`${root}${entry}`],
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: /\/node\.js$|\/cli\//.test(entry) ? "node" : "browser",
    external: Object.keys(peerDependencies),
    outdir: "out",
    write: false,
    logLevel: "error",
  });
  const sizes = outputFiles.map(({ path, contents }) => ({
    kernels: path.includes("kernels-"),
    bytes: contents.length,
    gzip: gzipSync(contents, { level: 9 }).length,
  }));
  const total = (size: "bytes" | "gzip"): number =>
    sizes.filter(({ kernels }) => !kernels).reduce((sum, file) => sum + file[size], 0) +
    Math.max(0, ...sizes.filter(({ kernels }) => kernels).map((file) => file[size]));
  return { bytes: total("bytes"), gzip: total("gzip") };
}

describe("the size of what a page downloads", () => {
  const entries = Object.entries(exports).filter(([, target]) => typeof target !== "string");

  it("has a budget for each entry", () => {
    expect(Object.keys(budgetBytes)).toEqual(entries.map(([path]) => path));
  });

  for (const [path, target] of entries) {
    it(`of ganvil${path.slice(1)} is within its budget`, async () => {
      const { bytes, gzip } = await bundleOf((target as { default: string }).default);
      const kB = (size: number): string => `${(size / 1000).toFixed(1)} kB`;
      console.log(`ganvil${path.slice(1)}: ${kB(bytes)} minified, ${kB(gzip)} gzip, without its peers`);
      expect(gzip).toBeLessThan(budgetBytes[path]);
    });
  }
});
