import { levels } from "./answers.ts";
import type { Mark, Verdict, Verdicts } from "./judge.ts";
import type { Network } from "./network.ts";

export const backends = ["ganvil", "tfjs-cpu", "tfjs-wasm"] as const;
export type Found = { [backend: string]: { readonly [network: string]: Verdicts } };

const title: { readonly [backend: string]: string } = {
  ganvil: "ganvil Wasm",
  "tfjs-cpu": "tfjs cpu",
  "tfjs-wasm": "tfjs wasm",
};

const shown = ({ mark, error }: Verdict): string =>
  error === undefined ? mark : `${mark} ${error.toExponential(0)}`;

/** Lines of the penalty's second derivatives, one a network. */
export function table(networks: readonly Network[], found: Found): string[] {
  const width = Math.max(...networks.map(({ name }) => name.length));
  const line = (name: string, cells: readonly string[]): string =>
    [name.padEnd(width), ...cells.map((cell) => cell.padEnd(12))].join("  ").trimEnd();
  return [
    "Weight gradient of ‖∇ₓD(x)‖² by differentiating twice, against central differences in float64;",
    "errors are relative to each weight's root mean square.",
    "",
    line(
      "network",
      backends.map((backend) => title[backend]),
    ),
    ...networks.map(({ name }) =>
      line(
        name,
        backends.map((backend) => shown(found[backend][name].second)),
      ),
    ),
  ];
}

const countOf = (networks: readonly Network[], verdicts: Found[string], mark: Mark): number =>
  networks.filter(({ name }) => verdicts[name].second.mark === mark).length;

/** One line a backend, the library's last. */
export function countLines(networks: readonly Network[], found: Found): string[] {
  return [...backends].reverse().map((backend) => {
    const count = (mark: Mark): number => countOf(networks, found[backend], mark);
    const missing = backend === "ganvil" && count("missing") === 0 ? "" : `, ${count("missing")} missing`;
    return `${title[backend]}: ${count("right")} right, ${count("wrong")} wrong, ${count("throws")} throwing${missing}`;
  });
}

/** What is not right at any level, with the error. */
export function faults(networks: readonly Network[], verdicts: Found[string]): string[] {
  return networks.flatMap(({ name }) =>
    levels.flatMap((level) => {
      const { mark, error, failed } = verdicts[name][level];
      return mark === "right" ? [] : [`${name}, ${level}: ${mark}, ${failed ?? `error ${error}`}`];
    }),
  );
}

const signs: { readonly [mark in Mark]: string } = { right: "✓", wrong: "✗", throws: "!", missing: "–" };

/** The README's matrix in Markdown: each op's forward, first and second derivative on each backend. */
export function matrix(networks: readonly Network[], found: Found): string {
  const ops = networks.filter(({ kind }) => kind === "op");
  const cell = (backend: string, name: string): string =>
    levels.map((level) => signs[found[backend][name][level].mark]).join(" ");
  const heads = backends.map((backend) => title[backend]);
  const wrong = networks
    .filter(
      ({ kind, name }) =>
        kind !== "op" && [found["tfjs-cpu"], found["tfjs-wasm"]].some((v) => v[name].second.mark === "wrong"),
    )
    .map(({ name }) => name);
  return [
    `\`npm run gradcheck\` builds ${networks.length} small networks, ${ops.length} of them one op between two dense layers, the others pairs`,
    "of ops between convolutions and blocks of known GANs, and compares the weight gradient of ‖∇ₓD(x)‖² with",
    "central differences in float64:",
    "",
    "| | right | wrong | throws | missing |",
    "|---|---|---|---|---|",
    ...backends.map((backend, i) => {
      const counts = (["right", "wrong", "throws", "missing"] as const).map((mark) =>
        countOf(networks, found[backend], mark),
      );
      return `| ${heads[i]} | ${counts.join(" | ")} |`;
    }),
    "",
    `TensorFlow.js is wrong without a word in ${wrong.length} of the pairs and blocks: ${wrong.map((name) => `*${name}*`).join("; ")}.`,
    "",
    `<details><summary>The matrix of the ${ops.length} ops: forward, first and second derivative</summary>`,
    "",
    "✓ right, ✗ wrong, ! throws, – the backend has no such kernel or TensorFlow.js no such function. Written by",
    "`npm run matrix`, each mark found by running it.",
    "",
    `| op | ${heads.join(" | ")} |`,
    "|---|---|---|---|",
    ...ops.map(({ name }) => `| ${name} | ${backends.map((backend) => cell(backend, name)).join(" | ")} |`),
    "",
    "</details>",
    "",
  ].join("\n");
}
