import { serve } from "./serve.ts";
import { substituted, substituteSlowAndMissing } from "./substitutes.ts";
import { tfjs } from "./tfjs.ts";
import { tfjsContestant } from "./tfjs-contestant.ts";
import { startWasm } from "./tfjs-wasm-start.ts";

serve(
  tfjsContestant({
    ...tfjs,
    backend: "wasm",
    substituted,
    start: async (options) => {
      const { says } = await startWasm(options);
      substituteSlowAndMissing();
      return { says: `${says}, its convolutions' gradients by this benchmark` };
    },
  }),
);
