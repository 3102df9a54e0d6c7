import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import sharp from "sharp";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importsOf, isNodeModule } from "../imports.ts";
import { type Consumer, makeConsumer } from "./consumer.ts";
import { isolating, trainInPage } from "./page.ts";
import { commands, program, programs } from "./readme.ts";

const budgetBytes = 700_000;
/** Node's own types come from the repository; a user has them or does not import the Node modules. */
const typeRoots = new URL("../../node_modules/@types", import.meta.url).pathname;

interface Manifest {
  readonly exports: Record<string, string | { readonly types: string; readonly default: string }>;
  readonly scripts: Record<string, string>;
  readonly sideEffects: boolean;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}

let consumer: Consumer;
let installed: string;
let manifest: Manifest;

beforeAll(async () => {
  consumer = await makeConsumer();
  installed = join(consumer.folder, "node_modules", "ganvil");
  manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
});

afterAll(() => consumer?.remove());

/** The package's modules, by the name that users import them under. */
const entries = () =>
  Object.entries(manifest.exports).flatMap(([path, target]) =>
    typeof target === "string" ? [] : [{ name: `ganvil${path.slice(1)}`, ...target }],
  );

/** A module of the package and all others of it that it loads. */
function graph(entry: string): string[] {
  const files = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith(".")) visit(join(file, "..", specifier));
    }
  };
  visit(join(installed, entry));
  return [...files];
}

