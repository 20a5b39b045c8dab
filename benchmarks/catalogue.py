"""What is measured: a name, a title, a unit, and which work with which arguments.

The work itself is in graph_work.py and torch_work.py under the name given here; an engine that has
none of that name takes no part in the case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

ENGINES = ("minitf", "tensorflow", "torch")

# What a unit is in seconds, or in bytes, or in things counted.
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "MB": 1e6, "": 1.0}


class Case(NamedTuple):
    """One line of the table.

    Attributes:
      name: as `--only` matches it.
      title: as the table shows it.
      unit: "s", "ms" or "us" for times, "MB" for memory, "" for a count.
      work: the name of the work.
      args: what it is given.
      group: cases of one group stand together.
      quick: whether `--quick` measures it.
      fresh: whether each measurement takes a new process; see fresh.py.
      engines: who takes part, where it has the work.
    """

    name: str
    title: str
    unit: str
    work: str
    args: tuple[object, ...] = ()
    group: str = ""
    quick: bool = False
    fresh: bool = False
    engines: tuple[str, ...] = ENGINES


class ConvShape(NamedTuple):
    """A convolution with SAME padding, which here is equal on both sides."""

    batch: int
    height: int
    width: int
    channels: int
    out_channels: int
    kernel: int
    stride: int = 1

    @property
    def out_height(self) -> int:
        return -(-self.height // self.stride)

    @property
    def out_width(self) -> int:
        return -(-self.width // self.stride)


class PoolShape(NamedTuple):
    """A pool whose windows fit the image."""

    batch: int
    size: int
    channels: int
    kind: str = "max"


def models() -> Iterator[Case]:
    group = "Models, through a session with a feed"
    for batch in (50, 128):
        title = f"CNN training step, batch {batch}"
        yield Case(f"cnn-train-{batch}", title, "ms", "cnn_train", (batch,), group, True)
    for batch in (1, 128, 10_000):
        title = f"CNN inference, batch {batch:,}"
        quick = batch < 10_000
        yield Case(f"inference-{batch}", title, "ms", "inference", (batch,), group, quick)
    title = "Softmax regression training step, batch 100"
    yield Case("softmax-train", title, "us", "softmax_train", (100,), group, True)


def engine() -> Iterator[Case]:
    group = "The engine around the kernels"
    yield Case("null-run", "Null run: a constant", "us", "null_run", (), group, True)
    yield Case("feed-add", "Feed a scalar and add", "us", "feed_add", (), group, True)
    title = "The same through make_callable"
    yield Case("callable-add", title, "us", "callable_add", (), group)
    title = "Build one `z = z + 1.0`, of 1,000"
    yield Case("build-node", title, "us", "build", (1_000,), group, True)
    title = "tf.gradients over 2,000 ops"
    yield Case("gradients-2000", title, "ms", "gradients", (2_000,), group, True)


def elementwise() -> Iterator[Case]:
    group = "Elementwise"
    for size, ops in ((10, 2_000), (1_000, 2_000), (1_000_000, 20)):
        title = f"Chain of {ops:,} tanh, mul on {size:,} floats, per op"
        unit = "us" if size < 1_000_000 else "ms"
        yield Case(f"chain-{size}", title, unit, "chain", (size, ops), group, size == 1_000)
    title = "reduce_sum(sigmoid(a*2+1)*a - square(a)), 1,000,000 floats"
    yield Case("expression", title, "ms", "expression", (1_000_000,), group, True)


PASSES = {"forward": "forward", "filter": "filter gradient", "input": "input gradient"}


def network_passes() -> Iterator[Case]:
    group = "Passes of the CNN"
    for batch in (50, 128):
        conv1 = ConvShape(batch, 28, 28, 1, 32, 5)
        conv2 = ConvShape(batch, 14, 14, 32, 64, 5)
        for layer, shape in (("conv1", conv1), ("conv2", conv2)):
            for which, words in PASSES.items():
                if (layer, which) == ("conv1", "input"):
                    continue  # training does not need it: the images have no gradient
                name, title = f"{layer}-{which}-{batch}", f"{layer} {words}, batch {batch}"
                args = (which, shape)
                yield Case(name, title, "ms", "convolution", args, group, layer == "conv2")
        for layer, size, channels in (("pool1", 28, 32), ("pool2", 14, 64)):
            pool = PoolShape(batch, size, channels)
            title = f"{layer} forward, batch {batch}"
            yield Case(f"{layer}-forward-{batch}", title, "ms", "pool", (pool,), group)
            title = f"{layer} forward and gradient, batch {batch}"
            yield Case(f"{layer}-both-{batch}", title, "ms", "pool_both", (pool,), group)
        for which, words in PASSES.items():
            words = words.replace("filter", "weight")
            title = f"dense1 {words}, batch {batch}"
            yield Case(f"dense1-{which}-{batch}", title, "ms", "dense", (which, batch), group)


OTHER_SHAPES = {
    "1x1": ("1x1, 28x28, 128 to 128", ConvShape(16, 28, 28, 128, 128, 1)),
    "3x3": ("3x3, 32x32, 64 to 64", ConvShape(16, 32, 32, 64, 64, 3)),
    "stride": ("3x3 stride 2, 29x29, 64 to 128", ConvShape(16, 29, 29, 64, 128, 3, 2)),
    "odd": ("3x3, 17x13, 23 to 37", ConvShape(16, 17, 13, 23, 37, 3)),
    "wide": ("3x3, 7x7, 512 to 512", ConvShape(16, 7, 7, 512, 512, 3)),
    "first": ("7x7 stride 2, 113x113, 3 to 64", ConvShape(4, 113, 113, 3, 64, 7, 2)),
}


def other_shapes() -> Iterator[Case]:
    group = "Other shapes"
    for name, (words, shape) in OTHER_SHAPES.items():
        for which, which_words in PASSES.items():
            title = f"{words}, batch {shape.batch}: {which_words}"
            yield Case(f"{name}-{which}", title, "ms", "convolution", (which, shape), group)
    pool = PoolShape(16, 56, 64, "avg")
    title = "average pool 2x2, 56x56, 64, batch 16: forward and gradient"
    yield Case("avg-both", title, "ms", "pool_both", (pool,), group)


def processes() -> Iterator[Case]:
    """The arguments of these are what is looked at, of what a fresh process tells."""
    group = "Whole processes"
    with_numpy = (*ENGINES, "numpy")

    def case(
        name: str, title: str, unit: str, work: str, field: str,
        engines: tuple[str, ...] = ENGINES, quick: bool = True,
    ) -> Case:  # fmt: skip
        return Case(name, title, unit, work, (field,), group, quick, True, engines)

    yield case("import", "import", "s", "import", "seconds", with_numpy)
    yield case("memory-import", "Peak memory, import", "MB", "import", "peak", with_numpy)
    title = "Start to first training step, kernels on disk"
    yield case("first-step-warm", title, "s", "first-step-warm", "process")
    title = "Start to first training step, no kernels on disk"
    yield case("first-step-empty", title, "s", "first-step-empty", "process", quick=False)
    title = "Peak memory, CNN training, batch 50"
    yield case("memory-train", title, "MB", "train", "peak")
    title = "Arrays over 64 KB allocated per training step"
    yield case("allocations", title, "", "allocations", "count", ("minitf",))


def cases(only: str = "", quick: bool = False) -> list[Case]:
    """The cases whose name has `only`, a regular expression, in it; of these the quick ones."""
    families = (models, engine, elementwise, network_passes, other_shapes, processes)
    every = [case for family in families for case in family()]
    return [case for case in every if re.search(only, case.name) and (case.quick or not quick)]


# ---- growth: see growth.py

GRAPH_SIZES = (10, 100, 1_000, 10_000, 100_000)
BATCH_SIZES = (1, 4, 16, 64, 256, 1_024)


def growth_cases(quick: bool = False) -> list[Case]:
    """What grows with the number of nodes, and with that of images; a group is a panel.

    All times are to be divided by the number of nodes or images, where the work does not do so.
    """
    found = []
    for size in GRAPH_SIZES[: 3 if quick else None]:
        chain = {
            "build": ("Building, per node", "build", (size,), 100_000),
            "gradients": ("tf.gradients, per node", "gradients", (size,), 10_000),
            "first-run": ("First run, per node", "first_run", (size,), 10_000),
            "run": ("A later run, per node", "chain", (10, size), 10_000),
        }
        for name, (group, work, args, most) in chain.items():
            # TensorFlow would take minutes for the largest graphs.
            engines = ("minitf", "tensorflow") if size <= most else ("minitf",)
            case = Case(f"grow-{name}-{size}", f"{group}, of {size:,}", "us", work, args, group)
            found.append(case._replace(engines=engines))
    for batch in BATCH_SIZES[: 3 if quick else None]:
        for name, group, work in (
            ("train", "CNN training step, per image", "cnn_train"),
            ("inference", "CNN inference, per image", "inference"),
        ):
            title = f"{group}, of {batch:,}"
            found.append(Case(f"grow-{name}-{batch}", title, "ms", work, (batch,), group))
    return found
