import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import type { AnyOp } from "../src/backend/op.ts";
import { ops } from "../src/ops/index.ts";
import { importsOf, isNodeModule } from "./imports.ts";

const root = new URL("..", import.meta.url).pathname;

/**
 * Imports go one way, down this list. Entries of one level do not import each other; a name is a folder
 * of src/ or a file there. `init.ts` registers the list of ops, so it stands above them.
 */
const levels: readonly (readonly string[])[] = [
  ["errors.ts"],
  ["random.ts"],
  ["wasm", "webgpu"],
  ["backend"],
  ["ops"],
  ["calibrate.ts"],
  ["init.ts"],
  ["tfjs"],
  ["nn"],
  ["optim"],
  ["gan"],
  ["recipes", "latent", "data", "metrics", "io", "doctor"],
  ["session"],
  ["index.ts"],
  ["cli"],
];

/** Everything that may stand at the top of the repository, beside dot files and what git ignores. */
const topLevel = [
  ...["package.json", "package-lock.json", "tsconfig.json", "asconfig.json"],
  ...["assembly", "src", "bench", "demos", "tests", "README.md", "LICENSE"],
];

const ignored = readFileSync(join(root, ".gitignore"), "utf8").split("\n");

function filesUnder(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (ignored.includes(`${path}/`)) return [];
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

const sources = filesUnder("src").filter((file) => file.endsWith(".ts"));

/** The entry of src/ that a file belongs to: the first part of its path there. */
const entryOf = (file: string): string => relative("src", file).split("/")[0];

const levelOf = (file: string): number => levels.findIndex((level) => level.includes(entryOf(file)));

/** Files of the repository that a file imports; what is not relative is left out. */
const targetsOf = (file: string): string[] =>
  importsOf(join(root, file))
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => join(file, "..", specifier));

describe("architecture", () => {
  it("every entry of src has its level", () => {
    expect(sources.filter((file) => levelOf(file) < 0)).toEqual([]);
  });

  it("imports go one way, from later levels to earlier ones", () => {
    const wrong = sources.flatMap((file) =>
      targetsOf(file)
        .filter((target) => entryOf(target) !== entryOf(file) && !(levelOf(target) < levelOf(file)))
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it("src imports nothing of the repository outside itself", () => {
    const outside = sources.flatMap((file) =>
      targetsOf(file).flatMap((target) => (target.startsWith("src/") ? [] : [`${file} imports ${target}`])),
    );
    expect(outside).toEqual([]);
  });

  it("only the command and files named node.ts import Node's modules", () => {
    const wrong = sources.filter(
      (file) =>
        basename(file) !== "node.ts" &&
        entryOf(file) !== "cli" &&
        importsOf(join(root, file)).some(isNodeModule),
    );
    expect(wrong).toEqual([]);
  });

  it("every file of kernels is part of the module", () => {
    const listed = importsOf(join(root, "assembly/index.ts"));
    const kernels = filesUnder("assembly/ops").map(
      (file) => `./${relative("assembly", file).replace(/\.ts$/, "")}`,
    );
    expect(kernels.filter((file) => !listed.includes(file))).toEqual([]);
  });

  it("every op's record is registered, each under a name of its own", () => {
    const modules = import.meta.glob<Record<string, unknown>>("../src/ops/*.ts", { eager: true });
    const records = Object.entries(modules).flatMap(([file, exports]) =>
      Object.values(exports)
        .flat()
        .filter(isOp)
        .map((op) => ({ file, op })),
    );
    expect(records.length).toBeGreaterThan(0);
    expect(
      records.filter(({ op }) => !ops.includes(op)).map(({ file, op }) => `${op.name} of ${file}`),
    ).toEqual([]);
    const names = ops.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it("a file of more than 300 lines begins with a comment that says why", () => {
    const files = ["assembly", "src", "bench", "demos", "tests"].flatMap(filesUnder);
    const long = files.filter((file) => {
      if (!/\.(ts|mjs)$/.test(file)) return false;
      const text = readFileSync(join(root, file), "utf8");
      return text.split("\n").length > 301 && !/^\/[/*]/.test(text);
    });
    expect(long).toEqual([]);
  });

  it("the lock file holds the packages of every platform, and no registry's address", () => {
    // npm leaves out those that it could not find when it wrote the file, and `npm ci` fails of it.
    const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
      packages: Record<string, { optionalDependencies?: object; resolved?: string }>;
    };
    const names = new Set(Object.keys(packages).map((path) => path.split("node_modules/").at(-1)));
    const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    expect(wanted.filter((name) => !names.has(name))).toEqual([]);
    expect(Object.keys(packages).filter((path) => packages[path].resolved !== undefined)).toEqual([]);
  });

  it("nothing else stands at the top of the repository", () => {
    const others = readdirSync(root, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith(".") && !topLevel.includes(name))
      .filter((entry) => !ignored.includes(entry.isDirectory() ? `${entry.name}/` : entry.name))
      .filter(({ name }) => !name.endsWith(".tgz"));
    expect(others.map(({ name }) => name)).toEqual([]);
  });
});

function isOp(value: unknown): value is AnyOp {
  return typeof value === "object" && value !== null && "infer" in value && "wasm" in value;
}
