"""Which op types random programs are not made of, and why; kept against the registry by a test."""

from __future__ import annotations

from collections.abc import Iterable

from minitf.framework import op_def

_OLD_NAMES = "an older name, which no public function makes: only files hold it"
_RANDOM = "random numbers are compared bit by bit elsewhere"
_UPDATES = "optimizers are compared step by step in the builders of training"
_FILES = "files are compared byte by byte in tests/checkpoint"
_BYTES = "makes bytes, of which one rounding changes all: see the builders of summaries"
_REFERENCES = "changes that a session keeps are compared in the builders of variables"
_WAITING = "what waits for another run is compared in the builders of data_flow"

# Op type: the reason why no random program has it.
NOT_DRAWN: dict[str, str] = {
    **dict.fromkeys(("Add", "Div", "Gather", "Inv", "InvGrad", "Mod", "Variable"), _OLD_NAMES),
    **dict.fromkeys(("ParallelDynamicStitch", "SoftplusGrad", "Bincount"), _OLD_NAMES),
    "InTopK": _OLD_NAMES,
    "MaxPoolGradGradWithArgmax": "TensorFlow has no gradient that is made of it",
    "PreventGradient": "made by a function of TensorFlow's own only",
    "Print": "it writes to the log",
    "RefMerge": "made by a branch that returns a variable only",
    "RefSwitch": "made by a branch that writes a variable only",
    "LinSpace": "TensorFlow composes it of other ops: see `deviations`",
    "PyFunc": "Python's own code runs",
    "PyFuncStateless": "Python's own code runs",
    "Bitcast": "bits of rounded numbers are not comparable",
    "ApproximateEqual": "which numbers are about equal depends on their rounding",
    "BroadcastArgs": "made by composed functions of TensorFlow's only",
    "OnesLike": "made by gradients of branches only",
    "ComputeAccidentalHits": _RANDOM,
    "DenseToDenseSetOperation": "sets are compared in the builders of metrics",
    "LogUniformCandidateSampler": _RANDOM,
    **dict.fromkeys(("Multinomial", "RandomShuffle", "RandomStandardNormal"), _RANDOM),
    **dict.fromkeys(("RandomUniform", "RandomUniformInt", "TruncatedNormal"), _RANDOM),
    **dict.fromkeys(("SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"), _FILES),
    **dict.fromkeys(("ScalarSummary", "HistogramSummary", "ImageSummary"), _BYTES),
    **dict.fromkeys(("AudioSummaryV2", "TensorSummaryV2", "MergeSummary"), _BYTES),
    **dict.fromkeys(("StringJoin", "StaticRegexFullMatch"), "made for the names of files"),
    **dict.fromkeys(("CountUpTo", "IsVariableInitialized", "ScatterDiv"), _REFERENCES),
    **dict.fromkeys(("ScatterNdAdd", "ScatterNdSub", "ScatterNdUpdate"), _REFERENCES),
    **dict.fromkeys(("_Copy", "_Recv", "_Send"), "made where a graph is cut by task only"),
    **{
        op.name: _WAITING
        for op in op_def.all_ops()
        if "Queue" in op.name or "Accumulator" in op.name
    },
    **{
        op.name: _UPDATES
        for op in op_def.all_ops()
        if op.name.startswith(("Apply", "SparseApply")) or op.name.startswith("ResourceApply")
    },
}


def differentiable() -> list[str]:
    """The op types that have a gradient."""
    return [op.name for op in op_def.all_ops() if op.gradient_fn is not None]


def never_drawn(op_types: Iterable[str]) -> list[str]:
    """The registered op types that are not among these."""
    seen = set(op_types)
    return [op.name for op in op_def.all_ops() if op.name not in seen]
