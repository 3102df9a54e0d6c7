import { serve } from "./serve.ts";
import { tfjs } from "./tfjs.ts";
import { tfjsContestant } from "./tfjs-contestant.ts";
import { startWasm } from "./tfjs-wasm-start.ts";

serve(tfjsContestant({ ...tfjs, backend: "wasm", start: startWasm }));
