"""The protocol of tf.train.Optimizer: minimize, slots, subclasses, sparse gradients, errors."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.train.optimizer import _deduplicate_indexed_slices
from tests.parity.builders.trajectories import OPTIMIZERS

Optimizer = tf.train.Optimizer
Descent = tf.train.GradientDescentOptimizer


@pytest.fixture
def sess() -> Any:
    with tf.Session() as session:
        yield session


def start(session: Any) -> None:
    session.run(tf.global_variables_initializer())


# ---- going downhill


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "ftrl_power"])
def test_a_quadratic_is_made_smaller(name: str, sess: Any) -> None:
    """Every optimizer comes down a bowl that is steeper one way than the other."""
    w = tf.Variable([1.5, -0.75])
    loss = tf.reduce_sum(tf.constant([1.0, 4.0]) * w * w)
    train = OPTIMIZERS[name](tf).minimize(loss)
    start(sess)
    first = sess.run(loss)
    for _ in range(200):
        sess.run(train)
    assert sess.run(loss) < 0.7 * first


@pytest.mark.parametrize(
    "make",
    [
        lambda: Descent(0.05),
        lambda: tf.train.MomentumOptimizer(0.02, 0.8),
        lambda: tf.train.MomentumOptimizer(0.02, 0.8, use_nesterov=True),
        lambda: tf.train.AdagradOptimizer(0.5),
        lambda: tf.train.RMSPropOptimizer(tf.train.exponential_decay(0.1, steps(), 50, 0.5)),
        lambda: tf.train.AdamOptimizer(0.05),
    ],
)
def test_a_quadratic_is_solved(make: Any, sess: Any) -> None:
    """They come to its bottom, at (3, -2)."""
    w = tf.Variable([0.0, 0.0])
    loss = tf.reduce_sum(tf.constant([1.0, 4.0]) * tf.square(w - tf.constant([3.0, -2.0])))
    train = make().minimize(loss, global_step=steps())
    start(sess)
    for _ in range(600):
        sess.run(train)
    np.testing.assert_allclose(sess.run(w), [3.0, -2.0], atol=0.01)


def steps() -> Any:
    return tf.train.get_or_create_global_step()


def test_l1_makes_parameters_zero(sess: Any) -> None:
    """The proximal optimizers leave exactly 0 where a parameter matters less than it costs."""
    for make in (
        lambda: tf.train.ProximalGradientDescentOptimizer(0.1, l1_regularization_strength=1.0),
        lambda: tf.train.ProximalAdagradOptimizer(0.5, l1_regularization_strength=1.0),
    ):
        w = tf.Variable([1.0, 1.0])
        train = make().minimize(tf.reduce_sum(tf.square(w - tf.constant([5.0, 0.1]))))
        start(sess)
        for _ in range(100):
            sess.run(train)
        large, small = sess.run(w)
        assert small == 0 and 4 < large < 5


# ---- the two steps


def test_grads_and_vars_can_be_changed_between(sess: Any) -> None:
    a, b = tf.Variable([3.0, 4.0]), tf.Variable(1.0)
    optimizer = Descent(1.0)
    pairs = optimizer.compute_gradients(tf.reduce_sum(a * a) / 2 + b, var_list=[a, b])
    assert [var for _, var in pairs] == [a, b]
    clipped, _ = tf.clip_by_global_norm([grad for grad, _ in pairs], 1.0)
    train = optimizer.apply_gradients(zip(clipped, [a, b], strict=True))
    start(sess)
    sess.run(train)
    norm = np.sqrt(26)
    np.testing.assert_allclose(sess.run(a), [3 - 3 / norm, 4 - 4 / norm], rtol=1e-6)
    np.testing.assert_allclose(sess.run(b), 1 - 1 / norm, rtol=1e-6)


def test_variables_without_a_gradient_are_left_alone(sess: Any) -> None:
    a, b = tf.Variable(1.0), tf.Variable(1.0)
    optimizer = tf.train.AdamOptimizer(0.5)
    pairs = optimizer.compute_gradients(a * a)
    assert pairs[1] == (None, b)
    train = optimizer.apply_gradients(pairs)
    assert optimizer.get_slot(b, "m") is None
    start(sess)
    sess.run(train)
    assert sess.run(b) == 1 and sess.run(a) != 1


def test_only_var_list_is_changed(sess: Any) -> None:
    a, b, c = (tf.Variable(1.0) for _ in range(3))
    for var_list in ([a], a, (a,), {"x": [a]}):
        pairs = Descent(1.0).compute_gradients(a + b + c, var_list=var_list)
        assert [var for _, var in pairs] == [a]
    frozen = tf.Variable(1.0, trainable=False)
    pairs = Descent(1.0).compute_gradients(a + frozen)
    assert frozen not in [var for _, var in pairs]
    train = Descent(1.0).minimize(a + frozen, var_list=[frozen])
    start(sess)
    sess.run(train)
    assert sess.run([a, frozen]) == [1.0, 0.0]


def test_loss_may_be_a_function_and_weighted(sess: Any) -> None:
    a = tf.Variable(2.0)
    ((grad, _),) = Descent(1.0).compute_gradients(lambda: a * a, grad_loss=tf.constant(3.0))
    train = Descent(0.5).minimize(lambda: a * a)
    start(sess)
    assert sess.run(grad) == 12
    sess.run(train)
    assert sess.run(a) == 0


@pytest.mark.parametrize("gate", [Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH])
def test_gates_do_not_change_gradients(gate: int, sess: Any) -> None:
    a, b = tf.Variable([[1.0, 2.0]]), tf.Variable([[3.0], [4.0]])
    loss = tf.reduce_sum(tf.matmul(a, b))
    pairs = Descent(1.0).compute_gradients(loss, gate_gradients=gate)
    start(sess)
    grads = sess.run([grad for grad, _ in pairs])
    np.testing.assert_array_equal(grads[0], [[3.0, 4.0]])
    np.testing.assert_array_equal(grads[1], [[1.0], [2.0]])


def test_with_a_gate_all_gradients_come_before_any_is_used() -> None:
    a, b = tf.Variable(1.0), tf.Variable(1.0)
    pairs = Descent(1.0).compute_gradients(a * a + b * b, gate_gradients=Optimizer.GATE_GRAPH)
    waits = [grad.op.control_inputs for grad, _ in pairs]
    assert waits[0] == waits[1] and len(waits[0][0].control_inputs) == 2


def test_parameters_may_be_tensors_and_functions(sess: Any) -> None:
    rate = tf.placeholder(tf.float32, [])
    a = tf.Variable(1.0)
    train = tf.train.MomentumOptimizer(lambda: rate, momentum=lambda: 0.5).minimize(a)
    start(sess)
    sess.run(train, {rate: 0.25})
    sess.run(train, {rate: 0.5})
    assert sess.run(a) == 1 - 0.25 - 0.5 * 1.5


def test_the_step_is_counted_after_the_update(sess: Any) -> None:
    a, step = tf.Variable(1.0), steps()
    train = Descent(1.0).minimize(a, global_step=step, name="go")
    assert train.name == "go" and train.type == "AssignAdd"
    assert tf.get_collection(tf.GraphKeys.TRAIN_OP) == [train]
    start(sess)
    for count in range(3):
        assert tf.train.global_step(sess, step) == count
        sess.run(train)


def test_a_constraint_holds_after_each_step(sess: Any) -> None:
    a = tf.Variable([0.5, 5.0], constraint=lambda x: tf.clip_by_value(x, 0.0, 1.0))
    train = Descent(1.0).minimize(tf.reduce_sum(a))
    start(sess)
    sess.run(train)
    np.testing.assert_array_equal(sess.run(a), [0.0, 1.0])


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [tf.float16, tf.float64])
def test_other_dtypes(name: str, dtype: Any, sess: Any) -> None:
    """Numbers given in Python are cast to each variable's dtype."""
    a, rows = tf.Variable(tf.ones([2], dtype)), tf.Variable(tf.ones([3, 2], dtype))
    loss = tf.reduce_sum(a * a) + tf.reduce_sum(tf.square(tf.gather(rows, [0, 2, 0])))
    train = OPTIMIZERS[name](tf).minimize(loss)
    start(sess)
    sess.run(train)
    assert (sess.run(a) < 1).all()
    after = sess.run(rows)
    assert after.dtype == dtype.as_numpy_dtype
    assert (after[[0, 2]] < 1).all() and (after[1] == 1).all()


