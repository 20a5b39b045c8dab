"""Functions of complex numbers: their values, shapes and gradients."""

import cmath

import numpy as np
import pytest

import minitf as tf

Z = np.array([[1.5 + 0.5j, -0.4 - 1.2j, 0.3 + 2.0j], [-2.0 + 0.1j, 0.7 - 0.6j, 1.0 + 1.0j]])

PARTS = {
    "Real": (tf.real, lambda z: z.real),
    "Imag": (tf.imag, lambda z: z.imag),
    "Conj": (tf.conj, lambda z: z.conjugate()),
    "ComplexAbs": (tf.abs, abs),
    "Angle": (tf.angle, cmath.phase),
    "Complex": (
        lambda z: tf.complex(tf.real(z) * 2.0, tf.imag(z)),
        lambda z: complex(2 * z.real, z.imag),
    ),
}
FUNCTIONS = {
    "Exp": (tf.exp, cmath.exp),
    "Expm1": (tf.expm1, lambda z: cmath.exp(z) - 1),
    "Log": (tf.log, cmath.log),
    "Log1p": (tf.log1p, lambda z: cmath.log(1 + z)),
    "Sqrt": (tf.sqrt, cmath.sqrt),
    "Rsqrt": (tf.rsqrt, lambda z: 1 / cmath.sqrt(z)),
    "Square": (tf.square, lambda z: z * z),
    "Reciprocal": (tf.reciprocal, lambda z: 1 / z),
    "Sin": (tf.sin, cmath.sin),
    "Cos": (tf.cos, cmath.cos),
    "Tan": (tf.tan, cmath.tan),
    "Asin": (tf.asin, cmath.asin),
    "Acos": (tf.acos, cmath.acos),
    "Atan": (tf.atan, cmath.atan),
    "Sinh": (tf.sinh, cmath.sinh),
    "Cosh": (tf.cosh, cmath.cosh),
    "Asinh": (tf.asinh, cmath.asinh),
    "Acosh": (tf.acosh, cmath.acosh),
    "Atanh": (tf.atanh, cmath.atanh),
    "Tanh": (tf.tanh, cmath.tanh),
    "Sigmoid": (tf.sigmoid, lambda z: 1 / (1 + cmath.exp(-z))),
    "Sign": (tf.sign, lambda z: z / abs(z)),
    "Pow": (lambda z: z**2.5, lambda z: z**2.5),
    "Mul": (lambda z: z * tf.constant(1 - 2j) * z, lambda z: z * (1 - 2j) * z),
    "RealDiv": (lambda z: tf.constant(1 - 2j) / z, lambda z: (1 - 2j) / z),
    "DivNoNan": (lambda z: tf.div_no_nan(tf.constant(1 - 2j), z), lambda z: (1 - 2j) / z),
}
HAS_NO_SLOPE = {"Sign"}  # TensorFlow's gradient of it is 0, also for complex numbers


def weights(shape, seed=7):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape), rng.standard_normal(shape)


def real_scalar(y):
    """A real function of what may be complex: a weighted sum of its parts."""
    first, second = weights(y.shape.as_list())
    return tf.reduce_sum(tf.real(y) * first) + tf.reduce_sum(tf.imag(y) * second)


def check_gradient(function, point, orders=2):
    """The gradient of L holds dL/dx in its real part and dL/dy in its imaginary part."""
    with tf.Graph().as_default(), tf.Session() as sess:
        z = tf.placeholder(tf.complex128, point.shape)
        scalar = real_scalar(function(z))
        for _ in range(orders):
            (grad,) = tf.gradients(scalar, z)
            if grad is None:  # of a constant gradient
                return
            value = sess.run(grad, {z: point})
            for direction in (1.0, 1j):
                for index in np.ndindex(*point.shape):
                    step = np.zeros(point.shape, complex)
                    step[index] = direction * 1e-6
                    ahead, back = (sess.run(scalar, {z: point + s}) for s in (step, -step))
                    slope = (ahead - back) / 2e-6
                    part = value[index].real if direction == 1.0 else value[index].imag
                    assert part == pytest.approx(slope, rel=2e-6, abs=2e-6)
            scalar = real_scalar(grad)


@pytest.mark.parametrize("name", PARTS)
def test_complex_function(name):
    """Values and dtypes are right, static shapes are kept, and gradients are differences."""
    function, oracle = PARTS[name]
    expected = np.vectorize(oracle)(Z)
    for dtype, tolerance in ((tf.complex64, 1e-6), (tf.complex128, 1e-14)):
        with tf.Graph().as_default(), tf.Session() as sess:
            z = tf.placeholder(dtype, [None, 3])
            y = function(z)
            assert y.shape.as_list() == [None, 3]
            value = sess.run(y, {z: Z})
        wanted = dtype if expected.dtype.kind == "c" else dtype.real_dtype
        assert y.dtype == wanted and value.dtype == wanted.as_numpy_dtype
        np.testing.assert_allclose(value, expected, rtol=tolerance)
    check_gradient(function, Z[:1])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_of_complex_numbers(name):
    """Functions of real and complex numbers give the complex values and gradients."""
    function, oracle = FUNCTIONS[name]
    with tf.Graph().as_default(), tf.Session() as sess:
        value = sess.run(function(tf.constant(Z)))
    np.testing.assert_allclose(value, np.vectorize(oracle)(Z), rtol=1e-12)
    if name not in HAS_NO_SLOPE:
        check_gradient(function, Z[:1])


@pytest.mark.parametrize(
    "function",
    [
        lambda z: tf.matmul(z, Z.T),
        lambda z: tf.matmul(z, z, adjoint_b=True),
        lambda z: tf.matmul(z, z, transpose_a=True),
        lambda z: tf.matmul(z[None], Z[None], adjoint_b=True),
        lambda z: tf.reduce_prod(z, 1),
        lambda z: tf.reduce_mean(z, 0),
        lambda z: tf.cumprod(z, 1),
        lambda z: tf.einsum("ij,kj->ik", z, tf.conj(z)),
        lambda z: tf.matrix_inverse(tf.matmul(z, z, adjoint_b=True)),
        lambda z: tf.matrix_determinant(tf.matmul(z, z, transpose_b=True)),
        lambda z: tf.matrix_solve(tf.matmul(z, z, transpose_b=True), Z, adjoint=True),
        lambda z: tf.unsorted_segment_prod(z, [0, 0], 1),
        lambda z: tf.squared_difference(z, Z[:, ::-1]),
    ],
)
def test_gradients_of_complex_matrices(function):
    """Products, reductions and inverses of complex tensors have the right gradients."""
    check_gradient(function, Z, orders=1)


def test_a_real_tensor_has_simple_parts():
    """Of a real tensor tf.real and tf.conj are the tensor itself."""
    x = tf.constant([1.0, -2.0])
    assert tf.real(x) is x and tf.conj(x) is x
    with tf.Session() as sess:
        np.testing.assert_array_equal(sess.run(tf.imag(x)), [0, 0])
        np.testing.assert_allclose(sess.run(tf.angle(x)), [0, np.pi], rtol=1e-6)


def test_complex_wants_one_dtype():
    """The parts of a complex number are both float32 or both float64."""
    with pytest.raises(TypeError, match="incorrect types: float32 float64"):
        tf.complex(tf.constant(1.0), tf.constant(1.0, tf.float64))
