"""Measures the kernels alone: each algorithm, and TensorFlow's kernel where that is installed.

    python -m benchmarks.kernels [--batch 50 128] [--only conv2] [--repeats 30] [--threads 0]
    .venv-parity/bin/python -m benchmarks.kernels        beside TensorFlow, in the same process

Each line is one kernel on one shape: milliseconds for each way to compute it, the rate of the one
that is chosen (billions of multiplications and additions in a second, GF/s, counted as the
definition has them; for pools and functions billions of bytes read and written, GB/s), and how long
the chosen and the fastest take by TensorFlow's time. The ways take turns, so that a disturbance of
the machine does not fall on one of them; of each the fastest call counts, or with --median the
median one.

The chosen way is marked with an asterisk; `why` of `minitf.kernels.conv` and `gemm` has the
reasons, which --why prints. The first lines say what the first call of each kernel took: a
compilation, unless the code was on disk.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minitf.kernels import (
    conv,
    direct,
    fused,
    gemm,
    im2col,
    packed_product,
    pointwise,
    pool,
    pool2x2,
    vector_math,
    winograd,
)
from minitf.kernels.parallel import get_num_threads, set_num_threads

TENSORFLOW = "TensorFlow"
PASSES = (conv.FORWARD, conv.FILTER_GRADIENT, conv.INPUT_GRADIENT)
FUNCTIONS = ("conv2d", "conv2d_backprop_filter", "conv2d_backprop_input")


class Measured(NamedTuple):
    """A kernel, and the ways to compute it.

    Attributes:
      name: what it is.
      ways: calls by name; "TensorFlow" among them if that is there.
      chosen: the name of the way that minitf takes.
      amount: how many operations, or bytes, it is.
      unit: what a billion of these in a second is called.
      reason: why that way is chosen.
    """

    name: str
    ways: dict[str, Callable[[], object]]
    chosen: str
    amount: float
    unit: str
    reason: str = ""


class Layer(NamedTuple):
    """A convolution of square images, padded on all sides."""

    name: str
    size: int
    channels: int
    out_channels: int
    window: int
    stride: int = 1

    @property
    def pad(self) -> int:
        return self.window // 2

    @property
    def out_size(self) -> int:
        return (self.size + 2 * self.pad - self.window) // self.stride + 1


LAYERS = (
    Layer("conv1", 28, 1, 32, 5),
    Layer("conv2", 14, 32, 64, 5),
    Layer("3x3 of 64", 28, 64, 64, 3),
    Layer("3x3 of 256", 7, 256, 256, 3),
    Layer("3x3 stride 2", 28, 64, 128, 3, 2),
    Layer("1x1", 14, 64, 256, 1),
)


def convolutions(batch: int, tf: Any) -> Iterator[Measured]:
    for layer in LAYERS:
        x = random((batch, layer.size, layer.size, layer.channels))
        w = random((layer.window, layer.window, layer.channels, layer.out_channels))
        g = random((batch, layer.out_size, layer.out_size, layer.out_channels))
        given = {
            "strides": (layer.stride, layer.stride),
            "padding": ((layer.pad, layer.pad), (layer.pad, layer.pad)),
        }
        args = ((x, w), (x, w.shape, g), (x.shape, w, g))
        outputs = (g.shape[:3], g.shape[:3], x.shape[:3])
        out = (np.empty_like(g), np.empty_like(w), np.empty_like(x))
        beside = tensorflow_convolution(tf, layer, x, w, g) if tf else (None, None, None)
        for which, function, these, sizes, result, theirs in zip(
            PASSES, FUNCTIONS, args, outputs, out, beside
        ):
            modules = {"direct": direct, "im2col": im2col}
            if layer.stride == 1 and winograd.suits(w.shape[:2]):
                modules["winograd"] = winograd
            if pointwise.suits(w.shape[:2], **given):
                modules["pointwise"] = pointwise
            ways = {
                name: bind(getattr(module, function), *these, **given, out=result)
                for name, module in modules.items()
            }
            if theirs is not None:
                ways[TENSORFLOW] = theirs
            reason = conv.why(which, "float32", sizes, w.shape, **given)
            amount = 2.0 * g.size * w[..., 0].size
            name = f"{layer.name} {which}"
            yield Measured(name, ways, reason.split(":")[0], amount, "GF/s", reason)


def tensorflow_convolution(
    tf: Any, layer: Layer, x: np.ndarray, w: np.ndarray, g: np.ndarray
) -> Sequence[Callable[[], object]]:
    pad, stride = layer.pad, layer.stride
    attributes = {
        "strides": [1, stride, stride, 1],
        "padding": "EXPLICIT" if pad else "VALID",
        "explicit_paddings": [0, 0, pad, pad, pad, pad, 0, 0] if pad else [],
    }
    raw, tx, tw, tg = tf.raw_ops, tf.constant(x), tf.constant(w), tf.constant(g)
    sizes = {"input_sizes": x.shape}, {"filter_sizes": w.shape}
    return (
        bind(raw.Conv2D, input=tx, filter=tw, **attributes),
        bind(raw.Conv2DBackpropFilter, input=tx, **sizes[1], out_backprop=tg, **attributes),
        bind(raw.Conv2DBackpropInput, **sizes[0], filter=tw, out_backprop=tg, **attributes),
    )


def layers(batch: int, tf: Any) -> Iterator[Measured]:
    """What is fused, beside the same in steps."""
    for layer in LAYERS[:2]:
        x = random((batch, layer.size, layer.size, layer.channels))
        w = random((layer.window, layer.window, layer.channels, layer.out_channels))
        b = random((layer.out_channels,))
        given = {"padding": ((layer.pad, layer.pad), (layer.pad, layer.pad))}
        maxima, which = fused.conv2d_bias_relu_max_pool(x, w, b, **given)
        y, out = conv.conv2d(x, w, **given), (np.empty_like(maxima), np.empty_like(which))
        one_sweep = bind(
            fused.conv2d_bias_relu_max_pool, x, w, b, **given, out=out[0], which=out[1]
        )
        window = {"ksize": (2, 2), "strides": (2, 2)}

        def in_steps(x=x, w=w, b=b, given=given, window=window) -> None:
            pool.max_pool(np.maximum(conv.conv2d(x, w, **given) + b, 0), **window)

        ways: dict[str, Callable[[], object]] = {"fused": one_sweep, "in steps": in_steps}
        if tf:
            tx, tw, tb = tf.constant(x), tf.constant(w), tf.constant(b)

            def theirs(tf=tf, tx=tx, tw=tw, tb=tb) -> None:
                active = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(tx, tw, 1, "SAME"), tb))
                tf.nn.max_pool2d(active, 2, 2, "VALID")

            ways[TENSORFLOW] = theirs
        amount = 2.0 * y.size * w[..., 0].size
        name = f"{layer.name}, bias, relu, pool"
        yield Measured(name, ways, "fused", amount, "GF/s")

        gradients = np.empty_like(y), np.empty_like(w), np.empty_like(b)
        back = bind(
            fused.conv2d_backprop_filter_through_pool, x, w.shape, maxima, which, y.shape[1:3],
            **given, out=gradients[1], bias_out=gradients[2],
        )  # fmt: skip
        yield Measured(
            f"{layer.name} filter through pool", {"fused": back}, "fused", amount, "GF/s"
        )
        back = bind(
            pool2x2.bias_relu_max_pool_2x2_grad, maxima, which, y.shape,
            out=gradients[0], bias_out=gradients[2],
        )  # fmt: skip
        moved = y.nbytes + maxima.nbytes + which.nbytes
        name = f"{layer.name} pool, relu, bias back"
        yield Measured(name, {"fused": back}, "fused", float(moved), "GB/s")


def pools(batch: int, tf: Any) -> Iterator[Measured]:
    for name, size, channels in (("pool1", 28, 32), ("pool2", 14, 64)):
        x = random((batch, size, size, channels))
        given = {"ksize": (2, 2), "strides": (2, 2)}
        maxima, which = pool2x2.max_pool_2x2(x)
        g, out, gradient = random(maxima.shape), np.empty_like(maxima), np.empty_like(x)
        attributes = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}
        forward = {
            "pool": bind(pool.max_pool, x, **given),
            "known places": bind(pool2x2.max_pool_2x2, x, out=out, which=which.copy()),
        }
        back = {
            "pool": bind(pool.max_pool_grad, x, maxima, g, **given),
            "known places": bind(pool2x2.max_pool_2x2_grad, g, which, x.shape, out=gradient),
        }
        if tf:
            tx, ty, tg = tf.constant(x), tf.constant(maxima), tf.constant(g)
            forward[TENSORFLOW] = bind(tf.raw_ops.MaxPool, input=tx, **attributes)
            back[TENSORFLOW] = bind(
                tf.raw_ops.MaxPoolGrad, orig_input=tx, orig_output=ty, grad=tg, **attributes
            )
        moved = float(x.nbytes + g.nbytes)
        yield Measured(f"{name} maximum", forward, "pool", moved, "GB/s")
        yield Measured(f"{name} maximum gradient", back, "pool", moved + x.nbytes, "GB/s")
        average = {"pool": bind(pool.avg_pool, x, **given)}
        yield Measured(f"{name} average", average, "pool", moved, "GB/s")
        average = {"pool": bind(pool.avg_pool_grad, x.shape, g, **given)}
        yield Measured(f"{name} average gradient", average, "pool", moved, "GB/s")


def products(batch: int, tf: Any) -> Iterator[Measured]:
    x, w, g = random((batch, 3136)), random((3136, 1024)), random((batch, 1024))
    cases = (
        ("dense1 forward", x, w, (False, False)),
        ("dense1 weight gradient", x, g, (True, False)),
        ("dense1 input gradient", g, w, (False, True)),
    )
    for name, a, b, (ta, tb) in cases:
        shape = a.shape[1 if ta else 0], a.shape[0 if ta else 1], b.shape[0 if tb else 1]
        out, flags = np.empty((shape[0], shape[2]), a.dtype), {"transpose_a": ta, "transpose_b": tb}
        ways: dict[str, Callable[[], object]] = {
            "microkernel": bind(packed_product.multiply, a, b, out, **flags),
            "BLAS": bind(on_blas, a, b, out=out, **flags),
        }
        if tf:
            given = {"a": tf.constant(a), "b": tf.constant(b)}
            ways[TENSORFLOW] = bind(tf.raw_ops.MatMul, **given, **flags)
        reason = gemm.why("float32", shape)
        amount = 2.0 * shape[0] * shape[1] * shape[2]
        yield Measured(name, ways, reason.split(":")[0], amount, "GF/s", reason)


def functions(batch: int, tf: Any) -> Iterator[Measured]:
    """Functions of large arrays: a million numbers at batch 50."""
    for name in ("exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus", "erf"):
        function, x = getattr(vector_math, name), random((20_000 * batch,))
        x = np.abs(x) if name.startswith("log") else x
        out = np.empty_like(x)
        ways: dict[str, Callable[[], object]] = {"vectors": bind(function, x, out=out)}
        if name != "erf":  # numpy has none
            ways["numpy"] = bind(function.__wrapped__, x)
        if tf:
            ways[TENSORFLOW] = bind(getattr(tf.math, name), tf.constant(x))
        yield Measured(f"{name} of {x.size:,}", ways, "vectors", 2.0 * x.nbytes, "GB/s")


def on_blas(a: np.ndarray, b: np.ndarray, **given: Any) -> None:
    """The product by BLAS, whoever would be chosen."""
    large, gemm._LARGE = gemm._LARGE, 1 << 62
    try:
        gemm.matmul(a, b, **given)
    finally:
        gemm._LARGE = large


def bind(function: Callable[..., object], *args: Any, **given: Any) -> Callable[[], object]:
    return lambda: function(*args, **given)


def random(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def everything(batch: int, tf: Any, only: str) -> list[Measured]:
    families = (convolutions, layers, pools, products, functions)
    return [
        measured
        for family in families
        for measured in family(batch, tf)
        if re.search(only, measured.name)
    ]


def tensorflow() -> Any:
    """TensorFlow, or None where it is not installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow
    except ImportError:
        return None
    return tensorflow


