"""Records in kernels.npz what TensorFlow's convolutions and pools give, to be tested without it.

    python -m tests.parity.record kernel_cases

needs `tensorflow` (the parity extra). Each case is one geometry; `cases` says which functions of
minitf.kernels it is for, and the file holds, as "<case>/<name>", the arrays that went in and came
out of TensorFlow's op of that name. Convolution cases whose dilation TensorFlow's gradients refuse
on a CPU are recorded without them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow.compat.v1 as tf

from tests.parity.recording import GOLDEN

Case = dict[str, Any]
Arrays = dict[str, np.ndarray]

CONVOLUTIONS: tuple[Case, ...] = (
    {"shape": (2, 5, 6, 3), "filter": (3, 3, 3, 4), "padding": "SAME"},
    {"shape": (2, 5, 6, 3), "filter": (3, 3, 3, 4), "padding": "VALID"},
    {"shape": (2, 7, 6, 5), "filter": (3, 2, 5, 4), "strides": (2, 3), "padding": "SAME"},
    {"shape": (1, 7, 8, 2), "filter": (2, 3, 2, 3), "strides": (2, 2), "padding": "VALID"},
    {"shape": (2, 7, 7, 2), "filter": (3, 3, 2, 3), "dilations": (2, 2), "padding": "SAME"},
    {"shape": (2, 9, 8, 5), "filter": (3, 2, 5, 2), "dilations": (2, 3), "padding": "VALID"},
    {"shape": (2, 4, 5, 2), "filter": (3, 3, 2, 3), "padding": ((2, 0), (1, 3))},
    {"shape": (2, 5, 5, 1), "filter": (1, 1, 1, 3), "strides": (2, 2), "padding": "SAME"},
    {"shape": (1, 6, 6, 2), "filter": (5, 5, 2, 3), "padding": "SAME", "dtype": "float64"},
    {"shape": (1, 6, 6, 2), "filter": (3, 3, 2, 3), "padding": "SAME", "dtype": "float16"},
)

DEPTHWISE: tuple[Case, ...] = (
    {"shape": (2, 5, 6, 3), "filter": (3, 3, 3, 1), "padding": "SAME"},
    {"shape": (2, 7, 6, 3), "filter": (3, 2, 3, 2), "strides": (2, 2), "padding": "VALID"},
    {"shape": (1, 4, 5, 2), "filter": (2, 3, 2, 3), "padding": "SAME", "dtype": "float64"},
)

POOLS: tuple[Case, ...] = (
    {"shape": (2, 6, 6, 3), "ksize": (2, 2), "strides": (2, 2), "padding": "SAME"},
    {"shape": (2, 5, 7, 3), "ksize": (3, 2), "strides": (2, 3), "padding": "SAME"},
    {"shape": (2, 5, 7, 3), "ksize": (3, 3), "strides": (1, 1), "padding": "SAME"},
    {"shape": (2, 5, 7, 3), "ksize": (3, 3), "strides": (1, 2), "padding": "VALID"},
    {"shape": (1, 5, 5, 1), "ksize": (2, 2), "strides": (3, 3), "padding": "SAME"},
    {"shape": (1, 5, 5, 2), "ksize": (3, 2), "strides": (2, 1), "padding": ((2, 1), (0, 1))},
    {"shape": (1, 4, 5, 2), "ksize": (2, 2), "strides": (2, 2), "padding": "SAME", "nan": True},
    {"shape": (1, 4, 5, 2), "ksize": (2, 3), "strides": (1, 1), "padding": "SAME", "nan": True},
    {"shape": (1, 4, 4, 2), "ksize": (2, 2), "strides": (2, 2), "padding": "SAME", "dtype": "f8"},
    {"shape": (1, 4, 4, 2), "ksize": (3, 3), "strides": (2, 2), "padding": "SAME", "dtype": "f2"},
)


def numbers(rng: np.random.RandomState, shape: tuple[int, ...], case: Case) -> np.ndarray:
    """Few different values, so that maxima are often shared; NaN and infinities where asked for."""
    values = rng.randint(-3, 4, shape) if "ksize" in case else rng.standard_normal(shape)
    values = values.astype(case.get("dtype", "float32"))
    if case.get("nan"):
        values[rng.uniform(size=shape) < 0.3] = np.nan
        values[rng.uniform(size=shape) < 0.2] = -np.inf
    return values


def options(case: Case) -> dict[str, Any]:
    padding = case["padding"]
    if padding not in ("SAME", "VALID"):
        padding = [[0, 0], *padding, [0, 0]]
    return {"strides": [1, *case.get("strides", (1, 1)), 1], "padding": padding}


def raw_options(case: Case) -> dict[str, Any]:
    given = options(case)
    if given["padding"] in ("SAME", "VALID"):
        return given
    pads = [size for pair in given["padding"] for size in pair]
    return {**given, "padding": "EXPLICIT", "explicit_paddings": pads}


def run(make: Callable[[], Any]) -> np.ndarray:
    with tf.Graph().as_default(), tf.Session() as session:
        return np.asarray(session.run(make()))


def record_convolution(case: Case, rng: np.random.RandomState, depthwise: bool) -> Arrays:
    x, w = numbers(rng, case["shape"], case), numbers(rng, case["filter"], case)
    dilations = [1, *case.get("dilations", (1, 1)), 1]
    given = {**options(case), "dilations": dilations}
    prefix = "depthwise_conv2d" if depthwise else "conv2d"
    names = tf.nn.depthwise_conv2d_native if depthwise else tf.nn.conv2d
    forward = {**given, "filter": w}
    out = run(lambda: names(x, **forward))
    g = numbers(rng, out.shape, case)
    arrays = {"input": x, "filter": w, "out_backprop": g, prefix: out}
    raw = {**raw_options(case), "dilations": dilations, "out_backprop": g}
    op = "DepthwiseConv2dNative" if depthwise else "Conv2D"
    by_filter = getattr(tf.raw_ops, f"{op}BackpropFilter")
    by_input = getattr(tf.raw_ops, f"{op}BackpropInput")
    try:
        arrays[f"{prefix}_backprop_filter"] = run(
            lambda: by_filter(input=x, filter_sizes=w.shape, **raw)
        )
        arrays[f"{prefix}_backprop_input"] = run(
            lambda: by_input(input_sizes=x.shape, filter=w, **raw)
        )
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
        print(case, "has no gradients:", str(error).splitlines()[0])
    return arrays


def record_pool(case: Case, rng: np.random.RandomState) -> Arrays:
    x = numbers(rng, case["shape"], case)
    given = {**raw_options(case), "ksize": [1, *case["ksize"], 1]}
    out = run(lambda: tf.raw_ops.MaxPool(input=x, **given))
    g, gg = numbers(rng, out.shape, {"ksize": 1}), numbers(rng, x.shape, {"ksize": 1})
    g, gg = g.astype(x.dtype), gg.astype(x.dtype)
    both = {"orig_input": x, "orig_output": out}
    arrays = {"input": x, "grad": g, "grad_grad": gg, "max_pool": out}
    arrays["max_pool_grad"] = run(lambda: tf.raw_ops.MaxPoolGrad(**both, grad=g, **given))
    if given["padding"] != "EXPLICIT":  # which only these two ops have
        arrays["max_pool_grad_grad"] = run(
            lambda: tf.raw_ops.MaxPoolGradGrad(**both, grad=gg, **given)
        )
        arrays["avg_pool"] = run(lambda: tf.raw_ops.AvgPool(value=x, **given))
        arrays["avg_pool_grad"] = run(
            lambda: tf.raw_ops.AvgPoolGrad(orig_input_shape=x.shape, grad=g, **given)
        )
    return arrays


def record() -> Iterator[tuple[Case, Arrays]]:
    rng = np.random.RandomState(0)
    for case in CONVOLUTIONS:
        yield {**case, "family": "conv2d"}, record_convolution(case, rng, depthwise=False)
    for case in DEPTHWISE:
        yield {**case, "family": "depthwise_conv2d"}, record_convolution(case, rng, depthwise=True)
    for case in POOLS:
        yield {**case, "family": "pool"}, record_pool(case, rng)


def main() -> None:
    tf.disable_v2_behavior()
    cases, arrays = [], {}
    for index, (case, results) in enumerate(record()):
        cases.append(case)
        arrays.update({f"{index}/{name}": array for name, array in results.items()})
    np.savez_compressed(
        GOLDEN / "kernels.npz",
        cases=np.array(json.dumps(cases)),
        tensorflow=np.array(tf.__version__),
        **arrays,
    )


if __name__ == "__main__":
    main()
