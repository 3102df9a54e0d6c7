import { beforeAll, describe, expect, it } from "vitest";
import { useBuild } from "../builds.ts";
import { checkNoLeak } from "../ops/check.ts";
import type { Answers } from "./answers.ts";
import { ask } from "./ask.ts";
import { evaluate } from "./evaluate.ts";
import { judge } from "./judge.ts";
import { networks } from "./networks.ts";
import { own } from "./own.ts";

let reference: { readonly [network: string]: Answers };

beforeAll(async () => {
  await useBuild();
  reference = (await ask("float64")) as unknown as typeof reference;
});

describe("the penalty ‖∇ₓD(x)‖²", () => {
  it("is checked on at least 70 networks of distinct names", () => {
    expect(new Set(networks.map(({ name }) => name)).size).toBe(networks.length);
    expect(networks.length).toBeGreaterThanOrEqual(70);
  });

  it("is called wrong where one weight's is off by a thousandth, or is no number", () => {
    const [network] = networks;
    const expected = reference[network.name];
    for (const change of [(value: number) => value * 1.001, () => Number.NaN]) {
      const second = expected.second.map((list, i) => (i === 1 ? list.map(change) : list));
      expect(judge({ ...expected, second }, expected).second.mark).toBe("wrong");
    }
    expect(judge(expected, expected).second).toEqual({ mark: "right", error: 0 });
  });

  for (const network of networks) {
    it(`of "${network.name}" has the weight gradient of float64 differences, and leaks nothing`, () =>
      checkNoLeak(async () => {
        const verdicts = judge(evaluate(network, own), reference[network.name]);
        for (const [level, { mark, error, failed }] of Object.entries(verdicts)) {
          expect(mark, `${level}: ${failed ?? `error ${error}`}`).toBe("right");
        }
      }));
  }
});
