// The faces demo on the command line, `npm run demo:faces -- --help`: `ganvil train`, on faces drawn here where no
// photographs are given.
import { run } from "ganvil/cli";
import { drawnFaces } from "./dicebear-faces.ts";
import { rasterise } from "./rasterise-node.ts";

const asked = process.argv.slice(2);
const drawn = !asked.some((flag) => /^--data(=|$)/.test(flag));

process.exitCode = await run(
  ["train", "--out", "runs/faces", ...(drawn ? ["--augment", "none"] : []), ...asked],
  { pictures: (request) => drawnFaces({ ...request, rasterise }) },
);
