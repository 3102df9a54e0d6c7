import { cases } from "../cases.ts";
import { timeCalls, timeEnqueued, timeSteps } from "../measure.ts";
import type { Answer, Request } from "../protocol.ts";
import type { Contestant, Prepared } from "./contestant.ts";
import { metered } from "./gpu-meter.ts";

const caseNamed = (name: string) => cases.find((one) => one.name === name)!;

/** Answers the parent's requests, one at a time, in a child process of Node or in a page's worker. */
export function serve(contestant: Contestant): void {
  let current: Prepared | undefined;

  const measure = async ({ run, step, finish, verify }: Prepared, seconds: number): Promise<number[]> => {
    const samples = finish
      ? await timeEnqueued(step ?? run!, finish, seconds)
      : step
        ? await timeSteps(step, seconds)
        : timeCalls(run!, seconds);
    await verify?.();
    return samples;
  };

  const finish = (): number => {
    const prepared = current;
    current = undefined;
    return prepared?.dispose() ?? 0;
  };

  const answer = async (request: Request): Promise<Answer> => {
    switch (request.ask) {
      case "start":
        return contestant.start(request);
      case "prepare": {
        const prepared = await contestant.prepare(request);
        if ("missing" in prepared) return prepared;
        current = prepared;
        try {
          await warmUp(prepared);
          const samples = await measure(prepared, request.seconds);
          const { checksum, bytes, parameters, substituted = [] } = prepared;
          return { checksum, bytes, parameters, substituted: [...substituted], samples };
        } catch (error) {
          finish();
          throw error;
        }
      }
      case "measure":
        return { samples: await measure(current!, request.seconds) };
      case "meter":
        return { figures: await metered(current!) };
      case "finish":
        return { leaked: finish() };
      case "profile":
        return { profile: await contestant.profile!(caseNamed(request.name), request.steps) };
    }
  };

  listen((request, reply) => {
    answer(request)
      .catch((error: Error): Answer => ({ failed: error.stack ?? String(error) }))
      .then(reply);
  });
}

/** Calls of a step before it is measured: what an engine does at the first ones is no part of training. */
const warmUpSteps = 4;

/** A step that takes longer is measured as it comes. */
const slowSeconds = 3;

async function warmUp({ step }: Prepared): Promise<void> {
  for (let i = 0; step !== undefined && i < warmUpSteps; i++) {
    const start = performance.now();
    await step();
    if (performance.now() - start > 1000 * slowSeconds) return;
  }
}

function listen(heard: (request: Request, reply: (answer: Answer) => void) => void): void {
  if (typeof process !== "undefined" && process.send) {
    process.on("message", (request: Request) => heard(request, (answer) => process.send!(answer)));
  } else {
    globalThis.addEventListener("message", ({ data }) => heard(data, (answer) => postMessage(answer)));
  }
}
