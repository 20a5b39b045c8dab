"""Every registered op is found from the registry and tested, so that none can be half-added."""

import re
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.framework import op_def as op_def_lib
from minitf.framework.tensor_shape import TensorShape
from minitf.ops import array_ops
from minitf.runtime.interpreter import interpret
from tests.ops import cases as _cases  # noqa: F401 - registers the cases
from tests.ops.op_case import CASES, TESTED_ELSEWHERE, OpCase, Sample

ROOT = Path(__file__).parents[2]
ALL_CASES = [
    pytest.param(case, id=f"{name}-{i}" if i else name)
    for name, of_op in sorted(CASES.items())
    for i, case in enumerate(of_op)
]
GRADIENT_CASES = [param for param in ALL_CASES if param.values[0].gradients]
ALL_OPS = [pytest.param(op, id=op.name) for op in op_def_lib.all_ops()]

# Relative tolerances where a case has none: about ten units in the last place of sums of a few.
RTOL = {"float16": 1e-2, "float32": 1e-5, "float64": 1e-12, "complex64": 1e-5, "complex128": 1e-12}

quick = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
few = settings(quick, max_examples=6)


# ---- the registry


@pytest.mark.parametrize("op", ALL_OPS)
def test_op_has_every_part(op):
    """An op has a shape rule, a kernel, a word on its gradient, and a test."""
    assert op.shape_fn is not None or not op.outputs, f"{op.name} has no shape rule"
    assert op.kernel_fn is not None, f"{op.name} has no kernel"
    said = op.differentiable is not None or op.refuses_gradients
    assert said, f"{op.name}: no gradient, no not_differentiable(), no refuse_gradients()"
    assert op.name in CASES or op.name in TESTED_ELSEWHERE, f"{op.name} has no case"


def test_cases_are_of_registered_ops():
    """No case outlives its op."""
    names = {op.name for op in op_def_lib.all_ops()}
    assert set(CASES) | set(TESTED_ELSEWHERE) <= names


@pytest.mark.parametrize("op", sorted(TESTED_ELSEWHERE))
def test_the_other_test_exists_and_names_the_op(op):
    """`tested_elsewhere` points at a test function that is there."""
    path, _, function = TESTED_ELSEWHERE[op].partition("::")
    source = (ROOT / path).read_text()
    name = function.split("::")[-1]
    assert re.search(rf"def {re.escape(name)}\(", source), TESTED_ELSEWHERE[op]


def test_a_differentiable_op_has_its_gradient_tested():
    """Ops with a gradient and floating inputs name the inputs whose gradients are checked."""
    missing = [
        op.name
        for op in op_def_lib.all_ops()
        if op.gradient_fn is not None
        and op.name in CASES
        and not any(case.gradients for case in CASES[op.name])
    ]
    assert not missing


# ---- kernels and shape rules


def feedable(array):
    """An array as a kernel gets it: in C order, and read-only, so that writing to it fails."""
    array = np.array(array, order="C")
    array.flags.writeable = False
    return array


def build(case: OpCase, sample: Sample, shape_of, static: bool):
    """Builds the op on placeholders; returns its output tensors and the feeds.

    Args:
      shape_of: from an array to the static shape that its placeholder is given.
      static: whether inputs named in `case.static` are constants.
    """
    op = op_def_lib.get(case.op)
    feeds = {}

    def tensor(array, name):
        if static and name in case.static:
            return tf.constant(array)
        placeholder = array_ops.placeholder(tf.as_dtype(array.dtype), shape_of(array))
        feeds[placeholder] = array
        return placeholder

    inputs = []
    for arg, value in zip(op.inputs, sample.inputs, strict=True):
        if arg.is_list:
            inputs.append([tensor(feedable(item), arg.name) for item in value])
        else:
            inputs.append(tensor(feedable(value), arg.name))
    result = op(*inputs, **sample.attrs)
    outputs = [result] if isinstance(result, tf.Tensor) else list(result)
    return outputs, inputs, feeds


def expected_outputs(case, sample):
    with np.errstate(all="ignore"):
        result = case.oracle(*sample.inputs, **sample.attrs)
    return list(result) if isinstance(result, (tuple, list)) else [result]


