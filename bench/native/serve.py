"""PyTorch as a contestant of the benchmark: a request and an answer are a line of JSON each."""

import json
import math
import os
import sys
import time
import traceback

import torch

from kernels import checksum, make_call, tensor_of
from networks import Step

# As in rivals/serve.ts.
WARM_UP_STEPS = 4
SLOW_SECONDS = 3


def start(request):
    threads = request.get("threads") or 1
    torch.set_num_threads(threads)
    isa = os.environ.get("ONEDNN_MAX_CPU_ISA")
    vectors = f"vectors held to {isa}" if isa else f"its own choice of vectors ({capability()})"
    counted = "one thread" if threads == 1 else f"{threads} threads"
    blas = "MKL" if torch.backends.mkl.is_available() else "a generic BLAS, slow matrix products"
    return {"says": f"PyTorch {torch.__version__} (native, oneDNN, {vectors}, {blas}, {counted})"}


def capability():
    flags = ("avx512f", "avx2")
    try:
        with open("/proc/cpuinfo") as file:
            known = file.read().split()
        return next((flag.rstrip("f") for flag in flags if flag in known), "no AVX2")
    except OSError:
        return "unknown"


class Prepared:
    def __init__(self, request):
        self.call = None
        self.missing = None
        self.answer = {"substituted": []}
        call = request["call"]
        if call["op"] == "step":
            step = Step(call["shape"])
            losses = step.run()
            if not all(map(math.isfinite, losses)):
                raise ValueError(f"the step's losses are {losses}")
            self.answer["parameters"] = step.parameters()
            self.answer["substituted"] = step.substituted
            self.run, self.grad = step.run, True
            warm_up(step.run)
            return
        inputs = [tensor_of(spec, seed) for seed, spec in enumerate(request["inputs"])]
        made = make_call(call, inputs)
        if made is None:
            self.missing = "no such function"
            return
        self.run, self.grad = made.run, made.grad
        with torch.set_grad_enabled(self.grad):
            results = made.in_order(made.run())
        self.answer["checksum"] = checksum(results)
        self.answer["bytes"] = 4 * sum(x.numel() for x in [*inputs, *results])

    def measure(self, seconds):
        """Seconds a call, ten samples of a tenth of the time each, at least one."""
        with torch.set_grad_enabled(self.grad):
            begun = time.perf_counter()
            self.run()
            # The first call after a pause finds cold caches: it only says how many make a sample.
            once = max(time.perf_counter() - begun, 1e-7)
            count = max(1, round(seconds / 10 / once))
            samples = []
            end = begun + seconds
            while not samples or time.perf_counter() < end:
                begun = time.perf_counter()
                for _ in range(count):
                    self.run()
                samples.append((time.perf_counter() - begun) / count)
        return samples


def warm_up(run):
    """Calls a step before it is measured, as the contestants in JavaScript do."""
    for _ in range(WARM_UP_STEPS):
        begun = time.perf_counter()
        run()
        if time.perf_counter() - begun > SLOW_SECONDS:
            return


def main():
    current = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            ask = request["ask"]
            if ask == "start":
                answer = start(request)
            elif ask == "prepare":
                current = Prepared(request)
                if current.missing:
                    answer = {"missing": current.missing}
                else:
                    answer = {**current.answer, "samples": current.measure(request["seconds"])}
            elif ask == "measure":
                answer = {"samples": current.measure(request["seconds"])}
            elif ask == "finish":
                current = None
                answer = {"leaked": 0}
            else:
                answer = {"failed": f"no such request: {ask}"}
        except Exception:
            answer = {"failed": traceback.format_exc(limit=2)}
        print(json.dumps(answer), flush=True)


main()
