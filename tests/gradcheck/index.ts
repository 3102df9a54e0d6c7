// Prints how the gradients of every network fare, on this library and on TensorFlow.js's own backends.
import type { Answers } from "./answers.ts";
import { ask, type ContestantName } from "./ask.ts";
import { judge, type Mark, type Verdict, type Verdicts } from "./judge.ts";
import { networks } from "./networks.ts";

const rivals = ["ganvil", "tfjs-cpu", "tfjs-wasm"] as const satisfies readonly ContestantName[];

const reference = await ask("float64");
const found: { [name: string]: { [network: string]: Verdicts } } = {};
for (const name of rivals) {
  const outcomes = await ask(name);
  found[name] = Object.fromEntries(
    networks.map((network) => [
      network.name,
      judge(outcomes[network.name], reference[network.name] as unknown as Answers),
    ]),
  );
}

const shown = ({ mark, error }: Verdict): string =>
  error === undefined ? mark : `${mark} ${error.toExponential(0)}`;

console.log(
  "Weight gradient of ‖∇ₓD(x)‖² by differentiating twice, against central differences in float64 (error of the root mean square):\n",
);
const width = Math.max(...networks.map(({ name }) => name.length));
console.log(["network".padEnd(width), ...rivals.map((name) => name.padEnd(14))].join("  "));
for (const { name } of networks) {
  const cells = rivals.map((rival) => shown(found[rival][name].second).padEnd(14));
  console.log([name.padEnd(width), ...cells].join("  ").trimEnd());
}

const count = (rival: string, mark: Mark): number =>
  networks.filter(({ name }) => found[rival][name].second.mark === mark).length;

for (const { name } of networks) {
  for (const [level, { mark, error, failed }] of Object.entries(found.ganvil[name])) {
    if (mark !== "right") console.log(`\nganvil, ${name}, ${level}: ${failed ?? `error ${error}`}`);
  }
}

console.log();
for (const rival of ["tfjs-cpu", "tfjs-wasm", "ganvil"]) {
  const missing = count(rival, "missing");
  console.log(
    `${rival}: ${count(rival, "right")} right, ${count(rival, "wrong")} wrong, ${count(rival, "throws") + (rival === "ganvil" ? missing : 0)} throwing${rival === "ganvil" ? "" : `, ${missing} missing`}`,
  );
}
const faulty = networks.some(({ name }) =>
  Object.values(found.ganvil[name]).some(({ mark }) => mark !== "right"),
);
process.exitCode = faulty ? 1 : 0;
