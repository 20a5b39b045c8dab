"""Shows what each part of the engine is worth: the CNN's training step without it.

    python -m benchmarks.ablation            some three minutes
    python -m benchmarks.ablation --record   writes docs/performance-parts.json too

One process, one session for each way of running; they take turns, so that what else the machine
does meets all of them alike.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import driver, networks
from benchmarks.__main__ import circumstances, load, say
from benchmarks.summary import table

RECORDED = driver.ROOT / "docs" / "performance-parts.json"

# What is left out, and for which batches it is measured.
BATCHES = (50, 128)
PARTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "layers run as one kernel": {"without": ["layers"]},
    "elementwise nodes in one loop": {"without": ["fuse"]},
    "updates in one sweep": {"without": ["sweep"]},
    "these three": {"without": ["layers", "fuse", "sweep"]},
    "any pass, and planned memory": {"without": None},
    "fast convolutions": {"mode": "direct"},
}


# Multiplications and additions of a step, for an image and for all parameters once: three times
# the forward pass of the convolutions and the dense layers, but for the images' own gradient.
FLOPS_PER_IMAGE = 2.0 * (
    2 * 28 * 28 * 25 * 32 + 3 * 14 * 14 * 25 * 32 * 64 + 3 * (3136 * 1024 + 1024 * 10)
)
# Bytes that an update by Adam moves: four arrays of all parameters are read, and three written.
BYTES_OF_ADAM = 7 * 4 * 3_274_634


def training(tf: Any, batch: int, part: dict[str, Any]) -> Callable[[], Any]:
    """A function that runs one step without a part."""
    conv, passes = _modules()
    config = tf.ConfigProto()
    rewriting = config.graph_options.rewrite_options
    without = part.get("without", [])
    if without is None:
        rewriting.disable_meta_optimizer = True
    else:
        rewriting.optimizers += [name for name in passes if name not in without]
    with tf.Graph().as_default() as graph:
        net = networks.cnn(tf)
        init = tf.global_variables_initializer()
    sess = tf.Session(graph=graph, config=config)
    sess.run(init)
    images, labels = networks.digits(batch)
    feed = {net.x: images, net.labels: labels, net.keep_prob: networks.KEEP_PROB}

    def step() -> None:
        conv.set_mode(part.get("mode", "fast"))
        sess.run(net.train, feed)

    return step


def _modules() -> tuple[Any, list[str]]:
    from minitf.kernels import conv
    from minitf.runtime.passes import PASSES

    return conv, list(PASSES)


def measure(tf: Any, batch: int, rounds: int) -> dict[str, float]:
    """The median time of a step in seconds, for each part that is left out."""
    steps = {name: training(tf, batch, part) for name, part in PARTS.items()}
    for step in steps.values():
        for _ in range(20):  # loops are compiled once they have run for a while
            step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            step()  # what the caches hold is now this one's
            for _ in range(4):
                began = time.perf_counter()
                step()
                times[name].append(time.perf_counter() - began)
    return {name: float(np.median(values)) for name, values in times.items()}


def roof() -> dict[str, float]:
    """What the machine can do: operations a second of a large product, and bytes of a copy."""
    from minitf.kernels import gemm

    size, rng = 2048, np.random.default_rng(0)
    a, b = (rng.random((size, size), np.float32) for _ in range(2))
    out, source = np.empty_like(a), np.zeros(1 << 26, np.float32)
    target = np.empty_like(source)
    source[:], target[:] = 1, 0  # now they have pages of their own
    return {
        "flops": 2.0 * size**3 / _fastest(lambda: gemm.matmul(a, b, out=out)),
        "bytes": 2.0 * source.nbytes / _fastest(lambda: _copy(source, target)),
    }


def _copy(source: Any, target: Any) -> None:
    from minitf.kernels.parallel import parallel_ranges

    def some(start: int, stop: int) -> None:
        np.copyto(target[start:stop], source[start:stop])

    parallel_ranges(len(source), some, work=1)


def _fastest(action: Callable[[], object]) -> float:
    times = []
    for _ in range(12):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return min(times)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--record", action="store_true", help=f"write docs/{RECORDED.name}")
    args = parser.parse_args(argv)
    tf = networks.load("minitf")
    load_before = load()
    batches = {str(batch): measure(tf, batch, args.rounds) for batch in BATCHES}
    limits = roof()
    print(shown(batches))
    print(f"{limits['flops'] / 1e9:.0f} GFLOP/s in a large product, ", end="")
    print(f"{limits['bytes'] / 1e9:.1f} GB/s in a copy")
    if args.record:
        report = {**circumstances(load_before), "batches": batches, "roof": limits}
        RECORDED.write_text(json.dumps(report, indent=1) + "\n")
        say(f"written: {RECORDED.relative_to(driver.ROOT)}")


def shown(batches: dict[str, dict[str, float]]) -> str:
    """The table: a step's time without each part, and how many times that with all of them."""
    header = ["Without", *(f"batch {batch}" for batch in batches)]
    rows = []
    for name in PARTS:
        cells = []
        for times in batches.values():
            times_all = times[name] / times["nothing"]
            cells.append(f"{times[name] * 1e3:.1f} ms, {times_all:.2f}")
        rows.append([name, *cells])
    return table(header, rows)


if __name__ == "__main__":
    main()