# ---- slots


def test_slots_have_names_and_can_be_asked_for() -> None:
    a = tf.Variable([1.0, 2.0], name="a")
    optimizer = tf.train.AdamOptimizer()
    assert optimizer.get_slot(a, "m") is None and optimizer.get_slot_names() == []
    assert optimizer._get_beta_accumulators() == (None, None)
    optimizer.minimize(tf.reduce_sum(a))
    assert optimizer.get_slot_names() == ["m", "v"]
    assert optimizer.get_slot(a, "m").op.name == "a/Adam"
    assert optimizer.get_slot(a, "v").op.name == "a/Adam_1"
    assert optimizer.get_slot(a, "nothing") is None
    names = [v.op.name for v in optimizer.variables()]
    assert names == ["a/Adam", "a/Adam_1", "beta1_power", "beta2_power"]
    assert [v.op.name for v in tf.trainable_variables()] == ["a"]
    optimizer.minimize(tf.reduce_sum(a * a))  # has its slots already
    assert len(tf.global_variables()) == 5
    with tf.Graph().as_default():
        assert optimizer.variables() == []


def test_slots_can_be_restored_by_name(sess: Any) -> None:
    """What saves by name finds slots where TensorFlow has them."""
    with tf.variable_scope("layer"):
        w = tf.get_variable("w", [2])
    optimizer = tf.train.MomentumOptimizer(0.1, 0.9, name="Speed")
    optimizer.minimize(tf.reduce_sum(w))
    assert optimizer.get_slot(w, "momentum").op.name == "layer/w/Speed"


