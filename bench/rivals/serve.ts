import { dispose, memory, type Tensor, tidy, util, version_core } from "@tensorflow/tfjs-core";
import { cases, type Prepared } from "../cases.ts";
import { timeCalls, timeSteps } from "../measure.ts";
import { profileStep } from "../profile.ts";
import type { Answer, Request } from "../protocol.ts";
import type { Contestant } from "./contestant.ts";

/** A sum over all values that weighs neighbours differently, so that swapped ones show. */
function checksum(results: readonly Tensor[]): number {
  let sum = 0;
  for (const result of results) {
    for (const [i, value] of result.dataSync().entries()) sum += Math.abs(value) * (1 + (i % 7));
  }
  return sum;
}

/** Kernels missing from a backend show as this error of TensorFlow.js. */
const missingKernel = /Kernel '(\w+)' not registered for (?:the )?backend/;

/** Answers the parent's requests, one at a time, until it disconnects. */
export function serve(contestant: Contestant): void {
  let current: { prepared: Prepared; tensors: number } | undefined;

  const prepare = async (name: string, seconds: number): Promise<Answer> => {
    const found = cases.find((one) => one.name === name)!;
    const tensors = memory().numTensors;
    contestant.substituted?.clear();
    try {
      const prepared = found.prepare(contestant);
      if (prepared === undefined) return { missing: "no such function" };
      current = { prepared, tensors };
      let sum: number | undefined;
      let bytes: number | undefined;
      if ("step" in prepared) {
        await finiteStep(prepared.step.run);
      } else {
        const results = tidy(prepared.run);
        sum = checksum(results);
        const touched = [...prepared.inputs, ...results];
        bytes = touched.reduce((total, { size, dtype }) => total + size * util.bytesPerElement(dtype), 0);
        dispose(results);
      }
      await measure(seconds);
      return { checksum: sum, bytes, substituted: [...(contestant.substituted ?? [])] };
    } catch (error) {
      await finish();
      const [, kernel] = missingKernel.exec(String(error)) ?? [];
      if (kernel !== undefined) return { missing: `no kernel ${kernel}` };
      throw error;
    }
  };

  const measure = async (seconds: number): Promise<number[]> => {
    const { prepared } = current!;
    if ("step" in prepared) return timeSteps(() => finiteStep(prepared.step.run), seconds);
    const once = () => dispose(tidy(prepared.run));
    const samples = timeCalls(once, seconds);
    // Both backends compute at the call; reading one result shows that they did.
    const results = tidy(prepared.run);
    const finite = Number.isFinite(checksum(results.slice(0, 1)));
    dispose(results);
    if (!finite) throw new Error("the result is not finite");
    return samples;
  };

  const finish = async (): Promise<Answer> => {
    if (current === undefined) return { leaked: 0 };
    const { prepared, tensors } = current;
    current = undefined;
    if ("step" in prepared) prepared.step.dispose();
    else dispose(prepared.inputs);
    if ("dispose" in prepared) prepared.dispose?.();
    return { leaked: memory().numTensors - tensors };
  };

  const answer = async (request: Request): Promise<Answer> => {
    switch (request.ask) {
      case "start": {
        const says = await contestant.start(request);
        return {
          says: `${says}, tfjs-core ${version_core}`,
          catalogue: contestant.catalogue?.(),
        };
      }
      case "prepare":
        return prepare(request.name, request.seconds);
      case "measure":
        return { samples: await measure(request.seconds) };
      case "finish":
        return finish();
      case "profile":
        return { profile: await profileStep(contestant, request.shape, request.steps) };
    }
  };

  process.on("message", (request: Request) => {
    answer(request)
      .catch((error: Error): Answer => ({ failed: error.stack ?? String(error) }))
      .then((reply) => process.send!(reply));
  });
}

async function finiteStep(step: () => Promise<readonly number[]>): Promise<void> {
  const losses = await step();
  if (!losses.every(Number.isFinite)) throw new Error(`the step's losses are ${losses}`);
}
