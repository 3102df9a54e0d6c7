import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import ts from "typescript";

/** What a source file imports or re-exports, static, dynamic and type-only, as it is written there. */
export function importsOf(file: string): string[] {
  return ts.preProcessFile(readFileSync(file, "utf8"), true, true).importedFiles.map((at) => at.fileName);
}

/** True for a module of Node's own. */
export const isNodeModule = (specifier: string): boolean =>
  specifier.startsWith("node:") || builtinModules.includes(specifier.split("/")[0]);