def test_ftrl_slots_can_be_named() -> None:
    a = tf.Variable(1.0, name="a")
    optimizer = tf.train.FtrlOptimizer(0.1, accum_name="sum", linear_name="z")
    optimizer.minimize(a)
    assert [v.op.name for v in optimizer.variables()] == ["a/sum", "a/z"]


@pytest.mark.parametrize("name", ["adagrad", "adadelta", "rmsprop", "momentum", "adam"])
def test_slots_take_the_shape_that_a_variable_has_when_it_runs(name: str, sess: Any) -> None:
    size = tf.placeholder(tf.int32, [])
    a = tf.Variable(tf.ones(tf.reshape(size, [1])), validate_shape=False)
    assert a.shape.ndims is None or not a.shape.is_fully_defined()
    optimizer = OPTIMIZERS[name](tf)
    train = optimizer.apply_gradients([(tf.constant([1.0, 2.0, 3.0]), a)])
    sess.run(tf.global_variables_initializer(), {size: 3})
    sess.run(train)
    slot = optimizer.get_slot(a, optimizer.get_slot_names()[0])
    assert sess.run(slot).shape == sess.run(a).shape == (3,)


# ---- subclasses


class Halving(Optimizer):
    """A user's optimizer, written as for TensorFlow 1."""

    def __init__(self, learning_rate: float = 0.5, name: str = "Halving") -> None:
        super().__init__(use_locking=False, name=name)
        self._lr = learning_rate
        self.finished: list[Any] = []

    def _create_slots(self, var_list: list[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "count", self._name)
            self._get_or_make_slot(var, tf.ones(var.shape), "ones", "Ones")
        first = min(var_list, key=lambda x: x.name)
        self._create_non_slot_variable(1.0, "rate", first)

    def _prepare(self) -> None:
        self._lr_t = tf.convert_to_tensor(self._call_if_callable(self._lr), name="learning_rate")

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        rate = self._get_non_slot_variable("rate", graph=tf.get_default_graph())
        counted = self.get_slot(var, "count").assign_add(self.get_slot(var, "ones"))
        return tf.group(tf.assign_sub(var, rate * self._lr_t * grad), counted)

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return tf.scatter_sub(var, grad.indices, self._lr_t * grad.values)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        with tf.control_dependencies(update_ops):
            rate = self._get_non_slot_variable("rate")
            slower = rate.assign(rate * 0.5, use_locking=self._use_locking)
        self.finished = update_ops
        return tf.group(*update_ops, slower, name=name_scope)


def test_a_subclass_written_for_tensorflow_works(sess: Any) -> None:
    a, rows = tf.Variable(4.0, name="a"), tf.Variable([1.0, 1.0, 1.0], name="rows")
    optimizer = Halving()
    loss = a + tf.reduce_sum(tf.gather(rows, [2, 2]))
    train = optimizer.minimize(loss, global_step=steps())
    start(sess)
    for _ in range(2):
        sess.run(train)
    assert sess.run(a) == 4 - 0.5 - 0.25
    np.testing.assert_array_equal(sess.run(rows), [1.0, 1.0, -1.0])
    assert sess.run(optimizer.get_slot(a, "count")) == 2
    assert optimizer.get_slot(a, "ones").op.name == "a/Ones"
    assert optimizer.get_name() == "Halving" and len(optimizer.finished) == 2
    assert tf.get_default_graph().get_tensor_by_name("Halving/learning_rate:0") is not None


def test_a_subclass_that_wraps_another(sess: Any) -> None:
    """As users wrap one to clip gradients."""

    class Clipping(Optimizer):
        def __init__(self, inner: Any) -> None:
            super().__init__(False, "Clipping")
            self._inner = inner

        def compute_gradients(self, *args: Any, **kwargs: Any) -> Any:
            pairs = self._inner.compute_gradients(*args, **kwargs)
            return [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in pairs]

        def apply_gradients(self, *args: Any, **kwargs: Any) -> Any:
            return self._inner.apply_gradients(*args, **kwargs)

    a = tf.Variable(1.0)
    train = Clipping(Descent(0.5)).minimize(100.0 * a)
    start(sess)
    sess.run(train)
    assert sess.run(a) == 0.5


def test_the_base_class_says_what_is_missing() -> None:
    a = tf.Variable([1.0])
    with pytest.raises(NotImplementedError):
        Optimizer(False, "nothing").minimize(tf.reduce_sum(a))
    with pytest.raises(NotImplementedError):
        Optimizer(False, "nothing").minimize(tf.reduce_sum(tf.gather(a, [0])))


# ---- sparse gradients


@settings(max_examples=25)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=9), st.integers(0, 2**32 - 1))
def test_rows_that_repeat_are_added_up(indices: list[int], seed: int) -> None:
    values = np.random.RandomState(seed).standard_normal((len(indices), 2))
    with tf.Graph().as_default(), tf.Session() as session:
        summed, unique = session.run(
            _deduplicate_indexed_slices(tf.constant(values), tf.constant(indices))
        )
    assert list(unique) == list(dict.fromkeys(indices))
    for row, total in zip(unique, summed, strict=True):
        np.testing.assert_allclose(total, values[np.array(indices) == row].sum(0), atol=1e-14)


