"""Layers as one kernel: what becomes one, what must not, and that the bits stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.framework.kernel_context import ResourceManager
from minitf.framework.patterns import Pattern, all_patterns
from minitf.kernels import jit
from minitf.runtime.block import Block
from minitf.runtime.interpreter import interpret
from minitf.runtime.passes import PASSES, rewrite
from minitf.runtime.program import Program

pytestmark = pytest.mark.skipif(not jit.available(), reason="layers run compiled only")

LAYER, LAYER_POOL = "ConvolveBiasRelu", "ConvolveBiasReluMaxPool"
GRAD, FIRST_GRAD = "BiasReluMaxPoolGrad", "FilterBiasReluMaxPoolGrad"
OURS = (LAYER, LAYER_POOL, GRAD, FIRST_GRAD)


def layers_of(fetches: list[Any], feeds: list[Any]) -> list[str]:
    """The types of the nodes that the pass has made."""
    block = Block(fetches, feeds)
    rewrite(block, tuple(PASSES))
    return [node.op_def.name for node in block.nodes if node.op_def.name in OURS]


def check_bits(fetches: list[Any], feeds: dict[Any, Any], expected: list[str]) -> None:
    """The pass makes these nodes, and the program gives the bits of the plain interpreter."""
    assert layers_of(fetches, list(feeds)) == expected
    init = [v.initializer for v in tf.global_variables()]
    results = []
    for run in ("program", "interpreter"):
        resources, state = ResourceManager(), ResourceManager()
        interpret(init, {}, resources, state)
        if run == "program":
            program = Program(fetches, list(feeds), resources, state)
            results.append(program.run(list(feeds.values())))
        else:
            results.append(interpret(fetches, feeds, resources, state))
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
        assert one.dtype == two.dtype


def variable(*shape: int, dtype: Any = tf.float32, seed: int = 0) -> Any:
    values = np.random.RandomState(seed).standard_normal(shape) / 4
    return tf.Variable(tf.constant(values, dtype))


def images(*shape: int, dtype: Any = tf.float32, batch: int | None = None) -> tuple[Any, Any]:
    """A placeholder whose batch is not known, and values for it."""
    x = tf.placeholder(dtype, [batch, *shape[1:]])
    values = np.random.RandomState(1).standard_normal(shape)
    return x, values.astype(dtype.as_numpy_dtype)


def layer(
    x: Any, w: Any, b: Any, *, padding: Any = "SAME", pool: str | None = "SAME", **conv: Any
) -> Any:
    conv = {"strides": [1, 1, 1, 1], "padding": padding, **conv}
    h = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, w, **conv), b))
    return h if pool is None else tf.nn.max_pool(h, 2, 2, pool)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize("size", [(8, 8), (9, 7), (2, 3), (1, 1)])
@pytest.mark.parametrize("pool", [None, "SAME", "VALID"])
def test_forward(dtype: Any, size: tuple[int, int], pool: str | None) -> None:
    if pool == "VALID" and min(size) < 2:
        pytest.skip("a window needs two cells")
    x, values = images(3, *size, 3, dtype=dtype)
    w, b = variable(3, 3, 3, 16, dtype=dtype), variable(16, dtype=dtype, seed=2)
    y = layer(x, w, b, pool=pool)
    check_bits([y], {x: values}, [LAYER_POOL if pool else LAYER])


@pytest.mark.parametrize(
    "conv",
    [
        {"padding": "VALID"},
        {"padding": [[0, 0], [2, 1], [0, 3], [0, 0]]},
        {"strides": [1, 2, 1, 1]},
        {"dilations": [1, 2, 2, 1]},
    ],
)
def test_windows_of_all_kinds(conv: dict[str, Any]) -> None:
    x, values = images(2, 12, 11, 4)
    w, b = variable(3, 2, 4, 8), variable(8, seed=2)
    y = layer(x, w, b, **conv)
    gradients = tf.gradients(y, [w, b], [tf.square(y)])
    check_bits([y], {x: values}, [LAYER_POOL])
    check_bits([y, *gradients], {x: values}, [LAYER_POOL, FIRST_GRAD])


def test_images_of_any_size_and_none_at_all() -> None:
    x = tf.placeholder(tf.float32, [None, None, None, 4])
    y = layer(x, variable(3, 3, 4, 8), variable(8, seed=2))
    for shape in ((2, 5, 6, 4), (0, 4, 4, 4)):
        values = np.random.RandomState(0).standard_normal(shape).astype("float32")
        check_bits([y], {x: values}, [LAYER_POOL])


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_bias_is_added_from_either_side(side: str) -> None:
    x, values = images(2, 4, 4, 3)
    y = tf.nn.conv2d(x, variable(3, 3, 3, 8), [1, 1, 1, 1], "SAME")
    b = variable(8)
    check_bits([tf.nn.relu(y + b if side == "left" else b + y)], {x: values}, [LAYER])


def two_layers(size: tuple[int, int], channels: int, dtype: Any = tf.float32) -> tuple[Any, ...]:
    x, values = images(5, *size, channels, dtype=dtype)
    parameters = [
        variable(5, 5, channels, 8, dtype=dtype),
        variable(8, dtype=dtype, seed=2),
        variable(3, 3, 8, 16, dtype=dtype),
        variable(16, dtype=dtype, seed=3),
    ]
    y = layer(layer(x, *parameters[:2]), *parameters[2:])
    return x, values, parameters, y


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize("size", [(8, 8), (7, 9)])
def test_training(dtype: Any, size: tuple[int, int]) -> None:
    x, values, parameters, y = two_layers(size, 1, dtype)
    gradients = tf.gradients(tf.square(y), parameters)
    check_bits([y, *gradients], {x: values}, [LAYER_POOL, LAYER_POOL, GRAD, FIRST_GRAD])


def test_training_where_the_images_gradient_is_wanted() -> None:
    x, values, parameters, y = two_layers((6, 6), 3)
    gradients = tf.gradients(tf.square(y), [*parameters, x])
    check_bits([y, *gradients], {x: values}, [LAYER_POOL, LAYER_POOL, GRAD, GRAD])


def test_training_with_many_images_and_with_equal_numbers() -> None:
    """So that sums are added up in blocks, and maxima are not alone."""
    x = tf.placeholder(tf.float32, [None, 14, 14, 2])
    w, b = variable(3, 3, 2, 8), variable(8, seed=2)
    y = layer(x, w, b)
    values = np.random.RandomState(1).randint(0, 2, (70, 14, 14, 2)).astype("float32")
    gradients = tf.gradients(tf.square(y), [w, b])
    check_bits([y, *gradients], {x: values}, [LAYER_POOL, FIRST_GRAD])


@pytest.mark.parametrize("mode", ["fast", "direct"])
def test_filters_that_winograd_computes(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minitf.kernels.conv._mode", mode)
    x, values = images(4, 12, 12, 32)
    w, b = variable(3, 3, 32, 32), variable(32, seed=2)
    y = layer(x, w, b)
    gradients = tf.gradients(tf.square(y), [w, b])
    check_bits([y, *gradients], {x: values}, [LAYER_POOL, FIRST_GRAD])


def test_filters_of_one_cell() -> None:
    x, values = images(4, 8, 8, 16)
    w, b = variable(1, 1, 16, 24), variable(24, seed=2)
    y = layer(x, w, b)
    gradients = tf.gradients(tf.square(y), [w, b])
    check_bits([y, *gradients], {x: values}, [LAYER_POOL, GRAD])


def test_training_steps_leave_the_same_variables() -> None:
    x, values, _, y = two_layers((8, 8), 1)
    train = tf.train.MomentumOptimizer(0.01, 0.9).minimize(tf.reduce_mean(tf.square(y)))
    assert layers_of([train], [x]) == [LAYER_POOL, LAYER_POOL, GRAD, FIRST_GRAD]
    init, results = tf.global_variables_initializer(), []
    off = tf.ConfigProto(
        graph_options=tf.GraphOptions(optimizer_options=tf.OptimizerOptions(opt_level=-1))
    )
    for config in (None, off):
        with tf.Session(config=config) as sess:
            sess.run(init)
            for _ in range(3):
                sess.run(train, {x: values})
            results.append(sess.run(tf.global_variables()))
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


# ---- what must stay


def nodes_to_choose_from() -> tuple[Any, Any, dict[str, Any]]:
    x, values = images(2, 6, 6, 3)
    y = tf.nn.conv2d(x, variable(3, 3, 3, 8), [1, 1, 1, 1], "SAME", name="y")
    z = tf.nn.bias_add(y, variable(8, seed=2), name="z")
    r = tf.nn.relu(z, name="r")
    p = tf.nn.max_pool(r, 2, 2, "SAME", name="p")
    return x, values, {"y": y, "z": z, "r": r, "p": p}


@pytest.mark.parametrize(("also", "expected"), [("y", []), ("z", []), ("r", [LAYER])])
@pytest.mark.parametrize("how", ["fetched", "read", "operation", "waited for"])
def test_what_somebody_else_wants_is_computed(also: str, expected: list[str], how: str) -> None:
    x, values, tensors = nodes_to_choose_from()
    inner, p = tensors[also], tensors["p"]
    if how == "operation":
        expected = []  # to run it is to run that node
        assert layers_of([p, inner.op], [x]) == expected
        return
    if how == "waited for":
        with tf.control_dependencies([inner.op]):
            other = tf.square(x)
        expected = []
    else:
        other = inner if how == "fetched" else tf.reduce_max(inner)
    check_bits([p, other], {x: values}, expected)


def test_other_layouts_windows_and_biases_stay() -> None:
    x, values = images(2, 6, 6, 4)
    w, b, one = variable(3, 3, 4, 8), variable(8, seed=2), variable(1)
    y = tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME")
    z = tf.nn.bias_add(y, b)
    planes = tf.transpose(x, [0, 3, 1, 2])
    nchw = tf.nn.conv2d(planes, w, [1, 1, 1, 1], "SAME", data_format="NCHW")
    plain = [
        tf.nn.relu(tf.nn.bias_add(nchw, b, data_format="NCHW")),
        tf.nn.relu(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME") + one),
        tf.nn.relu(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME") + tf.reshape(b, [1, 1, 8])),
        tf.nn.relu(tf.nn.conv2d(x, variable(3, 3, 2, 8), [1, 1, 1, 1], "SAME") + b),  # 2 groups
        tf.nn.relu6(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME") + b),
        tf.nn.relu(tf.nn.conv2d(x, variable(3, 3, 4, 2), [1, 1, 1, 1], "SAME") + variable(2)),
    ]
    check_bits(plain, {x: values}, [])
    pools = [
        tf.nn.max_pool(tf.nn.relu(z), 3, 2, "SAME"),
        tf.nn.max_pool(tf.nn.relu(z), 2, 1, "SAME"),
        tf.nn.max_pool(tf.nn.relu(z), [1, 2, 1, 1], [1, 2, 1, 1], "SAME"),
        tf.nn.max_pool(tf.nn.relu(z), 2, 2, [[0, 0], [1, 0], [0, 1], [0, 0]]),
        tf.nn.avg_pool(tf.nn.relu(z), 2, 2, "SAME"),
    ]
    for pool in pools:
        check_bits([pool], {x: values}, [LAYER])


@pytest.mark.parametrize("dtype", [tf.float16, tf.int32])
def test_other_dtypes_stay(dtype: Any) -> None:
    x, values = images(2, 4, 4, 3, dtype=dtype)
    w, b = variable(3, 3, 3, 8, dtype=tf.float32), variable(8)
    w, b = tf.cast(w * 8, dtype), tf.cast(b * 8, dtype)
    check_bits([layer(x, w, b, pool=None)], {x: values}, [])


def test_gradients_of_other_forms_stay() -> None:
    x, values = images(2, 6, 6, 3)
    w, b = variable(3, 3, 3, 8), variable(8, seed=2)
    y = layer(x, w, b)
    # The relu's gradient is wanted too, or there are two gradients through one pool.
    inner = y.op.inputs[0]
    check_bits([y, *tf.gradients(y, [w, b, inner])], {x: values}, [LAYER])
    twice = tf.gradients(y, [w, b]) + tf.gradients(y, [w, b], [y])
    check_bits([y, *twice], {x: values}, [LAYER])
    # The bias's gradient is not wanted: there is no kernel without it.
    check_bits([y, *tf.gradients(y, w)], {x: values}, [LAYER])


def test_a_fed_value_is_not_computed() -> None:
    x, values, tensors = nodes_to_choose_from()
    fed = np.ones((2, 6, 6, 8), np.float32)
    check_bits([tensors["p"]], {x: values, tensors["z"]: fed}, [])


def test_an_update_of_the_filter_in_between_is_not_crossed() -> None:
    x, values = images(2, 4, 4, 3)
    w, b = variable(3, 3, 3, 8), variable(8, seed=2)
    y = tf.nn.conv2d(x, w.value(), [1, 1, 1, 1], "SAME")
    with tf.control_dependencies([y]):
        update = tf.assign_add(w, tf.ones([3, 3, 3, 8]))
    with tf.control_dependencies([update]):
        late = tf.identity(b)
    check_bits([tf.nn.relu(y + late)], {x: values}, [])
    # An update before, or after, is none of its business.
    after = tf.nn.relu(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME") + b)
    with tf.control_dependencies([after]):
        update = tf.assign_add(w, tf.ones([3, 3, 3, 8]))
    assert layers_of([after], [x]) == [LAYER]


def test_images_that_are_a_variable_and_change_before_the_way_back() -> None:
    x = variable(2, 6, 6, 3)
    w, b = variable(3, 3, 3, 8), variable(8, seed=2)
    y = layer(x.value(), w, b)
    with tf.control_dependencies([y]):
        update = tf.assign(x, tf.ones_like(x))
    with tf.control_dependencies([update]):
        grad = tf.square(y)
    # The filter's gradient stays where it is, and reads what the update has left.
    check_bits([y, *tf.gradients(y, [w, b], grad)], {}, [LAYER_POOL, GRAD])


# ---- errors, explanations, declarations


def test_errors_are_told_of_the_convolution() -> None:
    x = tf.placeholder(tf.float32, [None, None, None, 3])
    y = tf.nn.conv2d(x, variable(3, 3, 3, 8), [1, 1, 1, 1], "VALID", name="narrow")
    z = tf.nn.relu(y + variable(8, seed=2))
    with tf.Session() as sess:
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value Variable"):
            sess.run(z, {x: np.zeros((1, 5, 5, 3))})
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError) as error:
            sess.run(z, {x: np.zeros((1, 2, 5, 3))})
    assert error.value.op is y.op


def test_a_bias_that_has_changed_its_length_is_refused() -> None:
    x, values = images(2, 4, 4, 3)
    b = variable(8, seed=2)
    y = layer(x, variable(3, 3, 3, 8), b)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(tf.assign(b, tf.zeros([4]), validate_shape=False))
        with pytest.raises(tf.errors.InvalidArgumentError, match="as many biases"):
            sess.run(y, {x: values})


def test_explain_shows_the_layer() -> None:
    x, _, tensors = nodes_to_choose_from()
    with tf.Session() as sess:
        text = sess.explain(tensors["p"], [x])
    assert "# layers: without 1 Conv2D, 1 BiasAdd, 1 Relu, 1 MaxPool; with 1 Conv" in text
    assert "p, p_which = convolve_bias_relu_max_pool_kernel(" in text


def test_patterns_are_read() -> None:
    found = Pattern("b, c = Split(a)\nd = Add(b, c) | Sub(c, b)", "d = New(a)", lambda n, v: {})
    assert found.lines[1].inputs == {"Add": ("b", "c"), "Sub": ("c", "b")}
    assert found.vanishing == {"b", "c"}
    assert len(list(all_patterns())) >= 4
    with pytest.raises(ValueError, match="Cannot read the line"):
        Pattern("y = Square(x", "y = New(x)", lambda n, v: {})
