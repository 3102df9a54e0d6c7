import { ganvilContestant } from "./ganvil-contestant.ts";
import { serve } from "./serve.ts";

serve(ganvilContestant("wasm"));