def after_steps(make: Any, gradients: list[Any], sparse: bool) -> np.ndarray:
    """A variable of 4 rows after gradients of rows, given as rows or as the whole."""
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(np.arange(8.0).reshape(4, 2))
        values = tf.placeholder(tf.float64, [None, 2])
        indices = tf.placeholder(tf.int32, [None])
        grad: Any = tf.IndexedSlices(values, indices, tf.constant([4, 2]))
        if not sparse:
            grad = tf.convert_to_tensor(grad)
        train = make().apply_gradients([(grad, v)])
        session.run(tf.global_variables_initializer())
        for rows, row_values in gradients:
            session.run(train, {indices: rows, values: row_values})
        result: np.ndarray = session.run(v)
        return result


@st.composite
def row_gradients(draw: Any) -> list[Any]:
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    counts = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    return [(rng.randint(3, size=n), rng.standard_normal((n, 2))) for n in counts]


# Where a row without a gradient stays as it is, or goes on as it would with a gradient of zero.
SAME_BOTH_WAYS = [
    lambda: Descent(0.1),
    lambda: tf.train.AdagradOptimizer(0.1),
    lambda: tf.train.AdamOptimizer(0.1),
    lambda: tf.train.MomentumOptimizer(0.1, 0.0),
]


@pytest.mark.parametrize("number", range(len(SAME_BOTH_WAYS)))
@settings(max_examples=25)
@given(gradients=row_gradients())
def test_sparse_equals_dense(number: int, gradients: list[Any]) -> None:
    make = SAME_BOTH_WAYS[number]
    sparse, dense = (after_steps(make, gradients, sparse) for sparse in (True, False))
    np.testing.assert_allclose(sparse, dense, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "make",
    [
        lambda: tf.train.MomentumOptimizer(0.1, 0.9),
        lambda: tf.train.RMSPropOptimizer(0.1, momentum=0.9),
    ],
)
def test_momentum_of_rows_rests_without_a_gradient(make: Any) -> None:
    """As in TensorFlow: in the second step row 0 has none, and only the dense update moves it."""
    gradients = [([0], [[1.0, 1.0]]), ([1], [[1.0, 1.0]])]
    once = after_steps(make, gradients[:1], True)
    sparse, dense = (after_steps(make, gradients, sparse) for sparse in (True, False))
    np.testing.assert_array_equal(sparse[0], once[0])
    assert (dense[0] < once[0]).all()


