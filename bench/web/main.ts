import { adapterName, isSoftware } from "../../src/webgpu/adapter.ts";
import { type Case, cases } from "../cases.ts";
import { chart } from "../chart.ts";
import type { Row } from "../contest.ts";
import { footnotes, type Report } from "../report.ts";
import { type ContestantName, gpuNames } from "../rivals/contestant.ts";
import { chosen, entrants, runCases, withGpu } from "../suite.ts";
import { gpuTerm } from "../webgpu/report.ts";
import { ContestantWorker, pageNames } from "./contestants.ts";
import { rowOf } from "./table.ts";

const element = <Kind extends HTMLElement>(id: string): Kind =>
  document.querySelector<Kind>(`#${id}`) ?? missing(id);

function missing(id: string): never {
  throw new Error(`the page has no element "${id}"`);
}

const running = new Map<ContestantName, ContestantWorker>();
let cancelled = false;

function offerContestant(name: ContestantName, title: string, within: string, checked: boolean): void {
  const label = document.createElement("label");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked, value: name });
  label.append(box, ` ${title}`);
  element(within).append(label);
}

const onGpu: readonly string[] = gpuNames;
for (const name of pageNames.slice(1)) {
  if (!onGpu.includes(name)) offerContestant(name, name, "rivals", true);
}
element("isolation").hidden = crossOriginIsolated;

/** Lets contestants on the GPU take part where the browser has one; at first without them where it is slow. */
async function offerGpu(): Promise<void> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return;
  const software = isSoftware(adapter);
  element("adapter").textContent = adapterName(adapter);
  element("software").hidden = !software;
  offerContestant("ganvil-webgpu", "ganvil (WebGPU)", "gpu-contestants", !software);
  offerContestant("tfjs-webgpu", "tfjs-webgpu", "gpu-contestants", !software);
  element("on-gpu").hidden = false;
}
offerGpu();

/** What the form asks for. */
interface Settings {
  readonly wanted: readonly Case[];
  readonly threads: number;
  readonly quick: boolean;
}

function settings(): Settings {
  const boxes = [...document.querySelectorAll<HTMLInputElement>("fieldset input:checked")];
  const rivals = boxes.map(({ value }) => value as ContestantName);
  const only = element<HTMLInputElement>("only").value.trim();
  const wanted = chosen(withGpu(cases), { only, rivals });
  if (wanted.length === 0) throw new Error(`No case's name contains "${only}".`);
  const threads = Math.max(1, Math.floor(element<HTMLInputElement>("threads").valueAsNumber || 1));
  return { wanted, threads, quick: element<HTMLInputElement>("quick").checked };
}

/** Shows where the run stands: idle, running, done, cancelled or failed. */
function enter(state: "running" | "done" | "cancelled" | "failed"): void {
  document.body.dataset.state = state;
  const busy = state === "running";
  element("under-way").hidden = !busy;
  element("cancel").hidden = !busy;
  element<HTMLButtonElement>("start").disabled = busy;
}

const note = (text: string): void => {
  element("note").textContent = text;
};

function tell(term: string, text: string): void {
  const [dt, dd] = ["dt", "dd"].map((tag) => document.createElement(tag));
  dt.textContent = term;
  dd.textContent = text;
  element("head").append(dt, dd);
}

const machine = (): Report["machine"] => ({
  cpu: "processor not told by the browser",
  cores: navigator.hardwareConcurrency,
  runtime: navigator.userAgent.match(/(Firefox|Edg|Chrome|Version)\/[\d.]+/)?.[0] ?? navigator.userAgent,
  platform: navigator.platform,
});

function clear(): void {
  for (const id of ["head", "chart", "footnotes"]) element(id).replaceChildren();
  for (const body of element("results").querySelectorAll("tbody")) body.remove();
  for (const id of ["json", "svg", "error"]) element(id).hidden = true;
}

async function run({ wanted, threads, quick }: Settings): Promise<Report> {
  const versions: Partial<Record<ContestantName, string>> = {};
  const absent: Partial<Record<ContestantName, string>> = {};
  let peak: number | undefined;
  for (const name of entrants(wanted).filter((name) => pageNames.includes(name))) {
    note(`starting ${name}`);
    try {
      const { remote, introduction } = await ContestantWorker.open(name, { threads });
      running.set(name, remote);
      versions[name] = introduction.says;
      peak ??= introduction.peak;
      tell(name, introduction.says);
    } catch (error) {
      absent[name] = (error as Error).message;
      tell(name, `absent: ${absent[name]}`);
    }
    if (cancelled) break;
  }
  const rows: Row[] = [];
  element("results").hidden = false;
  const progress = element<HTMLProgressElement>("progress");
  progress.max = wanted.length;
  const begin = ({ name }: Case) => note(`${rows.length + 1} of ${wanted.length}: ${name}`);
  for await (const row of runCases(wanted, running, { quick, begin })) {
    if (cancelled) break;
    rows.push(row);
    progress.value = rows.length;
    element("results").append(rowOf(row, peak));
  }
  const command = "npm run bench:web";
  return { machine: machine(), command, versions, absent, peak, date: new Date().toISOString(), rows };
}

function offer(id: string, content: string, type: string): void {
  const link = element<HTMLAnchorElement>(id);
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.hidden = false;
}

function show(report: Report): void {
  if (report.rows.length === 0) return;
  const svg = chart(report);
  element("chart").innerHTML = svg;
  const gpu = Object.keys(report.versions).some((name) => onGpu.includes(name));
  element("footnotes").textContent = [gpu ? gpuTerm : "", footnotes(report.rows)].filter(Boolean).join("\n");
  offer("json", `${JSON.stringify(report, null, 2)}\n`, "application/json");
  offer("svg", svg, "image/svg+xml");
}

function stop(): void {
  for (const contestant of running.values()) contestant.close();
  running.clear();
}

element("settings").addEventListener("submit", async (event) => {
  event.preventDefault();
  clear();
  cancelled = false;
  try {
    const asked = settings();
    enter("running");
    show(await run(asked));
    enter(cancelled ? "cancelled" : "done");
  } catch (error) {
    element("error").textContent = (error as Error).message;
    element("error").hidden = false;
    enter("failed");
  } finally {
    stop();
  }
});

element("cancel").addEventListener("click", () => {
  cancelled = true;
  stop();
});
