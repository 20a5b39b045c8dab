"""Entries of the op table of random programs: convolutions, pools and other windows."""

from __future__ import annotations

from tests.parity.random_graphs import GaveUp, Maker, Value, entry

SINGLE_AND_DOUBLE = ("float32", "float64")


def _image(m: Maker, dtype: str | None = None) -> Value:
    """A batch of small images; one that is there, if there is one."""
    found = m.candidates(
        (dtype,) if dtype else SINGLE_AND_DOUBLE,
        lambda v: v.ndim == 4 and v.size and min(v.shape[1:3]) >= 2,
    )
    if found and m.flag():
        value: Value = m.choose(found)
        return value
    shape = [m.choose((1, 2)), m.choose((4, 3, 5)), m.choose((4, 3, 5)), m.choose((1, 2, 3))]
    return m.leaf(dtype or m.choose(SINGLE_AND_DOUBLE), shape)


def _window(m: Maker, image: Value) -> tuple[int, int]:
    return m.integer(1, min(3, image.shape[1])), m.integer(1, min(3, image.shape[2]))


def _padding(m: Maker) -> str:
    return str(m.choose(("VALID", "SAME")))


@entry
def conv2d(m: Maker) -> None:
    x = _image(m)
    h, w = _window(m, x)
    kernel = m.operand(x.dtype, [h, w, x.shape[3], m.choose((2, 1, 3))])
    steps = [1, m.choose((1, 2)), m.choose((1, 2)), 1]
    padding: object = _padding(m)
    if m.rarely(6):
        padding = [[0, 0], [1, 0], [0, 2], [0, 0]]
    # TensorFlow differentiates convolutions with holes in float32 only.
    holes = h == 1 and x.dtype == "float32" and m.rarely(4)
    dilations = ", dilations=[1, 2, 1, 1]" if holes else ""
    m.emit(f"tf.nn.conv2d({x}, {kernel}, {steps}, {padding!r}{dilations})")


@entry
def conv2d_with_holes(m: Maker) -> None:
    x = _image(m)
    kernel = m.operand(x.dtype, [2, 2, x.shape[3], m.choose((2, 1))])
    m.emit(f"tf.nn.atrous_conv2d({x}, {kernel}, {m.choose((1, 2))}, 'SAME')")


@entry
def conv2d_transpose(m: Maker) -> None:
    x = _image(m)
    n, h, w, c = x.shape
    out, step = m.choose((1, 2)), m.choose((1, 2))
    kernel = m.operand(x.dtype, [2, 2, out, c])
    shape = [n, h * step, w * step, out]
    m.emit(f"tf.nn.conv2d_transpose({x}, {kernel}, {shape}, [1, {step}, {step}, 1], 'SAME')")


@entry
def conv1d(m: Maker) -> None:
    dtype = m.choose(SINGLE_AND_DOUBLE)
    x = m.operand(dtype, [m.choose((1, 2)), m.choose((4, 3)), m.choose((1, 2))])
    kernel = m.operand(dtype, [2, x.shape[2], m.choose((1, 2))])
    m.emit(f"tf.nn.conv1d({x}, {kernel}, {m.choose((1, 2))}, {_padding(m)!r})")


@entry
def depthwise_conv2d(m: Maker) -> None:
    x = _image(m)
    h, w = _window(m, x)
    kernel = m.operand(x.dtype, [h, w, x.shape[3], m.choose((1, 2))])
    step = m.choose((1, 2))
    m.emit(f"tf.nn.depthwise_conv2d({x}, {kernel}, [1, {step}, {step}, 1], {_padding(m)!r})")


@entry
def separable_conv2d(m: Maker) -> None:
    x = _image(m)
    deep = m.operand(x.dtype, [2, 2, x.shape[3], 1])
    point = m.operand(x.dtype, [1, 1, x.shape[3], m.choose((1, 2))])
    m.emit(f"tf.nn.separable_conv2d({x}, {deep}, {point}, [1, 1, 1, 1], {_padding(m)!r})")


@entry
def max_pool(m: Maker) -> None:
    x = _image(m)
    _pool(m, x, "max_pool")


@entry
def avg_pool(m: Maker) -> None:
    x = _image(m)
    _pool(m, x, "avg_pool")


def _pool(m: Maker, x: Value, name: str) -> None:
    h, w = _window(m, x)
    size, step = [1, h, w, 1], [1, m.choose((1, 2)), m.choose((1, 2)), 1]
    m.emit(f"tf.nn.{name}({x}, {size}, {step}, {_padding(m)!r})")


@entry
def max_pool_with_argmax(m: Maker) -> None:
    x = _image(m, "float32")
    h, w = _window(m, x)
    m.emit(
        f"tf.nn.max_pool_with_argmax({x}, [1, {h}, {w}, 1], [1, {h}, {w}, 1], {_padding(m)!r})", 2
    )


@entry
def extract_image_patches(m: Maker) -> None:
    x = _image(m)
    if m.static(x).ndims is None:  # TensorFlow's gradient needs the rank
        raise GaveUp
    h, w = _window(m, x)
    m.emit(
        f"tf.extract_image_patches({x}, [1, {h}, {w}, 1], [1, 1, 2, 1], [1, 1, 1, 1], "
        f"{_padding(m)!r})"
    )