def test_adam_moves_rows_without_a_gradient() -> None:
    """As in TensorFlow: its sparse update moves all rows by their means."""
    gradients = [([0], [[1.0, 1.0]]), ([1], [[1.0, 1.0]])]
    once = after_steps(lambda: tf.train.AdamOptimizer(0.1), gradients[:1], True)
    twice = after_steps(lambda: tf.train.AdamOptimizer(0.1), gradients, True)
    assert (twice[0] < once[0]).all() and (twice[3] == once[3]).all()


# ---- errors


def test_no_variables() -> None:
    with pytest.raises(ValueError, match="No variables to optimize") as error:
        Descent(0.1).minimize(tf.constant(1.0))
    assert "test_optimizer.py" in str(error.value) and "what to do" in str(error.value)
    a = tf.Variable(1.0)
    with pytest.raises(ValueError, match="No variables to optimize"):
        Descent(0.1).minimize(a, var_list=[])
    with pytest.raises(ValueError, match="No variables provided"):
        Descent(0.1).apply_gradients([])


def test_no_gradients_are_explained_for_each_variable() -> None:
    apart = tf.Variable(1.0, name="apart")
    cut = tf.Variable([1.0, 2.0], name="cut")
    whole = tf.Variable(3, name="whole", trainable=True)
    loss = tf.cast(tf.argmax(cut), tf.float32) + tf.cast(whole, tf.float32)
    with pytest.raises(ValueError, match="No gradients provided for any variable") as error:
        Descent(0.1).minimize(loss)
    text = str(error.value)
    assert re.search(r"between variables \[.*'apart:0'.*\] and loss Tensor\(\"add:0\"", text)
    assert re.search(r"\n  apart:0: no path leads from 'apart:0' to 'add:0'", text)
    assert re.search(r"\n  cut:0: the path from 'cut:0' is cut at 'ArgMax' \(ArgMax\)", text)
    assert re.search(r"\n  whole:0: it is int32", text)
    assert text.count("test_optimizer.py") >= 2 and "what to do" in text
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        Descent(0.1).apply_gradients([(None, apart)])


def test_a_thousand_variables_are_not_all_explained() -> None:
    for _ in range(20):
        tf.Variable(1.0)
    with pytest.raises(ValueError, match=r"and 12 more variables"):
        Descent(0.1).minimize(tf.constant(1.0))