def line(measured: Measured, times: dict[str, float]) -> str:
    """One line of the table; times in seconds."""
    shown = [
        f"{way}{'*' if way == measured.chosen else ''} {times[way] * 1e3:.2f}" for way in times
    ]
    chosen = times[measured.chosen]
    rate = measured.amount / chosen / 1e9
    ratios = ""
    if TENSORFLOW in times:
        ours = min(spent for way, spent in times.items() if way != TENSORFLOW)
        theirs = times[TENSORFLOW]
        ratios = f"  {chosen / theirs:.2f} of TensorFlow's time, {ours / theirs:.2f} the fastest"
    return f"  {measured.name:28} {'  '.join(shown):64} {rate:5.0f} {measured.unit}{ratios}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[50, 128], help="images at once")
    parser.add_argument("--repeats", type=int, default=30, help="calls of each")
    parser.add_argument("--threads", type=int, default=0, help="0 for as many as there are cores")
    parser.add_argument("--only", default="", help="a pattern for the names of kernels")
    parser.add_argument("--median", action="store_true", help="medians instead of the fastest")
    parser.add_argument("--why", action="store_true", help="say why each way was chosen")
    args = parser.parse_args()
    set_num_threads(args.threads)
    tf = tensorflow()
    summarize = np.median if args.median else np.min

    for measured in everything(1, None, args.only):
        first = {way: seconds(call) for way, call in measured.ways.items()}
        if max(first.values()) > 0.1:
            shown = "  ".join(f"{way} {spent:.2f} s" for way, spent in first.items())
            print(f"first call  {measured.name:28} {shown}")
    kind = "medians" if args.median else "fastest"
    print(f"\n{kind} of {args.repeats} calls, {get_num_threads()} threads, float32, milliseconds")
    for batch in args.batch:
        print(f"\nbatch {batch}; {conv.mode()} algorithms for convolutions")
        for measured in everything(batch, tf, args.only):
            times: dict[str, list[float]] = {way: [] for way in measured.ways}
            for _ in range(args.repeats):
                for way, call in measured.ways.items():
                    times[way].append(seconds(call))
            print(line(measured, {way: float(summarize(t)) for way, t in times.items()}))
            if args.why and measured.reason:
                print(f"      {measured.reason}")


if __name__ == "__main__":
    main()
