import "@tensorflow/tfjs-backend-cpu";
import { serveTfjs } from "./tfjs.ts";

serveTfjs("cpu");
