// Packs the benchmark of the GPU for a Linux x86-64 machine that has an NVIDIA driver and nothing else:
//   npx tsx bench/gpu-pack.ts FILE.tar.gz
// There: tar -xzf FILE.tar.gz && ganvil-gpu/gpu-run.sh OUT
import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { promisify } from "node:util";
import { bundle } from "./bundle.ts";

const run = promisify(execFile);
const root = new URL("..", import.meta.url).pathname;
const modules = join(root, "node_modules");

/** The Vulkan loader, which Dawn opens, and what NVIDIA's driver opens: Debian's packages. */
const loader = "libvulkan1";
const windowing = ["libx11-6", "libxext6", "libxcb1", "libxau6", "libxdmcp6", "libbsd0", "libmd0"];

/** The libraries in Debian packages, into a folder. */
async function unpackLibraries(packages: readonly string[], to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const scratch = await mkdtemp(join(tmpdir(), "ganvil-deb-"));
  try {
    await run("apt-get", ["download", ...packages], { cwd: scratch });
    for (const file of await readdir(scratch)) {
      if (file.endsWith(".deb")) await run("dpkg-deb", ["-x", file, "unpacked"], { cwd: scratch });
    }
    for (const folder of ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"]) {
      const from = join(scratch, "unpacked", folder);
      for (const file of await readdir(from).catch(() => [])) {
        // Links become copies: the archive may be unpacked where there are none.
        if (/\.so\.\d+$/.test(file)) await cp(join(from, file), join(to, file), { dereference: true });
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A program that checks the ops' cases, all files of them. */
async function checkProgram(): Promise<string> {
  const files = (await readdir(join(root, "tests/ops"))).filter((name) => name.endsWith(".cases.ts"));
  return [
    'import { checkOps } from "./bench/webgpu/check-ops.ts";',
    ...files.map((file, i) => `import { cases as c${i} } from "./tests/ops/${file}";`),
    `const groups = { ${files.map((file, i) => `"${basename(file, ".cases.ts")}": c${i}`).join(", ")} };`,
    "checkOps(groups, process.argv[2], Number(process.argv[3])).then(",
    "  ({ failed }) => process.exit(failed.length === 0 ? 0 : 1),",
    "  (error) => { console.error(error); process.exit(2); },",
    ");",
  ].join("\n");
}

async function pack(archive: string): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "ganvil-gpu-"));
  const folder = join(scratch, "ganvil-gpu");
  const put = (from: string, to: string) =>
    cp(from, join(folder, to), { recursive: true, dereference: true });
  try {
    await mkdir(folder);
    await put(process.execPath, "node");
    await chmod(join(folder, "node"), 0o755);
    await run("strip", [join(folder, "node")]).catch(() =>
      console.warn("no strip: Node is packed with its symbols"),
    );
    for (const name of ["ganvil", "ganvil-webgpu", "tfjs-webgpu"]) {
      await bundle(join(root, "bench/rivals", `${name}.ts`), join(folder, `${name}.cjs`));
    }
    await bundle(join(root, "bench/webgpu/index.ts"), join(folder, "bench.cjs"));
    await bundle({ text: await checkProgram(), root }, join(folder, "check-ops.cjs"));
    for (const file of [
      "webgpu/package.json",
      "webgpu/index.js",
      "webgpu/LICENSE.md",
      "webgpu/dist/linux-x64",
    ]) {
      await put(join(modules, file), `node_modules/${file}`);
    }
    for (const file of ["benchmark", "platform", "lodash/package.json", "lodash/lodash.js"]) {
      await put(join(modules, file), `node_modules/${file}`);
    }
    await put(join(root, "bench/gpu-run.sh"), "gpu-run.sh");
    await chmod(join(folder, "gpu-run.sh"), 0o755);
    try {
      await unpackLibraries([loader], join(folder, "lib"));
      await unpackLibraries(windowing, join(folder, "lib/windowing"));
    } catch (error) {
      console.warn(
        `Packed without all of Debian's ${[loader, ...windowing].join(", ")}; the machine must have what is missing: ${(error as Error).message}`,
      );
    }
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const { stdout: commit } = await run("git", ["rev-parse", "HEAD"], { cwd: root });
    await writeFile(join(folder, "VERSION"), `ganvil ${version} ${commit.trim()}, Node ${process.version}\n`);
    await run("tar", ["-czf", archive, "-C", scratch, "ganvil-gpu"], { env: { ...process.env, GZIP: "-9" } });
    console.log(`${archive}: ${((await stat(archive)).size / 2 ** 20).toFixed(1)} MB`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("Usage: npx tsx bench/gpu-pack.ts FILE.tar.gz");
if (process.platform !== "linux" || process.arch !== "x64") {
  throw new Error(`expected Linux x64, whose Node travels along, found ${process.platform} ${process.arch}`);
}
await pack(resolve(file));
