"""Array ops: shapes, slices, joins, and the errors of wrong arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("arrays")


def ph(tf: Any, *shape: Any, dtype: str = "float32") -> Any:
    return tf.placeholder(dtype, list(shape))


def anything(tf: Any) -> Any:
    return tf.placeholder("float")


@family.graph
def placeholders(tf: Any) -> None:
    tf.placeholder("float")
    tf.placeholder(tf.int32, [None, 3], name="x")
    tf.placeholder_with_default([1.0, 2.0], [None])
    tf.identity(1)
    tf.identity([ph(tf), ph(tf)])
    tf.identity_n([ph(tf, 2), ph(tf, 3, dtype="int32")])
    tf.stop_gradient(ph(tf, 2), name="stopped")


@family.graph
def shapes(tf: Any) -> None:
    for x in (ph(tf, 2, 3), ph(tf, 2, None), anything(tf)):
        tf.shape(x)
        tf.shape(x, out_type=tf.int64, name="s")
        tf.size(x)
        tf.rank(x)
    tf.shape([1, 2])
    tf.shape_n([ph(tf, 2, 3), ph(tf, None)])


@family.graph
def fills(tf: Any) -> None:
    rows = ph(tf, dtype="int32")
    for shape in (
        [2, 3],
        [50, 50],
        [],
        [0, 2],
        (2,),
        np.array([2, 3]),
        [rows, 2],
        3,
        [np.int64(2)],
    ):
        tf.zeros(shape)
        tf.ones(shape, tf.int32)
    tf.zeros(tf.TensorShape([2, 3]), name="z")
    tf.zeros(tf.shape(ph(tf, None, 2)))
    tf.zeros(tf.constant(3))
    tf.zeros([2], tf.string)
    tf.ones([2], tf.bool)
    tf.fill([2, 3], 1.0)
    tf.fill([rows, 3], "a")


@family.graph
def likes(tf: Any) -> None:
    for x in (ph(tf, 2, 3), ph(tf, 2, None), ph(tf, 50, 50), anything(tf), [1.0, 2.0]):
        tf.zeros_like(x)
        tf.zeros_like(x, dtype=tf.int32)
        tf.zeros_like(x, optimize=False)
        tf.ones_like(x)
        tf.ones_like(x, dtype=tf.bool)
        tf.ones_like(x, optimize=False)


@family.graph
def reshapes(tf: Any) -> None:
    for shape in ([3, 2], [-1], [-1, 3], np.array([3, 2]), tf.TensorShape([6, 1]), [[], [6]][1]):
        tf.reshape(ph(tf, 2, 3), shape)
    tf.reshape(ph(tf, None, 6), [-1, 2, 3])
    tf.reshape(ph(tf, 1), [])
    tf.reshape(ph(tf, 2, 3), [ph(tf, dtype="int32"), 3])
    tf.reshape(ph(tf, 2, 3), tf.shape(ph(tf, None, 2)))
    tf.reshape(ph(tf, 2, 3), tf.placeholder("int32"))
    tf.reshape(ph(tf, 2, None), [0, -1])
    tf.reshape(anything(tf), [-1, 4])
    for axis in (0, -1, np.int64(1), [1]):
        tf.expand_dims(ph(tf, 2, 3), axis)
    tf.expand_dims(ph(tf, 2, 3), dim=1)
    tf.expand_dims(ph(tf, 2), ph(tf, dtype="int32"))
    tf.squeeze(ph(tf, 1, 2, 1))
    tf.squeeze(ph(tf, 1, None, 1))
    tf.squeeze(ph(tf, 1, None, 1), [-1])
    tf.squeeze(ph(tf, 1, 2), squeeze_dims=0)
    tf.squeeze(anything(tf), 0)


@family.graph
def packing(tf: Any) -> None:
    scalar = ph(tf)
    tf.stack([1, 2, 3])
    tf.stack([ph(tf, 2), ph(tf, None)], axis=1)
    tf.stack([ph(tf, 2), ph(tf, 2)], axis=-1, name="s")
    tf.stack([1.0, scalar])
    tf.stack([[scalar, 1.0], [2.0, 3.0]])
    tf.stack([np.ones(2), np.ones(2)])
    tf.stack([[1, 2], [3, 4]], axis=1)
    tf.convert_to_tensor([[scalar, 1.0], [2.0, scalar]])
    tf.convert_to_tensor([1, scalar], name="foo")
    tf.convert_to_tensor((scalar, 1), dtype=tf.int32)
    tf.convert_to_tensor([ph(tf, 2), [1, 2]])
    tf.add([scalar, 1.0], [2.0, 3.0])
    tf.unstack(ph(tf, 2, 3))
    tf.unstack(ph(tf, 2, None), num=4, axis=1)
    tf.unstack([1, 2])


@family.graph
def joining(tf: Any) -> None:
    tf.concat([ph(tf, 2, 3), ph(tf, None, 3)], 0)
    tf.concat([ph(tf, 2, 3), ph(tf, 2, None)], -1, name="c")
    tf.concat([ph(tf, 2, 3)], 0)
    tf.concat(ph(tf, 2, 3), 0, name="one")
    tf.concat([ph(tf, 2, 3), ph(tf, 2, 3)], ph(tf, dtype="int32"))
    tf.concat([ph(tf, 2, 3), anything(tf)], 0)
    tf.concat([[1, 2], ph(tf, 2, dtype="int32")], 0)
    tf.concat([ph(tf, 2, 3), np.ones([1, 3])], 0)
    tf.zeros(tf.concat([tf.shape(ph(tf, None, 2)), [3]], 0))
    tf.split(ph(tf, 4, 6), 2)
    tf.split(ph(tf, 4, 6), [1, 3])
    tf.split(ph(tf, 4, None), [2, -1], axis=-1)
    tf.split(ph(tf, 4, 6), ph(tf, None, dtype="int32"), 1, num=3)
    tf.split(value=ph(tf, 4, 6), num_or_size_splits=2, axis=ph(tf, dtype="int32"), name="sp")
    tf.split(ph(tf, 4, 6), np.array([2, 4]), 1)


@family.graph
def indexing(tf: Any) -> None:
    x = ph(tf, 4, 5)
    _ = x[1], x[-1], x[1:3], x[::-1], x[:, 1], x[..., 1], x[tf.newaxis], x[None, :, None]
    _ = x[1:3, ::2], x[1, 2], x[...], x[:], x[[0, 1]], x[np.int64(1)], x[()], x[3:1], x[-2::-1]
    _ = x[2:, ..., tf.newaxis], x[0:2147483648]
    y = ph(tf, None, 5)
    _ = y[7], y[:2], y[2:], y[:-1], y[:, 1:3], anything(tf)[1], anything(tf)[..., 2]
    z = ph(tf, 4, 5, 6)
    _ = z[0, ..., 0:2], z[1:3, ..., None, 2]


@family.graph
def indexing_with_tensors(tf: Any) -> None:
    x, i, j = ph(tf, 4, 5), ph(tf, dtype="int32"), ph(tf, dtype="int64")
    _ = x[i], x[i:, 2], x[:j, 2], x[j], x[i:3], x[1:i], x[i:3:2], x[i, 1:2], x[::i], x[..., i]
    _ = x[None, i], x[j, None, ...], x[1:i:-1, i], x[tf.constant(1) : tf.constant(2)]
    size = tf.shape(ph(tf, None, 5))
    _ = size[0], tf.zeros(size[1:]), tf.zeros([size[1], 2]), x[size[0] - 1]


@family.graph
def slices(tf: Any) -> None:
    x = ph(tf, 4, 5)
    tf.slice(x, [0, 1], [2, -1])
    tf.slice(x, ph(tf, 2, dtype="int32"), [2, -1])
    tf.slice(x, [1, 1], ph(tf, 2, dtype="int32"), name="q")
    tf.slice(x, [0, 1], tf.shape(ph(tf, None, 2)))
    tf.slice(anything(tf), [1, 1], [2, 2])
    tf.strided_slice(x, [1, 0], [3, 5], [1, 2])
    tf.strided_slice(x, [1, 0], [3, 5])
    tf.strided_slice(x, [1], [2], [1], shrink_axis_mask=1, name="ss")
    tf.strided_slice(x, ph(tf, 2, dtype="int32"), [3, 3], begin_mask=1)
    tf.strided_slice(x, tf.placeholder("int32"), tf.placeholder("int32"))


@family.graph
def masks(tf: Any) -> None:
    tf.boolean_mask(ph(tf, 4, 5), [True, False, True, False])
    tf.boolean_mask(ph(tf, 4, 5), ph(tf, 5, dtype="bool"), axis=1)
    tf.boolean_mask(ph(tf, None, 5), ph(tf, None, dtype="bool"), name="bm")
    tf.boolean_mask(anything(tf), ph(tf, None, dtype="bool"))
    tf.boolean_mask(ph(tf, 4, 5, 6), ph(tf, None, 6, dtype="bool"), axis=1)
    _ = ph(tf, 4, 5)[ph(tf, 4, dtype="bool")]
    tf.sequence_mask([1, 3, 2])
    tf.sequence_mask(ph(tf, None, dtype="int32"), 5, dtype=tf.float32)
    tf.sequence_mask(ph(tf, 2, 3, dtype="int64"), name="sm")
    tf.sequence_mask(ph(tf, 2, dtype="int32"), ph(tf, dtype="int32"))


@family.graph
def gathering(tf: Any) -> None:
    x = ph(tf, 4, 5)
    tf.gather(x, [1, 2])
    tf.gather(x, ph(tf, None, 3, dtype="int64"))
    tf.gather(x, np.array([1, 2]), axis=-1, name="g")
    tf.gather(ph(tf, 4, 5, 6), ph(tf, 4, 2, dtype="int32"), batch_dims=1)
    tf.gather(ph(tf, 4, 5, 6), ph(tf, 4, 2, dtype="int32"), axis=2, batch_dims=1)
    tf.gather(x, [1], axis=ph(tf, dtype="int32"))
    tf.gather(anything(tf), [1])
    tf.gather_nd(x, [[0, 0], [1, 1]])
    tf.gather_nd(x, ph(tf, None, 1, dtype="int32"))
    tf.gather_nd(x, tf.placeholder("int32"))
    tf.scatter_nd([[1], [3]], [9.0, 8.0], [5])
    tf.scatter_nd(ph(tf, None, 1, dtype="int32"), ph(tf, None, 3), [5, 3])


@family.graph
def selecting(tf: Any) -> None:
    x, y = ph(tf, 4, 5), ph(tf, 4, 5)
    tf.where(ph(tf, 4, 5, dtype="bool"))
    tf.where(x)
    for condition in (ph(tf, 4, 5, dtype="bool"), ph(tf, 4, dtype="bool"), ph(tf, dtype="bool")):
        tf.where(condition, x, y)
    tf.where(ph(tf, None, dtype="bool"), ph(tf, None), ph(tf, 3))
    tf.where([True, False], [1, 2], [3, 4])
    tf.where_v2(ph(tf, 4, 1, dtype="bool"), x, ph(tf, 5))
    tf.where_v2(ph(tf, 4, dtype="bool"), 1.0, 0.0)
    tf.one_hot([0, 1], 3)
    tf.one_hot(ph(tf, None, dtype="int64"), 10, name="oh")
    tf.one_hot([0, 1], 3, on_value=5, off_value=1)
    tf.one_hot(ph(tf, 2, 3, dtype="int32"), 4, axis=1, on_value=1.5)
    tf.one_hot(ph(tf, 2, dtype="uint8"), ph(tf, dtype="int32"), True, False)
    tf.one_hot([0, 1], 3, dtype=tf.int32)
    tf.unique(ph(tf, 4))
    tf.unique_with_counts(ph(tf, None, dtype="int64"), out_idx=tf.int64)
    tf.setdiff1d([1, 2, 3], [2])
    tf.searchsorted([1, 3, 5], [2, 3], side="right")
    tf.searchsorted(ph(tf, 2, 3), ph(tf, 2, 4), out_type=tf.int64)


@family.graph
def padding(tf: Any) -> None:
    x, n = ph(tf, 2, 3), ph(tf, dtype="int32")
    tf.pad(x, [[1, 1], [0, 2]])
    tf.pad(x, [[1, 1], [0, 2]], constant_values=1)
    tf.pad(x, [[1, 1], [0, 2]], constant_values=tf.constant(0.0))
    tf.pad(x, [[1, 1], [0, 2]], "REFLECT")
    tf.pad(ph(tf, None, 3), [[1, 1], [0, 2]], mode="symmetric", name="pp")
    tf.pad(tensor=x, paddings=[[1, 1], [0, n]])
    tf.pad(anything(tf), ph(tf, 3, 2, dtype="int32"))
    tf.tile(x, [2, 1])
    tf.tile(ph(tf, 2, None), [n, 2], name="t")
    tf.tile(ph(tf), [])
    tf.tile(anything(tf), [2, 2])
    tf.broadcast_to(ph(tf, 3), [2, 3])
    tf.broadcast_to(ph(tf, 3), ph(tf, 2, dtype="int32"))
    tf.broadcast_dynamic_shape([2, 1], [3])
    tf.meshgrid([1, 2, 3], [4, 5], [6])
    tf.meshgrid(ph(tf, 3), ph(tf, None), indexing="ij")


@family.graph
def turning(tf: Any) -> None:
    x = ph(tf, 2, 3)
    tf.transpose(x)
    tf.transpose(ph(tf, 2, None, 4), [2, 0, 1], name="t")
    tf.transpose(anything(tf))
    tf.transpose(x, ph(tf, 2, dtype="int32"))
    tf.transpose(ph(tf, 2, 3, dtype="complex64"), conjugate=True)
    tf.matrix_transpose(ph(tf, 2, 3, 4))
    tf.matrix_transpose(anything(tf))
    tf.invert_permutation([2, 0, 1])
    tf.reverse(x, [0])
    tf.reverse_v2(x, axis=[-1, 0])
    tf.reverse_sequence(ph(tf, 4, 5), [1, 2, 3, 4], seq_axis=1, batch_axis=0)
    tf.reverse_sequence(ph(tf, 4, None), ph(tf, 5, dtype="int32"), seq_dim=0, batch_dim=1)
    tf.roll(x, [1, 2], [0, 1])
    tf.matrix_band_part(ph(tf, 3, 3), 1, 0)


@family.graph
def blocks(tf: Any) -> None:
    tf.space_to_depth(ph(tf, None, 4, None, 3), 2)
    tf.depth_to_space(ph(tf, 1, 4, 4, 12), 2)
    tf.space_to_batch_nd(ph(tf, None, None, 4, 3), [2, 2], [[0, 0], [0, 0]])
    tf.space_to_batch(ph(tf, 1, 4, 4, 3), [[0, 0], [0, 0]], 2)
    tf.batch_to_space_nd(ph(tf, 4, 2, 2, 3), [2, 2], [[0, 0], [0, 1]])
    tf.batch_to_space(ph(tf, 4, 2, 2, 3), [[0, 0], [0, 0]], 2)
    tf.extract_image_patches(ph(tf, 1, 5, 5, 2), [1, 3, 3, 1], [1, 2, 2, 1], [1] * 4, "VALID")
    tf.bitcast(ph(tf, 2, 3), tf.uint8)
    tf.bitcast(ph(tf, 2, 4, dtype="uint8"), tf.float32)
    tf.ensure_shape(ph(tf, None, 3), [2, 3])


@family.graph(run=False)  # TensorFlow has no kernel for this on a CPU
def blocks_with_channels_first(tf: Any) -> None:
    tf.depth_to_space(ph(tf, 1, 12, 4, 4), 2, data_format="NCHW")
    tf.space_to_depth(ph(tf, None, 3, 4, 4), 2, data_format="NCHW")


# ---- errors: what is wrong when the graph is built, and what turns out when it runs

ERRORS: dict[str, Callable[[Any], Any]] = {
    "default of another rank": lambda tf: tf.placeholder_with_default([1.0], []),
    "reshape to a rest": lambda tf: tf.reshape(ph(tf, 2, 3), [4, -1]),
    "reshape to another size": lambda tf: tf.reshape(ph(tf, 2, 3), [4]),
    "reshape to a scalar size": lambda tf: tf.reshape(ph(tf, 2, 3), -1),
    "reshape to -2": lambda tf: tf.reshape(ph(tf, 2, 3), [-2, 3]),
    "reshape to None": lambda tf: tf.reshape(ph(tf, 2, 3), [None, 3]),
    "reshape to floats": lambda tf: tf.reshape(ph(tf, 2, 3), [2.0, 3.0]),
    "expand without axis": lambda tf: tf.expand_dims(ph(tf, 2), None),
    "expand beyond": lambda tf: tf.expand_dims(ph(tf, 2, 3), 5),
    "squeeze 2": lambda tf: tf.squeeze(ph(tf, 1, 2), 1),
    "squeeze beyond": lambda tf: tf.squeeze(ph(tf, 1, 2), 5),
    "stack of shapes": lambda tf: tf.stack([ph(tf, 2), ph(tf, 3)]),
    "stack of dtypes": lambda tf: tf.stack([ph(tf, 2), ph(tf, 2, dtype="int32")]),
    "stack beyond": lambda tf: tf.stack([ph(tf, 2), ph(tf, 2)], axis=3),
    "pack a float with ints": lambda tf: tf.convert_to_tensor([ph(tf, dtype="int32"), 1.5]),
    "unstack of unknown": lambda tf: tf.unstack(ph(tf, 2, None), axis=1),
    "unstack beyond": lambda tf: tf.unstack(ph(tf, 2, 3), axis=2),
    "concat of shapes": lambda tf: tf.concat([ph(tf, 2, 3), ph(tf, 4, 4)], 0),
    "concat of ranks": lambda tf: tf.concat([ph(tf, 2, 3), ph(tf, 4)], 0),
    "concat of scalars": lambda tf: tf.concat([ph(tf), ph(tf)], 0),
    "concat of dtypes": lambda tf: tf.concat([ph(tf, 2), ph(tf, 2, dtype="int32")], 0),
    "concat beyond": lambda tf: tf.concat([ph(tf, 2, 3), ph(tf, 2, 3)], 2),
    "concat in the older order": lambda tf: tf.concat(0, [ph(tf, 2, 3), ph(tf, 2, 3)]),
    "split with a rest": lambda tf: tf.split(ph(tf, 4, 6), 4, 1),
    "split to another sum": lambda tf: tf.split(ph(tf, 4, 6), [2, 2], 1),
    "split by a scalar": lambda tf: tf.split(ph(tf, 4, 6), tf.constant(2)),
    "split of two -1": lambda tf: tf.split(ph(tf, 4, 6), [-1, -1]),
    "index with a float": lambda tf: ph(tf, 4, 5)[1.5],
    "index with text": lambda tf: ph(tf, 4, 5)["a"],
    "index with a vector": lambda tf: ph(tf, 4, 5)[tf.constant([0, 1])],
    "index with a float tensor": lambda tf: ph(tf, 4, 5)[tf.constant(1.0)],
    "index with True": lambda tf: ph(tf, 4, 5)[True],
    "index beyond": lambda tf: ph(tf, 4, 5)[5],
    "index below": lambda tf: ph(tf, 4, 5)[-5],
    "index of too many dims": lambda tf: ph(tf, 4, 5)[1, 2, 3],
    "index with two ...": lambda tf: ph(tf, 4, 5)[..., ...],
    "slice with step 0": lambda tf: ph(tf, 4, 5)[1:3:0],
    "slice of another rank": lambda tf: tf.slice(ph(tf, 4, 5), [0], [2]),
    "slice from beyond": lambda tf: tf.slice(ph(tf, 4, 5), [0, 6], [2, -1]),
    "mask of a scalar": lambda tf: tf.boolean_mask(ph(tf, 4), ph(tf, dtype="bool")),
    "mask of unknown rank": lambda tf: tf.boolean_mask(ph(tf, 4), tf.placeholder("bool")),
    "mask of another size": lambda tf: tf.boolean_mask(ph(tf, 4), [True, False]),
    "gather of a scalar": lambda tf: tf.gather(ph(tf), [0]),
    "gather beyond": lambda tf: tf.gather(ph(tf, 4, 5), [1], axis=3),
    "gather floats": lambda tf: tf.gather(ph(tf, 4), [1.0]),
    "gather_nd of too many": lambda tf: tf.gather_nd(ph(tf, 4, 5), [[0, 1, 2]]),
    "scatter_nd of shapes": lambda tf: tf.scatter_nd([[1]], [[1.0, 2.0]], [4, 3]),
    "where of one": lambda tf: tf.where(ph(tf, 4, dtype="bool"), ph(tf, 4)),
    "where of shapes": lambda tf: tf.where(ph(tf, 4, dtype="bool"), ph(tf, 4), 2.0),
    "one_hot of a negative depth": lambda tf: tf.one_hot([1], -1),
    "one_hot of floats": lambda tf: tf.one_hot([1.0], 3),
    "one_hot of two dtypes": lambda tf: tf.one_hot([1], 3, tf.constant(5), dtype=tf.float32),
    "pad of another rank": lambda tf: tf.pad(ph(tf, 2, 3), [[1, 1]]),
    "pad of a negative size": lambda tf: tf.pad(ph(tf, 2, 3), [[1, 1], [0, -1]]),
    "pad of no mode": lambda tf: tf.pad(ph(tf, 2), [[1, 1]], "FOO"),
    "tile of another rank": lambda tf: tf.tile(ph(tf, 2, 3), [2]),
    "transpose of another rank": lambda tf: tf.transpose(ph(tf, 2, 3), [0]),
    "transpose beyond": lambda tf: tf.transpose(ph(tf, 2, 3), [0, 2]),
    "matrix_transpose of a vector": lambda tf: tf.matrix_transpose(ph(tf, 2)),
    "reverse beyond": lambda tf: tf.reverse(ph(tf, 2, 3), [2]),
    "reverse twice": lambda tf: tf.reverse(ph(tf, 2, 3), [0, -2]),
    "reverse_sequence without a dim": lambda tf: tf.reverse_sequence(ph(tf, 4, 5), [1] * 4),
    "broadcast_to of shapes": lambda tf: tf.broadcast_to(ph(tf, 3), [2, 4]),
    "meshgrid of no indexing": lambda tf: tf.meshgrid([1], [2], indexing="zz"),
    "space_to_depth with a rest": lambda tf: tf.space_to_depth(ph(tf, 1, 4, 4, 3), 3),
    "batch_to_space with a rest": lambda tf: tf.batch_to_space(ph(tf, 5, 2, 2, 1), [[0, 0]] * 2, 2),
    "bitcast of a rest": lambda tf: tf.bitcast(ph(tf, 2, 3, dtype="uint8"), tf.float32),
    "unique of a matrix": lambda tf: tf.unique(ph(tf, 2, 2)),
    "searchsorted on no side": lambda tf: tf.searchsorted([1], [2], side="up"),
    "fill with a vector": lambda tf: tf.fill([2, 3], [1.0]),
    "fill a scalar shape": lambda tf: tf.fill(3, 1.0),
}


def fed(tf: Any, value: Any) -> Any:
    """A value of which nothing is known when the graph is built."""
    return tf.placeholder_with_default(value, None)


RUN_ERRORS: dict[str, Callable[[Any], Any]] = {
    "not fed": lambda tf: ph(tf, 2),
    "reshape": lambda tf: tf.reshape(fed(tf, [1, 2, 3]), fed(tf, [2, -1])),
    "reshape to two -1": lambda tf: tf.reshape([1, 2, 3], fed(tf, [-1, -1])),
    "expand_dims": lambda tf: tf.expand_dims(fed(tf, [1]), fed(tf, 4)),
    "squeeze": lambda tf: tf.squeeze(fed(tf, [1, 2]), [0]),
    "stack": lambda tf: tf.stack([fed(tf, [1]), fed(tf, [1, 2])]),
    "unstack": lambda tf: tf.unstack(fed(tf, [1, 2]), num=3),
    "concat": lambda tf: tf.concat([fed(tf, [[1]]), fed(tf, [[1, 2]])], 0),
    "split": lambda tf: tf.split(fed(tf, [1, 2, 3]), 2),
    "split to sizes": lambda tf: tf.split(fed(tf, [1, 2, 3]), fed(tf, [2, 2]), num=2),
    "index": lambda tf: fed(tf, [1, 2])[2],
    "slice": lambda tf: tf.slice([1, 2], fed(tf, [1]), [2]),
    "gather": lambda tf: tf.gather([1, 2], fed(tf, [[0, 2]])),
    "gather -1": lambda tf: tf.gather([1, 2], [-1]),
    "gather_nd": lambda tf: tf.gather_nd([1, 2], [[0], [2]]),
    "scatter_nd": lambda tf: tf.scatter_nd([[4]], [1], [4]),
    "where": lambda tf: tf.where(fed(tf, [True]), fed(tf, [1]), fed(tf, [1, 2])),
    "fill": lambda tf: tf.fill(fed(tf, [-2]), 1),
    "tile": lambda tf: tf.tile([1], fed(tf, [-1])),
    "pad": lambda tf: tf.pad([1], fed(tf, [[-1, 0]])),
    "reflect": lambda tf: tf.pad([1, 2], [[2, 0]], "REFLECT"),
    "transpose": lambda tf: tf.transpose(fed(tf, [[1]]), fed(tf, [0, 0])),
    "invert_permutation": lambda tf: tf.invert_permutation([0, 0]),
    "reverse_sequence": lambda tf: tf.reverse_sequence([[1, 2]], [3], seq_axis=1),
    "broadcast_to": lambda tf: tf.broadcast_to(fed(tf, [1, 2]), [3]),
    "matrix_band_part": lambda tf: tf.matrix_band_part([[1.0]], 3, 0),
    "one_hot": lambda tf: tf.one_hot([1], fed(tf, -1)),
    "ensure_shape": lambda tf: tf.ensure_shape(fed(tf, [1, 2]), [3]),
    "batch_to_space": lambda tf: tf.batch_to_space_nd(fed(tf, [[[1.0]]]), [2], [[0, 0]]),
    "space_to_depth": lambda tf: tf.space_to_depth(fed(tf, [[[[1.0]]]]), 2),
}

for _name, _build in ERRORS.items():
    family.error(f"when built: {_name}", _build)
for _name, _build in RUN_ERRORS.items():
    family.error(f"when run: {_name}", _build)
