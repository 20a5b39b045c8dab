"""The ops that optimizers emit, on variables: values, in place, shapes, locks and errors."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.framework import op_def as op_def_lib
from minitf.framework.kernel_context import VariableResource
from tests.ops.cases.training_ops import DENSE, SPARSE
from tests.ops.training_formulas import changed

SCALARS = {
    "alpha": (0.01, 1.0),
    "lr": (0.01, 1.0),
    "momentum": (0.0, 0.99),
    "rho": (0.8, 0.99),
    "epsilon": (0.01, 0.1),
    "beta1": (0.5, 0.95),
    "beta2": (0.5, 0.999),
    "beta1_power": (0.1, 0.9),
    "beta2_power": (0.1, 0.9),
    "l1": (0.0, 0.5),
    "l2": (0.0, 0.5),
    "l2_shrinkage": (0.0, 0.5),
    "lr_power": (-1.0, 0.0),
}
TOLERANCE = {"float16": 2e-2, "float32": 3e-6, "float64": 1e-13}


def parts(name):
    """The names of an op's slots and scalars, and of its gradient."""
    inputs = op_def_lib.get(name).inputs
    slots = [arg.name for arg in inputs if arg.is_ref]
    grad = "delta" if "delta" in [arg.name for arg in inputs] else "grad"
    others = {*slots, grad, "indices"}
    return slots, [arg.name for arg in inputs if arg.name not in others], grad


def apply(name, given, **attrs):
    """The op, on what is given by the names of its inputs."""
    op = op_def_lib.get(name)
    return op(*[given[arg.name] for arg in op.inputs], **attrs)


def start_of(slot, rng, shape):
    """Values that a slot can have: squares are positive, a variance too."""
    values = np.asarray(rng.standard_normal(shape))
    if slot in ("accum", "accum_update", "ms", "v"):
        values = values**2 + (3.0 if slot == "ms" else 0.1)
    return values * 0.3 if slot == "mg" else values


def draw_sample(data, name):
    op = op_def_lib.get(name)
    dtype = data.draw(st.sampled_from(["float64", "float32", "float16"]))
    shape = tuple(data.draw(st.lists(st.integers(0, 4), min_size=name in SPARSE, max_size=3)))
    rng = np.random.RandomState(data.draw(st.integers(0, 2**32 - 1)))
    slots, scalars, grad = parts(name)
    sample = {slot: np.array(start_of(slot, rng, shape), dtype) for slot in slots}
    for scalar in scalars:
        sample[scalar] = np.array(rng.uniform(*SCALARS[scalar]), dtype)
    if "lr_power" in sample and data.draw(st.booleans()):
        sample["lr_power"] = np.array(-0.5, dtype)
    if name in SPARSE:
        count = data.draw(st.integers(0, 5)) if shape[0] else 0
        index = data.draw(st.sampled_from(["int32", "int64"]))
        sample["indices"] = rng.randint(max(shape[0], 1), size=count).astype(index)
        shape = (count, *shape[1:])
    sample[grad] = np.asarray(rng.standard_normal(shape)).astype(dtype)
    attrs = {a: data.draw(st.booleans()) for a, d in op.attrs.items() if d.kind == "bool"}
    return sample, attrs


def expected(name, sample, attrs):
    """Every parameter changed on its own; a row that is given twice is changed twice."""
    slots, scalars, grad = parts(name)
    constants = {scalar: float(sample[scalar]) for scalar in scalars}
    after = {slot: np.array(sample[slot], "float64") for slot in slots}
    indices = sample.get("indices", [...])
    for i, row in enumerate(indices):
        gradient = sample[grad] if row is ... else sample[grad][i]
        for at in np.ndindex(gradient.shape):
            where = at if row is ... else (row, *at)
            before = {slot: float(after[slot][where]) for slot in slots}
            now = changed(name, before, float(gradient[at]), constants, attrs)
            for slot in slots:
                after[slot][where] = now[slot]
    return after


