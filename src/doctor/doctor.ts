import { check, NonFiniteError } from "../errors.ts";
import { type Adjustment, adjusted } from "../gan/adjust.ts";
import type { Dataset } from "../gan/batch.ts";
import type { Finding, Monitor } from "../gan/finding.ts";
import type { Gan } from "../gan/gan.ts";
import type { TrainingState } from "../gan/state.ts";
import type { Report } from "../gan/train.ts";
import {
  type CheckupOptions,
  type Classify,
  changes,
  checkup,
  type Reference,
  referenceOf,
  type Weights,
  weightsOf,
} from "./checkup.ts";
import { judged } from "./judge.ts";
import { found, natures } from "./kinds.ts";
import { Ledger } from "./ledger.ts";
import type { Measures } from "./measures.ts";
import { Pulse } from "./pulse.ts";

export interface DoctorOptions {
  /**
   * Real pictures that are not trained on, at least 20: for overfitting and memorisation. Default: none, and overfitting is
   * told by the sign of the discriminator's logits alone.
   */
  readonly heldOut?: Dataset;
  /** Thousands of pictures between checkups. Default: a twentieth of the GAN's kimg. */
  readonly every?: number;
  /** Samples that a checkup draws. Default 128. */
  readonly samples?: number;
  /** The class of each of some pictures, real or not: for the balance of samples against the data. Default: it is not looked at. */
  readonly classify?: Classify;
  /** Of what `classify` gives. Default: the data's. */
  readonly classNames?: readonly string[];
  /**
   * After a fault goes back to the last checkup without one and on with the change that the fault asks for (see
   * `adjusted`), at most so many times in a run; `true` is 3. Default false.
   */
  readonly rollback?: boolean | number;
}

/** A doctor and what it knows so far. */
export interface Doctor extends Monitor {
  /** All that was found, in order. */
  readonly findings: readonly Finding[];
  /** What each checkup measured, but for those that training went back to before. */
  readonly checkups: readonly Measures[];
}

/** Steps before the first checkup, early: rates that are too large show best while weights are small. */
const stepsBefore = 2;

/**
 * Watches training for mode collapse, a dead or overfitting discriminator, vanishing or exploding gradients, steps that are
 * too large, oscillation, non-finite values, memorisation, labels that a mark gives away, and a balance of classes unlike
 * the data's: `train(gan, data, { doctor: doctor({ heldOut }) })`. Each step costs next to nothing; a checkup draws
 * samples and needs no network but the GAN's own. Findings are in `report.findings`, each once until it clears.
 *
 * A non-finite loss still throws where there is no going back; a last report bears the finding before.
 */
export function doctor(options: DoctorOptions = {}): Doctor {
  const { samples = 128, every, rollback = false } = options;
  check(
    Number.isSafeInteger(samples) && samples >= 20,
    () => `doctor: expected at least 20 samples, got ${samples}`,
  );
  check(every === undefined || every > 0, () => `doctor: expected every above 0, got ${every}`);
  return new Watch({ ...options, samples, rollbacks: rollback === true ? 3 : Number(rollback) });
}

/** What checkups need beside the report. */
interface Circumstances {
  readonly reference: Reference;
  readonly options: CheckupOptions;
  /** Pictures between them. */
  readonly every: number;
}

class Watch implements Doctor {
  readonly findings: Finding[] = [];
  readonly checkups: Measures[] = [];
  readonly #options: DoctorOptions & { readonly samples: number };
  readonly #pulse = new Pulse();
  readonly #ledgers = { steps: new Ledger(), checkups: new Ledger() };
  #rollbacks: number;
  #good: TrainingState | undefined;
  /** Weights before the step that a checkup follows. */
  #before: Weights | undefined;
  #due = 0;

  constructor(options: DoctorOptions & { readonly samples: number; readonly rollbacks: number }) {
    this.#options = options;
    this.#rollbacks = options.rollbacks;
  }