def assert_same(actual, expected, case):
    """Equal dtype and shape, and values within the stated relative tolerance."""
    expected = np.asarray(expected)
    # A text that numpy takes for one of its own loses bytes of 0 at its end.
    actual = np.asarray(actual, object if expected.dtype == object else None)
    assert actual.shape == expected.shape
    if actual.dtype == object:
        assert actual.tolist() == expected.tolist()
        return
    if actual.dtype.kind in "fc":
        rtol = case.rtol.get(actual.dtype.name, RTOL[actual.dtype.name])
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
        np.testing.assert_allclose(
            actual, expected.astype(actual.dtype), rtol=rtol, atol=rtol * float(scale)
        )
    else:
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("case", ALL_CASES)
def test_kernel(case):
    """The session and the reference interpreter give what the case's oracle says."""

    @quick
    @given(case.samples)
    def check(sample):
        with tf.Graph().as_default(), tf.Session() as sess:
            outputs, _, feeds = build(case, sample, lambda a: a.shape, static=True)
            expected = expected_outputs(case, sample)
            assert len(outputs) == len(expected)
            values = sess.run(outputs, feeds)
            stateful = op_def_lib.get(case.op).stateful
            # The second run is by a program for these shapes; random ops go on.
            again = values if stateful else sess.run(outputs, feeds)
            plain = interpret(outputs, feeds)
            for i, output in enumerate(outputs):
                if output.dtype != tf.string:
                    assert np.asarray(values[i]).dtype == output.dtype.as_numpy_dtype, output
                assert_same(values[i], expected[i], case)
                np.testing.assert_array_equal(np.asarray(values[i]), np.asarray(plain[i]))
                np.testing.assert_array_equal(np.asarray(again[i]), np.asarray(plain[i]))

    check()


def bound(case, sample):
    """The kernel of a case's op, attributes filled in, and the arrays to call it with."""
    op = op_def_lib.get(case.op)
    flat = []
    for arg, value in zip(op.inputs, sample.inputs, strict=True):
        flat.extend([feedable(v) for v in value] if arg.is_list else [feedable(value)])
    with tf.Graph().as_default():
        outputs, _, _ = build(case, sample, lambda a: a.shape, static=True)
        return op.bind_kernel(outputs[0].op._attrs), flat


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("case", ALL_CASES)
def test_no_hidden_alias(case):
    """An output shares no memory with an input unless the declaration says that it may."""
    op = op_def_lib.get(case.op)
    if op.aliases:
        pytest.skip("declared to alias")

    @few
    @given(case.samples)
    def check(sample):
        kernel, flat = bound(case, sample)
        with np.errstate(all="ignore"):
            result = kernel(*flat)
        for value in as_tuple(result):
            for array in flat:
                assert not np.may_share_memory(np.asarray(value), array)

    if not op.kernel_takes_context:
        check()


OUT_CASES = [
    param
    for param in ALL_CASES
    if op_def_lib.get(param.values[0].op).kernel_takes_out
    and not op_def_lib.get(param.values[0].op).kernel_takes_context
]


@pytest.mark.parametrize("case", OUT_CASES)
def test_a_kernel_puts_its_result_where_it_is_told(case):
    """With `out=` the same numbers come, in that memory, whatever was in it before."""

    @few
    @given(case.samples)
    def check(sample):
        kernel, flat = bound(case, sample)
        with np.errstate(all="ignore"):
            expected = [np.asarray(value) for value in as_tuple(kernel(*flat))]
            room = tuple(np.full_like(value, 77, order="C") for value in expected)
            result = as_tuple(kernel(*flat, out=room if len(room) > 1 else room[0]))
        for value, place, right in zip(result, room, expected, strict=True):
            assert value is place
            np.testing.assert_array_equal(place, right)

    check()


PASSING_ON = [p for p in ALL_CASES if op_def_lib.get(p.values[0].op).passes_on_same_shape]


@pytest.mark.parametrize("case", PASSING_ON)
def test_what_keeps_its_shape_is_passed_on(case):
    """So the declaration says, and programs then leave the node out."""

    @quick
    @given(case.samples)
    def check(sample):
        kernel, flat = bound(case, sample)
        with np.errstate(all="ignore"):
            result = np.asarray(kernel(*flat))
        if result.shape == flat[0].shape:
            np.testing.assert_array_equal(result, flat[0])

    check()