@pytest.mark.parametrize("name", DENSE + SPARSE)
def test_update(name):
    """The variable and its slots become what the formula says, and the rest stays as it was."""
    slots, _, _ = parts(name)

    @settings(max_examples=60)
    @given(st.data())
    def check(data):
        sample, attrs = draw_sample(data, name)
        with tf.Graph().as_default(), tf.Session() as sess:
            inputs = {key: tf.constant(value) for key, value in sample.items()}
            inputs |= {slot: tf.Variable(sample[slot]) for slot in slots}
            step = apply(name, inputs, **attrs)
            assert step.dtype.name == inputs["var"].dtype.name and step.dtype._is_ref_dtype
            assert step.shape.as_list() == list(sample["var"].shape)
            sess.run(tf.global_variables_initializer())
            returned = sess.run(step)
            after = sess.run({slot: inputs[slot] for slot in slots})
        np.testing.assert_array_equal(returned, after["var"])
        for slot, right in expected(name, sample, attrs).items():
            assert after[slot].dtype == sample[slot].dtype
            tolerance = TOLERANCE[sample[slot].dtype.name]
            scale = max(1.0, np.abs(right).max(initial=0))
            np.testing.assert_allclose(after[slot], right, rtol=tolerance, atol=tolerance * scale)

    check()


def test_formulas_cover_the_ops():
    with pytest.raises(KeyError):
        changed("ApplyNothing", {}, 0.0, {}, {})
    assert {"ApplyAdam", "ApplyFtrlV2"} <= set(DENSE) and "SparseApplyMomentum" in SPARSE


@pytest.mark.parametrize("name", DENSE + SPARSE)
def test_changes_in_place(name):
    """The arrays that variables hold are written to, not replaced."""
    slots, scalars, grad = parts(name)
    rng = np.random.RandomState(0)
    refs = {slot: VariableResource(slot, (3, 2)) for slot in slots}
    for slot, ref in refs.items():
        ref.assign(start_of(slot, rng, (3, 2)))
    held = {slot: ref.value for slot, ref in refs.items()}
    before = {slot: array.copy() for slot, array in held.items()}
    given = {**refs, grad: np.ones((3, 2)), "indices": np.array([0, 1, 2])}
    given |= {scalar: np.float64(np.mean(SCALARS[scalar])) for scalar in scalars}
    op = op_def_lib.get(name)
    attrs = {a: d.default for a, d in op.attrs.items() if d.kind == "bool"}
    kernel = op.bind_kernel({**attrs, "T": tf.float64, "Tindices": tf.int64})
    assert kernel(*[given[arg.name] for arg in op.inputs]) is refs["var"]
    for slot, ref in refs.items():
        assert ref.value is held[slot]
        assert not np.array_equal(ref.value, before[slot]), slot


# ---- static shapes


def hidden(shape=None):
    return tf.placeholder(tf.float32, shape)


def given_for(name, **changes):
    slots, scalars, grad = parts(name)
    given = {slot: tf.Variable(tf.ones([3, 2])) for slot in slots}
    given |= {scalar: tf.constant(0.5 * sum(SCALARS[scalar])) for scalar in scalars}
    given["indices"] = tf.constant([0, 1])
    given[grad] = tf.ones([2 if name in SPARSE else 3, 2])
    return {**given, **{(grad if k == "grad" else k): v for k, v in changes.items()}}


@pytest.mark.parametrize("name", DENSE + SPARSE)
def test_shapes_that_do_not_fit_are_refused_when_the_graph_is_built(name):
    slots, scalars, _ = parts(name)
    apply(name, given_for(name))
    wrong = [{"grad": tf.ones([4, 2])}, {"grad": tf.ones([2, 5])}, {"grad": tf.ones([])}]
    wrong += [{scalar: tf.ones([1])} for scalar in scalars]
    wrong += [{slot: tf.Variable(tf.ones([3]))} for slot in slots[1:]]
    if name in SPARSE:
        wrong += [{"indices": tf.constant([[0, 1]])}, {"indices": tf.constant([0])}]
        wrong += [{"var": tf.Variable(1.0)}]
    for changes in wrong:
        with pytest.raises(ValueError):
            apply(name, given_for(name, **changes))


@pytest.mark.parametrize("name", DENSE + SPARSE)
def test_shapes_that_do_not_fit_are_refused_when_it_runs(name):
    _, scalars, _ = parts(name)
    rows = 2 if name in SPARSE else 3
    bad = [("grad", np.ones((rows + 2, 2))), ("grad", np.ones((rows, 5))), ("grad", np.ones(()))]
    bad += [(scalar, np.ones(1)) for scalar in scalars]
    for key, value in bad:
        with tf.Graph().as_default(), tf.Session() as sess:
            fed = hidden()
            step = apply(name, given_for(name, **{key: fed}))
            sess.run(tf.global_variables_initializer())
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"var|scalar|grad"):
                sess.run(step, {fed: value})


