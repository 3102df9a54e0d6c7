import "@tensorflow/tfjs-backend-cpu";
import { version_cpu } from "@tensorflow/tfjs-backend-cpu";
import { serve } from "./serve.ts";
import { tfjs, useBackend } from "./tfjs.ts";

serve({
  ...tfjs,
  name: "tfjs-cpu",
  backend: "cpu",
  start: async () => {
    await useBackend("cpu");
    return `tfjs-backend-cpu ${version_cpu} (plain JavaScript)`;
  },
});