def test_dtypes_without_gradients() -> None:
    a = tf.Variable([1.0])
    with pytest.raises(ValueError, match=r"Invalid type tf.int32 for Cast:0, expected: \["):
        Descent(0.1).minimize(tf.cast(tf.reduce_sum(a), tf.int32))
    with pytest.raises(ValueError, match=r"Invalid type tf\.int32"):
        Descent(0.1).compute_gradients(tf.reduce_sum(a), grad_loss=tf.constant(1))
    with pytest.raises(TypeError, match="has type int32 that does not match type float32"):
        Descent(0.1).apply_gradients([(tf.constant([1]), a)])


def test_what_cannot_be_changed() -> None:
    a = tf.Variable([1.0])
    with pytest.raises(NotImplementedError, match="Trying to update a Tensor"):
        Descent(0.1).apply_gradients([(tf.constant([1.0]), tf.constant([1.0]))])
    with pytest.raises(NotImplementedError, match="Trying to update a Tensor"):
        Descent(0.1).minimize(tf.reduce_sum(a), var_list=[a.value()])
    with pytest.raises(TypeError, match="must hold variables"):
        Descent(0.1).minimize(tf.reduce_sum(a), var_list=["a"])
    with pytest.raises(TypeError, match="Gradient must be convertible"):
        Descent(0.1).apply_gradients([(object(), a)])
    with pytest.raises(TypeError, match="l-value"):
        Descent(0.1).minimize(tf.reduce_sum(a), global_step=tf.constant(0))


def test_shapes_that_do_not_fit_name_the_users_line() -> None:
    a = tf.Variable([1.0, 2.0])
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\) are not compatible") as error:
        Descent(0.1).apply_gradients([(tf.constant([1.0, 2.0, 3.0]), a)])
    assert "test_optimizer.py" in str(error.value)
    with pytest.raises(ValueError, match="must have rank 0"):
        Descent([0.1, 0.2]).apply_gradients([(tf.constant([1.0, 2.0]), a)])


def test_a_constraint_on_rows_is_refused() -> None:
    a = tf.Variable([1.0, 2.0], constraint=tf.identity)
    with pytest.raises(RuntimeError, match="constraint function on a sparse variable"):
        Descent(0.1).minimize(tf.reduce_sum(tf.gather(a, [0])))


def test_bad_parameters() -> None:
    a = tf.Variable(1.0)
    with pytest.raises(ValueError, match="Must specify the optimizer name"):
        Descent(0.1, name="")
    with pytest.raises(ValueError, match="gate_gradients must be one of"):
        Descent(0.1).compute_gradients(a, gate_gradients=3)
    for bad in (0.0, -1.0):
        for make in (tf.train.AdagradOptimizer, tf.train.ProximalAdagradOptimizer):
            with pytest.raises(ValueError, match="initial_accumulator_value must be positive"):
                make(0.1, initial_accumulator_value=bad)
    for name in (
        "initial_accumulator_value",
        "l1_regularization_strength",
        "l2_regularization_strength",
        "l2_shrinkage_regularization_strength",
    ):
        with pytest.raises(ValueError, match=f"^{name} -1.000000 needs to be positive or zero"):
            tf.train.FtrlOptimizer(0.1, **{name: -1.0})
    with pytest.raises(ValueError, match="needs to be negative or zero"):
        tf.train.FtrlOptimizer(0.1, learning_rate_power=0.5)


def test_slots_that_were_not_initialized(sess: Any) -> None:
    """The classic mistake: the initializer was built before the optimizer."""
    a = tf.Variable(1.0, name="a")
    init = tf.global_variables_initializer()
    train = tf.train.AdamOptimizer(0.1).minimize(a * a)
    sess.run(init)
    with pytest.raises(tf.errors.FailedPreconditionError, match=r"beta1_power|a/Adam"):
        sess.run(train)
    assert sess.run(a) == 1