describe("the packed package", () => {
  it("is small, and holds what runs, its types, README and licence only", () => {
    const { size, files } = consumer.tarball;
    console.log(`${files.length} files, ${(size / 1000).toFixed(1)} kB packed`);
    expect(size).toBeLessThan(budgetBytes);
    const others = files.filter(
      ({ path }) => !/^(dist\/.+\.(js|d\.ts)|README\.md|LICENSE|package\.json)$/.test(path),
    );
    expect(others).toEqual([]);
    expect(files.filter(({ path }) => /(^|\/)(tests?|demos?|bench)\/|\.(test|cases)\./.test(path))).toEqual(
      [],
    );
  });

  it("holds every module that it exports", () => {
    const targets = entries().flatMap(({ types, default: code }) => [types, code]);
    expect(targets.filter((file) => !existsSync(join(installed, file)))).toEqual([]);
  });

  it("runs nothing when installed and is free of side effects when imported", () => {
    const atInstall = ["preinstall", "install", "postinstall", "prepare", "prepublish"];
    expect(Object.keys(manifest.scripts ?? {}).filter((name) => atInstall.includes(name))).toEqual([]);
    expect(manifest.sideEffects).toBe(false);
  });

  it("imports none of Node's modules from what browsers import", () => {
    const wrong = entries()
      .filter(({ name }) => !/\/(node|cli)$/.test(name))
      .flatMap(({ default: code }) => graph(code))
      .flatMap((file) =>
        importsOf(file)
          .filter(isNodeModule)
          .map((specifier) => `${relative(installed, file)} imports ${specifier}`),
      );
    expect(wrong).toEqual([]);
  });

  it("imports only packages that it declares", () => {
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    const undeclared = consumer.tarball.files
      .filter(({ path }) => path.endsWith(".js"))
      .flatMap(({ path }) => importsOf(join(installed, path)))
      .filter((specifier) => !specifier.startsWith(".") && !isNodeModule(specifier))
      .filter((specifier) => !declared.some((name) => `${specifier}/`.startsWith(`${name}/`)));
    expect(undeclared).toEqual([]);
  });

  it("shares its user's TensorFlow.js", async () => {
    const copies = await consumer.run("npm", "ls", "@tensorflow/tfjs-core", "--all", "--parseable");
    expect(new Set(copies.split("\n")).size).toBe(1);
  });

  for (const moduleResolution of ["nodenext", "bundler"]) {
    it(`has types under moduleResolution ${moduleResolution}`, async () => {
      await consumer.write(
        "types.ts",
        `${entries()
          .map(({ name }, i) => `export * as entry${i} from ${JSON.stringify(name)};\n`)
          .join("")}
import { init } from "ganvil";
// @ts-expect-error There is no such device.
await init({ device: "abacus" });
`,
      );
      for (const name of programs) await consumer.write(`program-${name}.ts`, program(name).code);
      const module = moduleResolution === "nodenext" ? "nodenext" : "esnext";
      const said = await consumer
        .tool(
          "typescript/bin/tsc",
          ...["--noEmit", "--strict", "--target", "es2022", "--lib", "es2023,dom,dom.iterable"],
          ...["--module", module, "--moduleResolution", moduleResolution, "--pretty", "false"],
          ...["--types", "node", "--typeRoots", typeRoots],
          ...["types.ts", ...programs.map((name) => `program-${name}.ts`)],
        )
        .catch((error: Error) => error.message);
      // TensorFlow.js's own declarations have errors under today's TypeScript.
      const ours = said
        .split("\n")
        .filter((line) => /\berror TS/.test(line) && !/@(tensorflow|types|webgpu)\//.test(line));
      expect(ours).toEqual([]);
    });
  }
});

describe("the README's program", () => {
  let photos: string[];

  /** The program with a shorter training: a few steps show that it runs. */
  const short = (code: string): string => {
    const shortened = code.replace("kimg: 40", "kimg: 0.1");
    expect(shortened).not.toBe(code);
    return shortened;
  };

  beforeAll(async () => {
    const folder = join(consumer.folder, "photos");
    await mkdir(folder);
    photos = Array.from({ length: 40 }, (_, i) => join(folder, `${i}.png`));
    for (const [i, path] of photos.entries()) {
      const background = { r: (i * 37) % 256, g: (i * 91) % 256, b: (i * 53) % 256 };
      await sharp({ create: { width: 50, height: 40, channels: 3, background } }).toFile(path);
    }
  });

  /** Runs a TypeScript program in Node. */
  const run = async (code: string): Promise<string> => {
    const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
    await consumer.write("program.js", ts.transpileModule(code, { compilerOptions: options }).outputText);
    return consumer.run(process.execPath, "program.js");
  };

  // All but those that train on photographs and in a page.
  for (const name of programs.filter((name) => name !== "node" && name !== "browser")) {
    it(`"${name}" prints what the README says`, async () => {
      const { code, prints } = program(name);
      expect(await run(code)).toMatch(prints);
    });
  }

  it("trains and samples in Node, printing what the README says", async () => {
    const { code, prints } = program("node");
    expect(await run(short(code))).toMatch(prints);
    const { width, height } = await sharp(join(consumer.folder, "samples.png")).metadata();
    expect([width, height]).toEqual([4 * 32 + 3 * 2, 4 * 32 + 3 * 2]);
  });

  it("is not needed: the README's commands train, sample and measure", async () => {
    const [train, sample, measure] = commands("command line");
    expect(await consumer.run(train[0], ...train.slice(1), "--kimg", "0.1")).toContain(
      "40 pictures of 32×32",
    );
    expect(await consumer.run(sample[0], ...sample.slice(1))).toMatch(
      /^100 pictures by checkpoint-0+4\.safetensors/,
    );
    const { width, height } = await sharp(join(consumer.folder, "samples.png")).metadata();
    expect([width, height]).toEqual([10 * 32 + 9 * 2, 10 * 32 + 9 * 2]);
    expect(await consumer.run(measure[0], ...measure.slice(1), "--features-kimg", "0.1")).toMatch(
      /40 drawn pictures against 40, by turns@.*\bKID +\d/s,
    );
  });

  it("trains and samples in a page that Vite builds, printing what the README says, with threads where they may be", async () => {
    const { code, prints } = program("browser");
    await consumer.write("page/program.ts", short(code));
    await consumer.write(
      "page/index.html",
      '<!doctype html><script type="module" src="/program.ts"></script>\n',
    );
    console.log(await consumer.tool("vite/bin/vite.js", "build", "page"));
    const page = join(consumer.folder, "page");
    const isolated = await trainInPage(page, photos, isolating);
    expect(isolated).toMatch(prints);
    const several = Math.min(availableParallelism(), 8);
    expect(isolated).toMatch(new RegExp(`^kernels: relaxed, threads: ${several}\n`));
    const [warning, kernels, ...steps] = (await trainInPage(page, photos, {})).split("\n");
    expect(warning).toMatch(/one thread: this page is not cross-origin isolated.*same-origin.*require-corp/);
    expect(kernels).toBe("kernels: relaxed, threads: 1");
    expect(steps).toEqual(isolated.split("\n").slice(1));
  });
});

describe("the GPU in Node", () => {
  const code = `import { init } from "ganvil";
import { matMul, ones } from "@tensorflow/tfjs-core";
const { placer } = await init({ device: "webgpu", threads: 1 });
console.log((await matMul(ones([2, 3]), ones([3, 2])).data()).join(), placer.explain("BatchMatMul").device);
process.exit(0);
`;

  it("needs a package, and says which", async () => {
    await consumer.write("gpu.js", code);
    await expect(consumer.run(process.execPath, "gpu.js")).rejects.toThrow(/npm install webgpu@0\.6\.2/);
  });

  it("is used once that package is installed", async () => {
    const version = manifest.peerDependencies?.webgpu;
    await consumer.run(
      "npm",
      ...["install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", `webgpu@${version}`],
    );
    await consumer.write("gpu.js", code);
    // The tests' environment names a software GPU, or the machine has its own.
    expect(await consumer.run(process.execPath, "gpu.js")).toBe("3,3,3,3 webgpu");
  });
});
