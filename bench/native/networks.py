"""The benchmark's training steps in PyTorch, layer by layer as the other contestants have them."""

import torch
import torch.nn.functional as F
from torch import nn

ADAM = {"lr": 2e-4, "betas": (0.5, 0.99)}


class Lambda(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


class TransposedByGradient(torch.autograd.Function):
    """A transposed convolution as the gradient of a convolution by its input."""

    @staticmethod
    def forward(context, x, weight, stride, padding):
        context.save_for_backward(x, weight)
        context.geometry = stride, padding
        n, _, height, width = x.shape
        shape = (n, weight.shape[1], height * stride, width * stride)
        picture = torch.empty(shape).contiguous(memory_format=torch.channels_last)
        return convolution_backward(x, picture, weight, stride, padding, [True, False, False])[0]

    @staticmethod
    def backward(context, dy):
        x, weight = context.saved_tensors
        stride, padding = context.geometry
        dy = dy.contiguous(memory_format=torch.channels_last)
        dx = F.conv2d(dy, weight, stride=stride, padding=padding) if context.needs_input_grad[0] else None
        dw = convolution_backward(x, dy, weight, stride, padding, [False, True, False])[1]
        return dx, dw, None, None


def convolution_backward(dy, x, weight, stride, padding, mask):
    return torch.ops.aten.convolution_backward(
        dy, x, weight, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, mask
    )


class FastConvTranspose2d(nn.ConvTranspose2d):
    def forward(self, x):
        y = TransposedByGradient.apply(x, self.weight, self.stride[0], self.padding[0])
        return y if self.bias is None else y + self.bias.view(-1, 1, 1)


# Before version 2 its own runs outside of oneDNN: ten times slower where there is no MKL.
OLD = int(torch.__version__.split(".")[0]) < 2
ConvTranspose2d = FastConvTranspose2d if OLD else nn.ConvTranspose2d
SUBSTITUTED = ["transposed convolutions by the gradient of convolutions"] if OLD else []


def leaky():
    return nn.LeakyReLU(0.2)


def perceptron(widths):
    layers = []
    for i, outputs in enumerate(widths[1:]):
        layers.append(nn.Linear(widths[i], outputs))
        if i < len(widths) - 2:
            layers.append(leaky())
    return nn.Sequential(*layers)


def mlp(shape):
    latent, hidden, pixels = shape["latent"], shape["hidden"], shape["pixels"]
    return (
        nn.Sequential(perceptron([latent, *hidden, pixels]), nn.Tanh()),
        perceptron([pixels, *hidden[::-1], 1]),
    )


def dcgan(shape):
    latent, widths = shape["latent"], shape["widths"]
    generator = [
        nn.Linear(latent, 16 * widths[0], bias=False),
        Lambda(lambda z: z.view(-1, widths[0], 4, 4).contiguous(memory_format=torch.channels_last)),
    ]
    for i, width in enumerate(widths):
        last = i == len(widths) - 1
        outputs = 3 if last else widths[i + 1]
        generator += [
            nn.BatchNorm2d(width, track_running_stats=False),
            nn.ReLU(),
            ConvTranspose2d(width, outputs, 4, 2, 1, bias=last),
        ]
    discriminator = []
    for i, width in enumerate(widths[::-1]):
        inputs = 3 if i == 0 else widths[::-1][i - 1]
        discriminator.append(nn.Conv2d(inputs, width, 4, 2, 1, bias=i == 0))
        if i > 0:
            discriminator.append(nn.BatchNorm2d(width, track_running_stats=False))
        discriminator.append(leaky())
    discriminator += [nn.Flatten(), nn.Linear(16 * widths[0], 1)]
    return nn.Sequential(*generator, nn.Tanh()), nn.Sequential(*discriminator)


class Residual(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.inner = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.inner(x)


def pointwise(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 1, bias=False)


def block(width, group_width):
    wide = 2 * width
    return Residual(
        nn.Conv2d(width, wide, 1),
        leaky(),
        nn.Conv2d(wide, wide, 3, padding=1, groups=wide // group_width),
        leaky(),
        pointwise(wide, width),
    )


def dense_block(width):
    return Residual(nn.Conv2d(width, width, 3, padding=1), leaky())


def residual(shape):
    latent, group_width = shape["latent"], shape["groupWidth"]
    w8, w16, w32 = shape["widths"]
    double = lambda: nn.Upsample(scale_factor=2, mode="nearest")
    generator = nn.Sequential(
        nn.Linear(latent, 16 * w8),
        Lambda(lambda z: z.view(-1, w8, 4, 4).contiguous(memory_format=torch.channels_last)),
        *[double(), dense_block(w8), block(w8, group_width)],
        *[pointwise(w8, w16), double(), block(w16, group_width)],
        *[pointwise(w16, w32), double(), block(w32, group_width)],
        nn.Conv2d(w32, 3, 3, padding=1),
    )
    discriminator = nn.Sequential(
        *[nn.Conv2d(3, w32, 3, padding=1), leaky(), block(w32, group_width)],
        *[nn.AvgPool2d(2), pointwise(w32, w16), block(w16, group_width)],
        *[nn.AvgPool2d(2), pointwise(w16, w8), block(w8, group_width)],
        *[dense_block(w8), nn.AvgPool2d(2)],
        *[nn.Flatten(), nn.Linear(16 * w8, 1)],
    )
    return generator, discriminator


def softplus_mean(x):
    return F.softplus(x).mean()


class Step:
    """Both players' losses, gradients and Adam on a fresh batch of bytes."""

    def __init__(self, shape):
        self.shape = shape
        kind = shape["network"]
        made = {"mlp": mlp, "dcgan": dcgan, "residual": residual}[kind](shape)
        self.generator, self.discriminator = (m.to(memory_format=torch.channels_last) for m in made)
        self.optimizers = [torch.optim.Adam(m.parameters(), **ADAM) for m in (self.generator, self.discriminator)]
        self.substituted = SUBSTITUTED if kind == "dcgan" else []
        self.relativistic = kind == "residual"
        size = shape.get("resolution", 32)
        batch = shape["batch"]
        self.picture = [batch, shape["pixels"]] if kind == "mlp" else [batch, size, size, 3]
        length = 1
        for n in self.picture:
            length *= n
        self.bytes = (torch.arange(length) * 37 % 256).to(torch.uint8)

    def parameters(self):
        return [sum(p.numel() for p in m.parameters()) for m in (self.generator, self.discriminator)]

    def real(self):
        x = self.bytes.view(self.picture).to(torch.float32) / 127.5 - 1
        return x.permute(0, 3, 1, 2) if x.dim() == 4 else x

    def fake(self):
        return self.generator(torch.randn(self.shape["batch"], self.shape["latent"]))

    def turn(self, player, loss):
        optimizer = self.optimizers[0 if player is self.generator else 1]
        optimizer.zero_grad(set_to_none=True)
        gradients = torch.autograd.grad(loss, list(player.parameters()))
        for parameter, gradient in zip(player.parameters(), gradients):
            parameter.grad = gradient
        optimizer.step()
        return float(loss)

    def run(self):
        generator, discriminator = self.generator, self.discriminator
        real = self.real()
        with torch.no_grad():
            fake = self.fake()
        if not self.relativistic:
            loss = softplus_mean(-discriminator(real)) + softplus_mean(discriminator(fake))
            first = self.turn(discriminator, loss)
            return [first, self.turn(generator, softplus_mean(-discriminator(self.fake())))]
        pictures = torch.cat([real, fake]).requires_grad_()
        logits = discriminator(pictures)
        (slopes,) = torch.autograd.grad(logits.sum(), pictures, create_graph=True)
        batch = self.shape["batch"]
        penalty = slopes.square().sum() * (self.shape["gamma"] / 2 / batch)
        first = self.turn(discriminator, softplus_mean(logits[batch:] - logits[:batch]) + penalty)
        with torch.no_grad():
            of_real = discriminator(real)
        return [first, self.turn(generator, softplus_mean(of_real - discriminator(self.fake())))]
