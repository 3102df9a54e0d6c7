import "@tensorflow/tfjs-backend-cpu";
import { version_cpu } from "@tensorflow/tfjs-backend-cpu";
import { serve } from "./serve.ts";
import { tfjs, useBackend } from "./tfjs.ts";
import { tfjsContestant } from "./tfjs-contestant.ts";

serve(
  tfjsContestant({
    ...tfjs,
    backend: "cpu",
    start: async () => {
      await useBackend("cpu");
      return { says: `tfjs-backend-cpu ${version_cpu} (plain JavaScript, one thread)` };
    },
  }),
);
