import { init } from "../../../src/init.ts";
import { evaluate } from "../evaluate.ts";
import { own } from "../own.ts";
import { serve } from "./serve.ts";

serve(
  async () => {
    await init({ device: "wasm" });
  },
  (network) => evaluate(network, own),
);
