"""Ops that no function of today makes, but gradients and the files of older programs: imported."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("imported")


class Text:
    """A GraphDef that is written node by node."""

    def __init__(self, tf: Any) -> None:
        self.tf, self.graph_def = tf, tf.GraphDef()
        self.graph_def.versions.producer = 1000  # before 24, a shape of no dims was an unknown one

    def node(self, op: str, *inputs: str, name: str = "", **attrs: Any) -> str:
        """A node; dtypes, lists of numbers, texts and shapes (as tuples) become its attributes."""
        node = self.graph_def.node.add()
        node.op, node.name = op, name or f"{op}_{len(self.graph_def.node)}"
        node.input.extend(inputs)
        for key, value in attrs.items():
            self._set(node.attr[key], value)
        return str(node.name)

    def _set(self, attr: Any, value: Any) -> None:
        if isinstance(value, tuple):
            attr.shape.SetInParent()
            for size in value:
                attr.shape.dim.add().size = size
        elif isinstance(value, list):
            attr.list.i.extend(value)
        elif isinstance(value, bool):
            attr.b = value
        elif isinstance(value, int):
            attr.i = value
        elif isinstance(value, float):
            attr.f = value
        elif isinstance(value, str):
            attr.s = value.encode()
        elif isinstance(value, np.ndarray):
            attr.tensor.CopyFrom(self.tf.make_tensor_proto(value))
        else:
            attr.type = value.as_datatype_enum

    def given(self, *shape: int, dtype: str = "float32") -> str:
        """A placeholder."""
        return self.node("Placeholder", dtype=self.tf.as_dtype(dtype), shape=shape)

    def constant(self, value: Any, dtype: str = "int32") -> str:
        return self.node("Const", dtype=self.tf.as_dtype(dtype), value=np.array(value, dtype))

    def done(self, **options: Any) -> Any:
        return self.tf.import_graph_def(self.graph_def, name="", **options)


@family.graph
def slopes(tf: Any) -> None:
    text = Text(tf)
    dy = text.given(2, 3)
    for of in ("Sigmoid", "Tanh", "Sqrt", "Reciprocal", "Inv"):
        text.node(f"{of}Grad", text.given(2, 3), dy, T=tf.float32)
    positive = text.node("Abs", text.given(2, 3), T=tf.float32)
    text.node("RsqrtGrad", positive, dy, T=tf.float32)
    for of in ("Relu", "Relu6", "Elu", "Selu", "Softplus", "Softsign"):
        text.node(f"{of}Grad", dy, text.given(2, 3), T=tf.float32)
    text.node("LeakyReluGrad", dy, text.given(2, 3), T=tf.float32, alpha=0.3)
    text.node("PreventGradient", dy, T=tf.float32, message="none")
    text.done()


@family.graph
def windows(tf: Any) -> None:
    text = Text(tf)
    x, dx, dy = text.given(1, 4, 4, 2), text.given(1, 4, 4, 2), text.given(1, 2, 2, 2)
    pool = {"T": tf.float32, "ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}
    pooled = text.node("MaxPool", x, **pool)
    text.node("MaxPoolGrad", x, pooled, dy, **pool)
    text.node("MaxPoolGradGrad", x, pooled, dx, **pool)
    text.node("AvgPoolGrad", text.constant([1, 4, 4, 2]), dy, **pool)
    chosen = text.node("MaxPoolWithArgmax", x, Targmax=tf.int64, **pool)
    text.node("MaxPoolGradWithArgmax", x, dy, f"{chosen}:1", Targmax=tf.int64, **pool)
    text.node("BiasAddGrad", dy, T=tf.float32, data_format="NHWC")
    normal = {"T": tf.float32, "depth_radius": 1, "bias": 1.0, "alpha": 0.5, "beta": 0.5}
    text.node("LRNGrad", dx, x, text.node("LRN", x, **normal), **normal)
    text.done()


@family.graph(run=False)  # TensorFlow has no kernel for this on a CPU
def windows_of_second_order(tf: Any) -> None:
    text = Text(tf)
    x, dx = text.given(1, 4, 4, 2), text.given(1, 4, 4, 2)
    pool = {"T": tf.float32, "ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}
    chosen = text.node("MaxPoolWithArgmax", x, Targmax=tf.int64, **pool)
    text.node("MaxPoolGradGradWithArgmax", x, dx, f"{chosen}:1", Targmax=tf.int64, **pool)
    text.done()


@family.graph
def shapes(tf: Any) -> None:
    text = Text(tf)
    two, three = text.constant([2, 1]), text.constant([2, 3])
    text.node("BroadcastGradientArgs", two, three, T=tf.int32)
    text.node("ConcatOffset", text.constant(1), three, text.constant([2, 5]), N=2)
    slice_of = [text.constant(v) for v in ([4, 3], [1, 0], [3, 3], [1, 1])]
    text.node("StridedSliceGrad", *slice_of, text.given(2, 3), T=tf.float32, Index=tf.int32)
    pads = text.constant([[1, 1], [0, 1]])
    for mode in ("REFLECT", "SYMMETRIC"):
        mirrored = {"T": tf.float32, "Tpaddings": tf.int32, "mode": mode}
        text.node("MirrorPadGrad", text.given(5, 4), pads, **mirrored)
    text.done()


# The three scratch outputs are those of the kernel that TensorFlow chooses.
@family.graph(run=False)
def normalization(tf: Any) -> None:
    text = Text(tf)
    x, dy = text.given(1, 4, 4, 2), text.given(1, 4, 4, 2)
    scale = [text.given(2) for _ in range(4)]
    options = {"T": tf.float32, "U": tf.float32, "is_training": True, "epsilon": 0.01}
    text.node("FusedBatchNormGradV3", dy, x, *scale, data_format="NHWC", **options)
    text.done()


@family.graph
def older_ops(tf: Any) -> None:
    text = Text(tf)
    x, y = text.given(2, 3), text.given(2, 3)
    n = text.given(3, dtype="int32")
    ones = text.constant([1, 2, 1])
    text.node("ApproximateEqual", x, y, T=tf.float32, tolerance=0.5)
    text.node("Div", x, y, T=tf.float32)
    text.node("Div", n, ones, T=tf.int32)
    text.node("Mod", n, ones, T=tf.int32)
    text.node("Mod", x, y, T=tf.float32)
    text.node("Inv", x, T=tf.float32)
    text.node("OnesLike", x, T=tf.float32)
    text.node("Gather", x, text.constant([1, 0, 1]), Tparams=tf.float32, Tindices=tf.int32)
    text.node("InTopK", x, text.constant([1, 2]), k=2, T=tf.int32)
    text.node("Bincount", n, text.constant(4), text.constant([], "float32"), T=tf.float32)
    ends = [text.constant(v, "float32") for v in (1.0, 3.0)]
    text.node("LinSpace", *ends, text.constant(5), T=tf.float32, Tidx=tf.int32)
    text.done()


@family.graph(run=False)  # nobody has set them
def older_variables(tf: Any) -> None:
    text = Text(tf)
    options = {"dtype": tf.float32, "shape": (2,), "container": "", "shared_name": ""}
    v = text.node("Variable", name="v", **options)
    w = text.node("VariableV2", name="w", **options)
    choose = text.node("Placeholder", dtype=tf.bool, shape=())
    there = text.node("RefSwitch", v, choose, T=tf.float32)
    back = text.node("RefSwitch", w, choose, T=tf.float32)
    text.node("RefMerge", f"{there}:0", f"{back}:1", N=2, T=tf.float32)
    text.node("Assign", v, text.constant([1, 2], "float32"), T=tf.float32)
    text.done()


@family.graph
def into_a_graph(tf: Any) -> None:
    """`import_graph_def` with a map of inputs, elements to return, a name, in scopes."""
    text = Text(tf)
    a = text.node("Placeholder", name="a", dtype=tf.float32, shape=(2,))
    text.node("Mul", a, a, name="square", T=tf.float32)
    text.node("Neg", "square", "^a", name="minus", T=tf.float32)
    x = tf.placeholder(tf.float32, [2], name="x")
    for name in (None, "named", "named"):
        y, op = tf.import_graph_def(
            text.graph_def, {"a:0": x}, return_elements=["minus:0", "square"], name=name
        )
        tf.add(y, op.outputs[0])
    with tf.name_scope("scope"), tf.device("/cpu:0"), tf.control_dependencies([x]):
        tf.import_graph_def(text.graph_def, name="inside", op_dict=None, producer_op_list=None)
    tf.import_graph_def(tf.get_default_graph().as_graph_def(), name="again")
