"""The work of each case for PyTorch, as its users write it.

Where the order of an image's axes in memory matters, both are tried and the faster one is taken.
Cases of graphs and sessions have nothing to be compared with here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks import networks
from benchmarks.catalogue import ConvShape, PoolShape
from benchmarks.graph_work import COPIES
from benchmarks.work import Work, random

# ---- models


def cnn_train(torch: Any, batch: int) -> Work:
    steps = [networks.torch_training(torch, batch, layout) for layout in layouts(torch)]
    return Work(fastest(steps))


def inference(torch: Any, batch: int) -> Work:
    images = networks.digits(batch)[0]

    def run_with(layout: Any) -> Callable[[], Any]:
        net = networks.torch_cnn(torch).eval().to(memory_format=layout)

        def run() -> None:
            with torch.inference_mode():
                x = torch.from_numpy(images).view(-1, 1, 28, 28).to(memory_format=layout)
                net(x).numpy()

        return run

    return Work(fastest([run_with(layout) for layout in layouts(torch)]))


def softmax_train(torch: Any, batch: int) -> Work:
    net = torch.nn.Linear(784, 10)
    descent = torch.optim.SGD(net.parameters(), 0.5, fused=True)
    images, labels = networks.digits(batch)

    def step() -> None:
        descent.zero_grad()
        logits = net(torch.from_numpy(images))
        torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels)).backward()
        descent.step()

    return Work(step)


# ---- elementwise


def chain(torch: Any, size: int, ops: int) -> Work:
    x = torch.from_numpy(random(0, size))

    def run() -> float:
        with torch.inference_mode():
            y = x
            for _ in range(ops // 2):
                y = torch.tanh(y) * 1.01
            return float(y[0])

    return Work(run, per=ops)


def expression(torch: Any, size: int) -> Work:
    a = torch.from_numpy(random(0, size))

    def run() -> float:
        with torch.inference_mode():
            return float((torch.sigmoid(a * 2.0 + 1.0) * a - torch.square(a)).sum())

    return Work(run)


# ---- kernels


def convolution(torch: Any, which: str, shape: ConvShape) -> Work:
    s = shape

    def make(seed: int, layout: Any) -> Callable[[], Any]:
        x = images(torch, layout, seed, s.batch, s.height, s.width, s.channels)
        w = random(seed + 1, s.kernel, s.kernel, s.channels, s.out_channels)
        w = torch.from_numpy(w.transpose(3, 2, 0, 1).copy()).contiguous(memory_format=layout)
        g = images(torch, layout, seed + 2, s.batch, s.out_height, s.out_width, s.out_channels)
        strides, pads = [s.stride] * 2, [s.kernel // 2] * 2
        if which == "forward":
            return lambda: torch.conv2d(x, w, None, strides, pads)
        wanted = [which == "input", which == "filter", False]
        place = wanted.index(True)
        backward = torch.ops.aten.convolution_backward
        rest = (None, strides, pads, [1, 1], False, [0, 0], 1, wanted)
        return lambda: backward(g, x, w, *rest)[place]

    return in_turn(torch, make)


def dense(torch: Any, which: str, batch: int) -> Work:
    def make(seed: int, layout: Any) -> Callable[[], Any]:
        x, w = random(seed, batch, 3136), random(seed + 1, 3136, 1024)
        x, w, g = map(torch.from_numpy, (x, w, random(seed + 2, batch, 1024)))
        a, b = {"forward": (x, w), "filter": (x.T, g), "input": (g, w.T)}[which]
        return lambda: torch.matmul(a, b)

    return in_turn(torch, make, layouts(torch)[:1])


def pool(torch: Any, shape: PoolShape) -> Work:
    def make(seed: int, layout: Any) -> Callable[[], Any]:
        x = images(torch, layout, seed, shape.batch, shape.size, shape.size, shape.channels)
        return lambda: pooled(torch, shape, x)

    return in_turn(torch, make)


def pool_both(torch: Any, shape: PoolShape) -> Work:
    half = shape.size // 2

    def make(seed: int, layout: Any) -> Callable[[], Any]:
        x = images(torch, layout, seed, shape.batch, shape.size, shape.size, shape.channels)
        g = images(torch, layout, seed + 1, shape.batch, half, half, shape.channels)
        x.requires_grad = True

        def both() -> Any:
            y = pooled(torch, shape, x)
            with torch.no_grad():
                return corner(y) + corner(torch.autograd.grad(y, x, g)[0])

        return both

    return in_turn(torch, make, with_gradient=True)


def pooled(torch: Any, shape: PoolShape, x: Any) -> Any:
    functional = torch.nn.functional
    return (functional.max_pool2d if shape.kind == "max" else functional.avg_pool2d)(x, 2)


def in_turn(
    torch: Any,
    make: Callable[[int, Any], Callable[[], Any]],
    tried: list[Any] | None = None,
    with_gradient: bool = False,
) -> Work:
    """Runs what `make` makes several times in one call, on arrays of their own."""

    def run_with(layout: Any) -> Callable[[], float]:
        kernels = [make(10 * copy, layout) for copy in range(COPIES)]

        def run() -> float:
            with torch.set_grad_enabled(with_gradient):
                return sum(float(corner(kernel())) for kernel in kernels)

        return run

    return Work(fastest([run_with(layout) for layout in tried or layouts(torch)]), per=COPIES)


def corner(tensor: Any) -> Any:
    """The first number of a tensor, without its sign: a sum of such cannot come near zero."""
    return abs(tensor[(0,) * tensor.dim()])


def images(torch: Any, layout: Any, seed: int, *shape: int) -> Any:
    """Random images of shape [batch, height, width, channels], with channels second for torch."""
    array = random(seed, *shape).transpose(0, 3, 1, 2).copy()
    return torch.from_numpy(array).contiguous(memory_format=layout)


def layouts(torch: Any) -> list[Any]:
    return [torch.contiguous_format, torch.channels_last]


def fastest(calls: list[Callable[[], Any]]) -> Callable[[], Any]:
    """The call that takes the least time, of a few tries each."""
    if len(calls) == 1:
        return calls[0]

    def seconds(call: Callable[[], Any]) -> float:
        times: list[float] = []
        while len(times) < 6 and sum(times) < 1.0:
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
        return min(times)

    return min(calls, key=seconds)