@pytest.mark.parametrize("case", ALL_CASES)
def test_shape_rule(case):
    """Static shapes agree with the kernel's real ones, whatever is hidden from the rule."""

    @quick
    @given(case.samples, st.data())
    def check(sample, data):
        def hidden(array):
            if data.draw(st.integers(0, 4)) == 0:
                return None
            return [d if data.draw(st.booleans()) else None for d in array.shape]

        real = [np.shape(value) for value in expected_outputs(case, sample)]
        for shape_of, static in (
            (lambda a: a.shape, True),
            (hidden, True),
            (hidden, False),
            (lambda a: None, False),
        ):
            with tf.Graph().as_default():
                outputs, _, _ = build(case, sample, shape_of, static)
                for output, shape in zip(outputs, real, strict=True):
                    assert output.shape.is_compatible_with(TensorShape(shape)), (
                        f"{output} against {shape}"
                    )

    check()


@pytest.mark.parametrize("case", ALL_CASES)
def test_shape_rule_knows_all_it_can(case):
    """With every input shape known and operands constant, the result's rank is known."""
    op = op_def_lib.get(case.op)

    @few
    @given(case.samples)
    def check(sample):
        with tf.Graph().as_default():
            outputs, _, _ = build(case, sample, lambda a: a.shape, static=True)
            for output in outputs:
                assert output.shape.ndims is not None, f"{op.name} forgets the rank"

    if op.shape_fn is not op_def_lib.unknown:
        check()


# ---- gradients


def weights_like(values, rng):
    return [rng.standard_normal(np.shape(value)) for value in values]


def weighted_sum(tensors, weights):
    terms = [tf.reduce_sum(t * tf.constant(w)) for t, w in zip(tensors, weights, strict=True)]
    return tf.add_n(terms)


def directional(sess, scalar, sources, feeds, direction, step):
    """(f(x + h d) - f(x - h d)) / 2h."""
    values = []
    for sign in (1.0, -1.0):
        moved = dict(feeds)
        for source, d in zip(sources, direction, strict=True):
            moved[source] = feeds[source] + sign * step * d
        values.append(sess.run(scalar, moved))
    return (values[0] - values[1]) / (2 * step)


def check_derivative(sess, scalar, sources, feeds, rng, what):
    """Compares gradients of a scalar with finite differences; returns the gradients."""
    grads = tf.gradients(scalar, sources)
    direction = [rng.standard_normal(np.shape(feeds[s])) for s in sources]
    numeric = directional(sess, scalar, sources, feeds, direction, 1e-6)
    present = [(g, d) for g, d in zip(grads, direction, strict=True) if g is not None]
    dense = [tf.convert_to_tensor(g) for g, _ in present]
    values = sess.run(dense, feeds)
    analytic = sum(float(np.sum(v * d)) for v, (_, d) in zip(values, present, strict=True))
    scale = 1.0 + sum(float(np.abs(v * d).sum()) for v, (_, d) in zip(values, present, strict=True))
    scale += abs(float(sess.run(scalar, feeds)))
    assert abs(analytic - numeric) <= 2e-7 * scale + 1e-8, (
        f"{what}: {analytic} by gradients, {numeric} by differences"
    )
    return dense


@pytest.mark.parametrize("case", GRADIENT_CASES)
def test_gradient(case):
    """First and second derivatives agree with finite differences, in random directions."""

    @few
    @given(
        case.samples if case.gradient_samples is None else case.gradient_samples,
        st.integers(0, 2**32 - 1),
    )
    def check(sample, seed):
        rng = np.random.default_rng(seed)
        with tf.Graph().as_default(), tf.Session() as sess:
            outputs, inputs, feeds = build(case, sample, lambda a: a.shape, static=True)
            names = [arg.name for arg in op_def_lib.get(case.op).inputs]
            sources = []
            for name, tensor in zip(names, inputs, strict=True):
                if name in case.gradients:
                    sources.extend(tensor if isinstance(tensor, list) else [tensor])
            assert all(s.dtype == tf.float64 for s in sources), "gradient samples are float64"
            smooth = [t for t in outputs if t.dtype == tf.float64]
            scalar = weighted_sum(smooth, weights_like(sess.run(smooth, feeds), rng))
            grads = check_derivative(sess, scalar, sources, feeds, rng, "first order")
            if case.second_order and grads:
                scalar = weighted_sum(grads, weights_like(sess.run(grads, feeds), rng))
                check_derivative(sess, scalar, sources, feeds, rng, "second order")

    check()