@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.parametrize("index", [-1, 3])
def test_rows_that_do_not_exist_are_refused_and_nothing_is_changed(name, index):
    given = given_for(name, indices=tf.constant([0, index]))
    step = apply(name, given)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"Index {index} at offset 1"):
            sess.run(step)
        np.testing.assert_array_equal(sess.run(given["var"]), np.ones((3, 2)))


@pytest.mark.parametrize("name", DENSE + SPARSE)
def test_slots_without_a_value_are_named(name):
    slots, _, _ = parts(name)
    for missing in slots:
        with tf.Graph().as_default(), tf.Session() as sess:
            given = given_for(name)
            step = apply(name, given)
            for slot in slots:
                if slot != missing:
                    sess.run(given[slot].initializer)
            message = f"uninitialized value {given[missing].op.name}\n"
            with pytest.raises(tf.errors.FailedPreconditionError, match=message):
                sess.run(step)


@pytest.mark.parametrize("name", ["SparseApplyFtrl", "SparseApplyFtrlV2"])
@pytest.mark.parametrize(
    "scalar, value", [("lr", 0.0), ("lr", -1.0), ("l1", -1.0), ("l2", -1.0), ("lr_power", 1.0)]
)
def test_sparse_ftrl_refuses_numbers_that_make_no_sense(name, scalar, value):
    step = apply(name, given_for(name, **{scalar: tf.constant(value)}))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="is not a"):
            sess.run(step)
        if (scalar, value) == ("lr", 0.0):
            given = given_for(name, lr=tf.constant(0.0))
            sess.run([variable.initializer for variable in tf.global_variables()])
            assert np.isfinite(sess.run(apply(name, given, multiply_linear_by_lr=True))).all()


@pytest.mark.parametrize("name", ["ApplyProximalAdagrad", "SparseApplyProximalAdagrad"])
@pytest.mark.parametrize("scalar, value", [("lr", 0.0), ("l1", -1.0), ("l2", -1.0)])
def test_proximal_adagrad_refuses_numbers_that_make_no_sense(name, scalar, value):
    step = apply(name, given_for(name, **{scalar: tf.constant(value)}))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="is not a"):
            sess.run(step)


# ---- several threads


def test_updates_with_locks_wait_for_one_another():
    """While someone holds the lock of a slot, an update that locks does not touch the variable."""
    var, accum = VariableResource("var"), VariableResource("accum")
    for ref in (var, accum):
        ref.assign(np.zeros(1))
    kernel = op_def_lib.get("ApplyMomentum").kernel_fn
    step = np.float64(1.0)

    def update():
        kernel(var, accum, step, np.ones(1), step, use_locking=True, use_nesterov=False)

    with accum.lock:
        thread = threading.Thread(target=update)
        thread.start()
        thread.join(0.05)
        assert thread.is_alive() and var.value[0] == 0
    thread.join()
    assert var.value[0] == -1


def test_locks_are_taken_in_one_order():
    """Two updates that name the same variables in opposite order do not wait for ever."""
    refs = [VariableResource(name) for name in "ab"]
    for ref in refs:
        ref.assign(np.zeros(1))
    kernel = op_def_lib.get("ApplyMomentum").kernel_fn
    one = np.float64(1.0)

    def repeat(first, second):
        for _ in range(2000):
            kernel(first, second, one, np.ones(1), one, use_locking=True, use_nesterov=False)

    threads = [threading.Thread(target=repeat, args=pair) for pair in (refs, refs[::-1])]
    for thread in threads:
        thread.daemon = True
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_one_variable_in_two_places():
    """A variable that is its own slot is locked once."""
    ref = VariableResource("v")
    ref.assign(np.ones(1))
    one = np.float64(1.0)
    kernel = op_def_lib.get("ApplyMomentum").kernel_fn
    assert kernel(ref, ref, one, np.ones(1), one, use_locking=True, use_nesterov=False) is ref
