// Writes the README's table of proofs from their committed records: npm run proof:readme
import { readFile, writeFile } from "node:fs/promises";
import { type CurvePoint, type ProofRecord, readProof } from "./proof.ts";

const readme = new URL("../../README.md", import.meta.url);
const [begin, end] = ["<!-- proofs: begin -->\n", "<!-- proofs: end -->\n"];

// biome-ignore lint/suspicious/noExplicitAny: figures are what each proof says.
type Said = any;

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;

const range = (values: readonly number[], say: (value: number) => string): string => {
  const [least, most] = [Math.min(...values), Math.max(...values)].map(say);
  return least === most ? least : `${least} to ${most}`;
};

/** A ring or grid: the longer runs, then the rows by loss. */
function mixture({ modesOf, long, byLoss }: Said): string {
  const within = range(
    long.map((row: Said) => row.within),
    percent,
  );
  const modes = range(
    long.map((row: Said) => row.modes),
    String,
  );
  const plain = byLoss.find((row: Said) => row.loss === "non-saturating" && row.penalties === "none");
  const beside = plain === undefined ? "" : `; plain beside it ${plain.modes}`;
  return `${modes} of ${modesOf} modes, ${within} within 3σ over ${long.length} seed${long.length === 1 ? "" : "s"}${beside}`;
}

const measured = ({ value, interval }: Said): string =>
  interval === undefined
    ? value.toPrecision(3)
    : `${value.toPrecision(3)} (${interval.map((bound: number) => bound.toPrecision(3)).join(" to ")})`;

function mnist({ classifier, ...contestants }: Said, { curves = {} }: ProofRecord): string {
  const at = curves["r3gan nano"].findLast(({ kimg }: CurvePoint) => kimg < 121);
  const one = ([name, figures]: [string, Said]): string =>
    `${name} (${curves[name].at(-1)?.kimg.toFixed(0)} kimg) ${percent(figures.readAsDrawn)}, density ${measured(figures.density)}, coverage ${measured(figures.coverage)}, ${figures.frechetDistance.metric} ${measured(figures.frechetDistance)}`;
  return `${classifier.name} (${percent(classifier.accuracyOnHeldOutDigits)} of held-out digits) reads as drawn ${percent(at?.figures.readAsDrawn as number)} at ${at?.kimg.toFixed(0)} kimg; at the end ${Object.entries(contestants).map(one).join("; ")}`;
}

function stackedMnist(_: Said, { curves = {} }: ProofRecord): string {
  const ends = Object.entries(curves).map(([name, curve]) => {
    const { kimg, figures } = curve[curve.length - 1] as Said;
    const plans = curve.map(({ plannedKimg }) => plannedKimg).filter((plan, i, all) => plan !== all[i - 1]);
    const resumed = plans.length > 1 ? `, by schedules of ${plans.join(", then ")} kimg` : "";
    return `${name}: ${figures.modes} modes, KL ${figures.kl.toFixed(3)} (floor ${figures.floorOfKl.toFixed(3)}) of ${figures.samples} samples at ${kimg.toFixed(0)} kimg${resumed}`;
  });
  return ends.join("; ");
}

function faces({ r3gan, dcgan, floor }: Said): string {
  const one = ({ kid, coverage, memorization, kimg }: Said): string =>
    `${kimg.toFixed(0)} kimg, ${kid.metric} ${measured(kid)}, coverage ${measured(coverage)}, ${percent(memorization.value)} nearer to photographs trained on than to others`;
  return `r3gan ${one(r3gan)}; dcgan ${one(dcgan)}; between halves of the photographs ${floor.metric} is ${measured(floor)}`;
}

function doctor({ found, silent, runs }: Said): string {
  const planted = runs.filter((run: Said) => run.planted !== undefined);
  const each = planted.map(({ name, planted, findings }: Said) => {
    const at = findings.find(({ kind }: Said) => kind === planted)?.atKimg;
    return `${name} (${planted}${at === undefined ? ", not found" : ` at ${at.toFixed(1)} kimg`})`;
  });
  return `${found} of ${planted.length} planted faults found: ${each.join(", ")}; silent about ${silent} of ${runs.length - planted.length} healthy runs`;
}

const says: Readonly<Record<string, (figures: Said, record: ProofRecord) => string>> = {
  ring: mixture,
  grid: mixture,
  doctor,
  faces,
  mnist,
  "stacked-mnist": stackedMnist,
};

/** Rows of one mixture, loss by penalties. */
function byLoss(name: string, { figures }: ProofRecord): string[] {
  const rows: Said[] = (figures as Said).byLoss;
  if (rows.length === 0) return [];
  const sets = [...new Set(rows.map(({ penalties }) => penalties))];
  const losses = [...new Set(rows.map(({ loss }) => loss))];
  const cell = (loss: string, set: string): string => {
    const row = rows.find((one) => one.loss === loss && one.penalties === set);
    if (row === undefined) return "";
    return row.failed === undefined ? `${row.modes}, ${percent(row.within)}` : "not finite";
  };
  return [
    `| ${name} | ${sets.join(" | ")} |`,
    `|---|${sets.map(() => "---|").join("")}`,
    ...losses.map((loss) => `| ${loss} | ${sets.map((set) => cell(loss, set)).join(" | ")} |`),
    "",
  ];
}

async function main(): Promise<void> {
  const records: [string, ProofRecord][] = [];
  for (const name of Object.keys(says)) {
    const record = await readProof(name);
    if (record !== undefined) records.push([name, record]);
  }
  const text = await readFile(readme, "utf8");
  const [head, rest] = text.split(begin);
  const tail = rest?.split(end)[1];
  if (tail === undefined) throw new Error(`README.md: expected the marks ${begin.trim()} and ${end.trim()}`);
  const table = [
    "| command | shows | processor minutes, seeds |",
    "|---|---|---|",
    ...records.map(([name, record]) => {
      const { command, seeds, cpuMinutes, figures } = record;
      return `| \`${command}\` | ${says[name](figures, record)} | ${cpuMinutes.toFixed(1)}, ${seeds.join(", ")} |`;
    }),
    "",
    ...records.flatMap(([name, record]) => ("byLoss" in record.figures ? byLoss(name, record) : [])),
  ];
  await writeFile(readme, `${head}${begin}${table.join("\n")}${end}${tail}`);
}

await main();
