import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Proof } from "./proof.ts";

/** By name; each is loaded when it is asked for. */
const proofs: Readonly<Record<string, () => Promise<Proof>>> = {
  ring: async () => (await import("./mixtures.ts")).ring,
  grid: async () => (await import("./mixtures.ts")).grid,
  doctor: async () => (await import("./doctor.ts")).doctorProof,
  faces: async () => (await import("./faces.ts")).faces,
  mnist: async () => (await import("./mnist.ts")).mnist,
  "stacked-mnist": async () => (await import("./stacked-mnist.ts")).stackedMnist,
};

const usage = `Usage: npm run proof -- NAME [options]

Trains what NAME says and writes bench/proofs/NAME.json and NAME.png. One of: ${Object.keys(proofs).join(", ")}.

  --seed N    default 0
  --kimg N    thousands of pictures to train on; default: the proof's own
  --minutes N of the processor after which a contestant stops in any case
  --data DIR  the folder with mnist, faces and features; default ../shared/data
  --runs DIR  checkpoints; a run that was cut off goes on from there; default runs/proofs
  --help      this text
`;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "0" },
    kimg: { type: "string" },
    minutes: { type: "string" },
    data: { type: "string", default: "../shared/data" },
    runs: { type: "string", default: "runs/proofs" },
    help: { type: "boolean", default: false },
  },
});

/** @throws Error for what is no number above 0, or from 0 on where `from` is 0 */
function numberOf(flag: "seed" | "kimg" | "minutes", text: string): number {
  const value = Number(text);
  if (text !== "" && value >= 0 && Number.isFinite(value) && (flag === "seed" || value > 0)) return value;
  throw new Error(`--${flag}: expected a number, got "${text}"`);
}

async function main(): Promise<void> {
  const [name] = positionals;
  const load = proofs[name];
  if (flags.help || load === undefined) {
    (flags.help ? console.log : console.error)(usage);
    process.exitCode = flags.help ? 0 : 2;
    return;
  }
  const { summary, run } = await load();
  console.log(`${name}: ${summary}`);
  await run({
    name,
    seed: numberOf("seed", flags.seed),
    kimg: flags.kimg === undefined ? undefined : numberOf("kimg", flags.kimg),
    cpuMinutes: flags.minutes === undefined ? undefined : numberOf("minutes", flags.minutes),
    data: resolve(flags.data),
    runs: resolve(flags.runs),
  });
}

await main();
