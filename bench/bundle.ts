import { build } from "esbuild";

/**
 * Bundles a program for Node. Bundled, the core of TensorFlow.js, its gradients and a backend share one copy
 * of the engine; resolved by Node they would not.
 * @param define globals to replace, by name.
 */
export async function bundle(
  entry: string,
  file: string,
  define: Record<string, string> = {},
): Promise<void> {
  await build({
    entryPoints: [entry],
    ...{ outfile: file, bundle: true, platform: "node", format: "cjs", logLevel: "error", define },
    mainFields: ["module", "main"],
    // By the packages' marks of what has no side effects, the gradients would be dropped.
    ignoreAnnotations: true,
    // The second finds its own files beside itself.
    external: ["benchmark", "onnxruntime-web"],
  });
}