  async *watch(gan: Gan, data: Dataset, reports: () => AsyncIterable<Report>): AsyncGenerator<Report, void> {
    const options = { ...this.#options, classNames: this.#options.classNames ?? data.classNames };
    const reference = await referenceOf(data, this.#options.heldOut, options);
    const every = 1000 * (this.#options.every ?? gan.settings.kimg / 20);
    this.#due = gan.imagesSeen + stepsBefore * gan.imagesPerStep;
    if (this.#rollbacks > 0) this.#good ??= await gan.state();
    let last: Report | undefined;
    for (let goesOn = true; goesOn; ) {
      goesOn = false;
      try {
        for await (const report of reports()) {
          last = report;
          const findings = await this.#examined(gan, report, { reference, options, every });
          const changed = await this.#goneBack(gan, findings);
          yield { ...report, findings: changed ?? findings };
          goesOn = changed !== undefined;
          // The data, too, go on from where the state says.
          if (goesOn) break;
        }
      } catch (error) {
        if (!(error instanceof NonFiniteError)) throw error;
        const saying = error.message.split(";")[0];
        const at = gan.imagesSeen;
        const finding = found("non-finite", {
          // So many turns were not finite.
          measured: 1,
          threshold: 0,
          at,
          saying,
        });
        this.findings.push(finding);
        const changed = await this.#goneBack(gan, [finding]);
        if (last !== undefined) yield { ...last, findings: changed ?? [finding] };
        if (changed === undefined) throw error;
        goesOn = true;
      }
    }
  }

  /** What is newly found after a step. */
  async #examined(
    gan: Gan,
    report: Report,
    { reference, options, every }: Circumstances,
  ): Promise<Finding[]> {
    const ofSteps = this.#pulse.add(report);
    const { steps, checkups } = this.#ledgers;
    const fresh = ofSteps === undefined ? [] : steps.update(ofSteps).filter((one) => !checkups.has(one));
    if (this.#before !== undefined || report.progress === 1) {
      const sizes = this.#before === undefined ? {} : changes(this.#before, await weightsOf(gan));
      this.#before = undefined;
      this.#due = report.imagesSeen + every;
      this.checkups.push(await checkup(gan, report, reference, options, sizes));
      const all = judged(this.checkups);
      fresh.push(...checkups.update(all).filter((one) => !steps.has(one)));
      const healthy = [...all, ...(ofSteps ?? [])].every(({ severity }) => severity === "warning");
      if (this.#rollbacks > 0 && healthy) this.#good = await gan.state();
    } else if (report.imagesSeen >= this.#due) {
      this.#before = await weightsOf(gan);
    }
    this.findings.push(...fresh);
    return fresh;
  }

  /** Restores the last good state for a fault that a change may mend; the findings, with what was done. */
  async #goneBack(gan: Gan, findings: readonly Finding[]): Promise<Finding[] | undefined> {
    const cause = findings.find(({ kind, severity }) => severity === "fault" && natures[kind].change);
    if (cause === undefined || this.#good === undefined || this.#rollbacks === 0) return undefined;
    this.#rollbacks--;
    const { change = {} } = natures[cause.kind];
    this.#good = adjusted(this.#good, change);
    gan.restore(this.#good);
    this.#pulse.forget();
    for (const ledger of Object.values(this.#ledgers)) ledger.forget();
    this.checkups.splice(0, this.checkups.length, ...this.checkups.filter(({ at }) => at <= gan.imagesSeen));
    this.#before = undefined;
    this.#due = gan.imagesSeen + stepsBefore * gan.imagesPerStep;
    const rollback = `Training went back to step ${gan.stepsDone} and goes on with ${inWords(change)}.`;
    const changed = findings.map((finding) => (finding === cause ? { ...finding, rollback } : finding));
    this.findings.splice(this.findings.length - findings.length, findings.length, ...changed);
    return changed;
  }
}

function inWords({ learningRate, penalty }: Adjustment): string {
  const rates =
    typeof learningRate === "number"
      ? [`both learning rates × ${learningRate}`]
      : Object.entries(learningRate ?? {}).map(
          ([player, factor]) => `the ${player}'s learning rate × ${factor}`,
        );
  return [...rates, ...(penalty === undefined ? [] : [`penalties × ${penalty}`])].join(" and ");
}
