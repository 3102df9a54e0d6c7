import type { Row } from "../contest.ts";
import { figure, share } from "../report.ts";
import { type ContestantName, gpuNames } from "../rivals/contestant.ts";
import { gpuLine } from "../webgpu/report.ts";

const onGpu: readonly string[] = gpuNames;

/** One case as a body of the table of results, a line for each contestant. */
export function rowOf(row: Row, peak: number | undefined): HTMLTableSectionElement {
  const { name, work, parameters, results, ratios } = row;
  const body = document.createElement("tbody");
  const trained = parameters
    ? ` (${parameters.map((n) => n.toLocaleString("en")).join(" + ")} parameters)`
    : "";
  for (const [i, [contestant, result]] of Object.entries(results).entries()) {
    const line = body.insertRow();
    line.className = contestant === "ganvil" ? "own" : "";
    const ratio = ratios[contestant as ContestantName];
    const cells = [
      i === 0 ? `${name}${trained}` : "",
      contestant,
      figure(result, work),
      onGpu.includes(contestant) ? "" : share(result, work, peak),
      ratio === undefined ? "" : `${ratio.toPrecision(3)}×`,
    ];
    for (const cell of cells) line.insertCell().textContent = cell;
    if (!("gpu" in result) || result.gpu === undefined) continue;
    const sent = document.createElement("small");
    sent.textContent = gpuLine(result.gpu);
    line.cells[2].append(sent);
  }
  return body;
}
