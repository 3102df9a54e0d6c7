import type { Finding } from "../gan/finding.ts";
import type { Report } from "../gan/train.ts";
import { found } from "./kinds.ts";
import { median } from "./thumbnails.ts";

/** Medians over some steps, which one odd step does not move. */
interface Window {
  readonly at: number;
  /** By player. */
  readonly norms: Readonly<Record<string, number>>;
  /** Mean logit of real pictures over that of generated ones; NaN where the game observes none. */
  readonly lead: number;
}

/** A window is over when it has so many steps and real pictures. */
const leastSteps = 12;
const leastImages = 400;

/** Norms beyond this, or so many times what they usually are, have exploded. */
const longestNorm = 1e4;
const growth = 100;

/** Norms below this have vanished: Adam divides by no less than 1e-8, shared among thousands of weights. */
const shortestNorm = 1e-6;

/** Turns of the lead, each by so much of what it usually is, in so many windows. */
const turns = 5;
const swing = 2;
const watched = 16;

/** Windows in a row that a norm must be beyond its bound in, and that a discriminator must be without a lead. */
const inRow = 2;
const withoutLead = 4;

/** What the numbers of reports alone tell: gradients and the players' balance. */
export class Pulse {
  #reports: Report[] = [];
  #windows: Window[] = [];

  /** What is wrong at the end of a window; undefined in the midst of one. */
  add(report: Report): Finding[] | undefined {
    this.#reports.push(report);
    const [first] = this.#reports;
    const images = report.imagesSeen - first.imagesSeen;
    if (this.#reports.length < leastSteps || images < leastImages) return undefined;
    this.#windows.push(windowOf(this.#reports));
    this.#reports = [];
    const players = Object.keys(report.gradientNorms);
    return [
      ...players.flatMap((player) => [...this.#exploding(player), ...this.#vanishing(player)]),
      ...this.#beaten(),
      ...this.#oscillating(),
    ];
  }

  /** Training went back: what was before tells nothing of what comes. */
  forget(): void {
    this.#reports = [];
    this.#windows = [];
  }

  #exploding(player: string): Finding[] {
    const norms = this.#windows.map((window) => window.norms[player]);
    const present = Math.min(...norms.slice(-inRow));
    // The first window's is that of fresh weights, which tells little.
    const before = norms.slice(1, -inRow);
    const usual = before.length > 0 ? median(before) : Number.POSITIVE_INFINITY;
    const threshold = Math.min(longestNorm, growth * Math.max(usual, 0.1));
    if (norms.length < inRow || !(present > threshold)) return [];
    const saying = `The norm of the ${player}'s gradient is ${shown(present)}, above ${shown(threshold)}`;
    return [this.#found("exploding-gradients", { about: player, measured: present, threshold, saying })];
  }

  #vanishing(player: string): Finding[] {
    const norms = this.#windows.map((window) => window.norms[player]);
    const present = Math.max(...norms.slice(-inRow));
    if (norms.length < inRow || !(present < shortestNorm)) return [];
    const saying = `The norm of the ${player}'s gradient is ${shown(present)}, below ${shown(shortestNorm)}`;
    return [
      this.#found("vanishing-gradients", {
        about: player,
        measured: present,
        threshold: shortestNorm,
        saying,
      }),
    ];
  }

  /** A discriminator that learns has a lead, if a small one. */
  #beaten(): Finding[] {
    const leads = this.#windows.slice(-withoutLead).map(({ lead }) => lead);
    const measured = Math.max(...leads);
    if (leads.length < withoutLead || !(measured <= 0)) return [];
    const saying = `The mean logit of real pictures over that of generated ones is at most ${shown(measured)}, not above 0, in ${withoutLead} windows of steps in a row`;
    return [this.#found("dead-discriminator", { measured, threshold: 0, saying })];
  }

  /** How often the lead turned back by twice its usual size. */
  #oscillating(): Finding[] {
    const leads = this.#windows.slice(-watched).map(({ lead }) => lead);
    const usual = median(leads.map(Math.abs));
    if (!(usual > 0)) return [];
    const measured = turningPoints(leads, swing * usual);
    if (measured < turns) return [];
    const saying = `The discriminator's lead (mean logit of real over generated pictures) turned ${measured} times within ${leads.length} windows of steps, by at least ${shown(swing * usual)}; fewer than ${turns} are usual`;
    return [this.#found("oscillation", { measured, threshold: turns, saying })];
  }

  #found(kind: Finding["kind"], rest: Omit<Parameters<typeof found>[1], "at">): Finding {
    return found(kind, { ...rest, at: this.#windows[this.#windows.length - 1].at });
  }
}

const shown = (value: number): string => value.toPrecision(3);

function windowOf(reports: readonly Report[]): Window {
  const middle = (of: (report: Report) => number) => median(reports.map(of));
  const [{ gradientNorms }] = reports;
  return {
    at: reports[reports.length - 1].imagesSeen,
    norms: Object.fromEntries(
      Object.keys(gradientNorms).map((player) => [player, middle((report) => report.gradientNorms[player])]),
    ),
    lead: middle(({ signals }) => signals.realLogit - signals.fakeLogit),
  };
}

/** Times that a series turned back by at least `least` from its highest or lowest since the last turn. */
export function turningPoints(series: readonly number[], least: number): number {
  let [low, high] = [series[0], series[0]];
  let direction = 0;
  let count = 0;
  for (const value of series) {
    low = Math.min(low, value);
    high = Math.max(high, value);
    const turned =
      direction >= 0 && high - value >= least ? -1 : direction <= 0 && value - low >= least ? 1 : 0;
    if (turned === 0) continue;
    if (direction !== 0) count++;
    direction = turned;
    low = high = value;
  }
  return count;
}
