declare module "benchmark/benchmark.js" {
  import Benchmark from "benchmark";
  export default Benchmark;
}
