import { build } from "esbuild";

/** A program's file, or its text, whose imports are those of a file in the repository's root. */
export type Entry = string | { readonly text: string; readonly root: string };

/**
 * Bundles a program for Node. Bundled, the core of TensorFlow.js, its gradients and a backend share one copy
 * of the engine; resolved by Node they would not.
 * @param define globals to replace, by name.
 */
export async function bundle(entry: Entry, file: string, define: Record<string, string> = {}): Promise<void> {
  await build({
    ...(typeof entry === "string"
      ? { entryPoints: [entry] }
      : { stdin: { contents: entry.text, resolveDir: entry.root, loader: "ts" as const } }),
    ...{ outfile: file, bundle: true, platform: "node", format: "cjs", logLevel: "error" },
    define: { "import.meta.url": "bundleUrl", ...define },
    banner: { js: 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
    mainFields: ["module", "main"],
    // By the packages' marks of what has no side effects, the gradients would be dropped.
    ignoreAnnotations: true,
    // They find their own files beside themselves; the last two are asked for where nothing is bundled already.
    external: ["benchmark", "onnxruntime-web", "esbuild", "@sparticuz/chromium"],
  });
}
