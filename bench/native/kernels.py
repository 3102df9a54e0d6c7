"""The benchmark's calls in PyTorch's terms. Pictures lie channels last, as PyTorch is fastest and as ours do."""

import numpy as np
import torch
import torch.nn.functional as F

CHANNELS_LAST = torch.channels_last


def input_values(spec, seed):
    """The same values as the other contestants': a linear congruential sequence, as float32 in a range."""
    if spec.get("values") is not None:
        return np.array(spec["values"], dtype=np.float32)
    low, high = spec.get("range", [-1, 1])
    length = int(np.prod(spec["shape"]))
    # state[i] = a^(i+1)·state[0] + c·(a^i + ... + 1), all modulo 2^32.
    powers = np.cumprod(np.full(length, 1664525, dtype=np.uint32), dtype=np.uint32)
    sums = np.cumsum(np.concatenate([[1], powers[:-1]]).astype(np.uint32), dtype=np.uint32)
    states = powers * np.uint32(seed + 1) + sums * np.uint32(1013904223)
    return (low + (high - low) * states.astype(np.float64) / 2**32).astype(np.float32)


def tensor_of(spec, seed):
    return torch.from_numpy(input_values(spec, seed)).reshape(spec["shape"])


def picture(x):
    """[N, H, W, C] as [N, C, H, W] over the same memory."""
    return x.permute(0, 3, 1, 2).contiguous(memory_format=CHANNELS_LAST)


def filter_of(x):
    """[H, W, I, O] as [O, I, H, W], channels last in memory."""
    return x.permute(3, 2, 0, 1).contiguous(memory_format=CHANNELS_LAST)


def checksum(results):
    total = 0.0
    for result in results:
        values = np.abs(result.detach().contiguous().numpy().astype(np.float64)).reshape(-1)
        total += float(np.sum(values * (1 + np.arange(values.size) % 7)))
    return total


class Call:
    """`run()` gives results; `in_order` turns them to the order of axes that all contestants share."""

    def __init__(self, run, in_order=lambda results: results, grad=False):
        self.run = run
        self.in_order = in_order
        self.grad = grad


def make_call(call, inputs):
    """The call, or None where there is no such function."""
    op = call["op"]
    if op == "matMul":
        a, b = inputs
        a = a.t() if call["transposeA"] else a
        b = b.t() if call["transposeB"] else b
        return Call(lambda: [a @ b])
    if op == "conv2d":
        return convolution(call["conv"], call["direction"], inputs)
    if op == "function":
        return pointwise(call["name"], call["backward"], inputs)
    if op == "adam":
        return adam(inputs)
    return None


def convolution(conv, direction, inputs):
    rows, columns = (pads(conv, axis) for axis in (0, 1))
    if rows[0] != rows[1] or columns[0] != columns[1]:
        return None
    stride, groups, padding = conv["stride"], conv["groups"], [rows[0], columns[0]]
    if direction == "forward":
        x, w = picture(inputs[0]), filter_of(inputs[1])
        return Call(
            lambda: [F.conv2d(x, w, stride=stride, padding=padding, groups=groups)],
            lambda ys: [y.permute(0, 2, 3, 1) for y in ys],
        )
    high, wide, depth, outputs = conv["filter"]
    empty = lambda *shape: torch.empty(shape).contiguous(memory_format=CHANNELS_LAST)
    backward = lambda dy, x, w, mask: torch.ops.aten.convolution_backward(
        dy, x, w, None, stride, padding, [1, 1], False, [0, 0], groups, mask
    )
    if direction == "input":
        dy, w = picture(inputs[0]), filter_of(inputs[1])
        n, h, wd, c = conv["x"]
        x = empty(n, c, h, wd)
        return Call(
            lambda: [backward(dy, x, w, [True, False, False])[0]],
            lambda ys: [y.permute(0, 2, 3, 1) for y in ys],
        )
    x, dy = picture(inputs[0]), picture(inputs[1])
    w = empty(outputs, depth, high, wide)
    return Call(
        lambda: [backward(dy, x, w, [False, True, False])[1]],
        lambda ys: [y.permute(2, 3, 1, 0) for y in ys],
    )


def pads(conv, axis):
    """Zeros before and after an axis, of TensorFlow's paddings."""
    if conv["pad"] == "valid":
        return 0, 0
    total = (conv["y"][axis + 1] - 1) * conv["stride"][axis] + conv["filter"][axis] - conv["x"][axis + 1]
    return max(0, total) // 2, max(0, total) - max(0, total) // 2


FUNCTIONS = {
    "batchNorm": lambda x, scale, offset: F.batch_norm(x, None, None, scale, offset, training=True, eps=1e-5),
    "leakyRelu": lambda x: F.leaky_relu(x, 0.2),
    "tanh": torch.tanh,
    "add": torch.add,
    "mul": torch.mul,
    "sumRows": lambda x: x.sum((0, 1, 2)),
    "sumChannels": lambda x: x.sum(3),
}


def pointwise(name, backward, inputs):
    # Batch norm is told which axis has the channels; the others see the values as they lie.
    pictures = name == "batchNorm"
    turned = [picture(x) if pictures and x.dim() == 4 else x for x in inputs]
    turn_back = lambda ys: [y.permute(0, 2, 3, 1) if pictures and y.dim() == 4 else y for y in ys]
    f = FUNCTIONS[name]
    if not backward:
        return Call(lambda: [f(*turned)], turn_back)
    *xs, dy = turned
    xs = [x.requires_grad_() for x in xs]
    return Call(lambda: list(torch.autograd.grad(f(*xs), xs, dy)), turn_back, grad=True)


def adam(inputs):
    gradient, start = inputs
    parameter = torch.nn.Parameter(start.clone())
    parameter.grad = gradient
    optimizer = torch.optim.Adam([parameter], lr=1e-3, betas=(0.5, 0.99))

    def run():
        optimizer.step()
        return [parameter]

    return Call(run, grad=True)
