"""The arguments of public functions that scripts rarely give: names above all."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("arguments")


def ph(tf: Any, *shape: Any, dtype: str = "float32") -> Any:
    return tf.placeholder(dtype, list(shape), name="p")


# Functions whose name argument no other builder gives, with arguments for them.
NAMED: dict[str, tuple[Any, ...]] = {
    "bincount": ([1, 1],),
    "broadcast_to": ([1.0], [2]),
    "ensure_shape": ([1.0, 2.0], [2]),
    "fill": ([2], 1.0),
    "floor_div": ([4], [3]),
    "floormod": ([4], [3]),
    "invert_permutation": ([1, 0],),
    "logical_and": ([True], [False]),
    "logical_not": ([True],),
    "logical_or": ([True], [False]),
    "logical_xor": ([True], [False]),
    "matrix_band_part": ([[1.0]], 0, 0),
    "maximum": ([1.0], [2.0]),
    "meshgrid": ([1, 2], [3]),
    "mod": ([4], [3]),
    "ones": ([2],),
    "ones_like": ([1, 2],),
    "rank": ([1, 2],),
    "realdiv": ([1.0], [2.0]),
    "reshape": ([1.0, 2.0], [2, 1]),
    "reverse": ([1.0, 2.0], [0]),
    "saturate_cast": ([1.5], "uint8"),
    "searchsorted": ([1, 3], [2]),
    "setdiff1d": ([1, 2], [2]),
    "size": ([1, 2],),
    "squared_difference": ([1.0], [2.0]),
    "subtract": ([1.0], [2.0]),
    "to_complex128": ([1.0],),
    "to_float": ([1],),
    "to_int32": ([1.0],),
    "to_int64": ([1.0],),
    "truncated_normal": ([2],),
    "truncatediv": ([4], [3]),
    "truncatemod": ([4], [3]),
    "unique": ([1, 1],),
    "unique_with_counts": ([1, 1],),
    "unstack": ([1, 2],),
    "where": ([True, False],),
    "where_v2": ([True, False], [1, 2], 3),
    "zeros_like": ([1, 2],),
    "expand_dims": ([1, 2], 0),
    "gather_nd": ([1, 2], [[0]]),
    "identity_n": ([[1.0], [2]],),
    "imag": ([1j],),
    "shape_n": ([[1.0], [2.0]],),
    "div": ([4], [3]),
    "arg_max": ([1.0, 2.0], 0),
    "arg_min": ([1.0, 2.0], 0),
    "reverse_sequence": ([[1, 2]], [2], 1),
    "unsorted_segment_sqrt_n": ([1.0, 2.0], [0, 0], 1),
    "matrix_transpose": ([[1.0, 2.0]],),
    "diag_part": ([[1.0]],),
    "matrix_diag": ([1.0, 2.0],),
    "matrix_diag_part": ([[1.0, 2.0], [3.0, 4.0]],),
    "matrix_set_diag": ([[1.0, 2.0], [3.0, 4.0]], [5.0, 6.0]),
}
OF_MATHS: dict[str, tuple[Any, ...]] = {
    "multiply_no_nan": ([1.0], [0.0]),
    "reduce_euclidean_norm": ([3.0, 4.0],),
    "xlogy": ([1.0], [2.0]),
}


@family.graph
def names(tf: Any) -> None:
    for name, arguments in NAMED.items():
        if name != "bincount":
            getattr(tf, name)(*arguments, name=f"named_{name}")
    for name, arguments in OF_MATHS.items():
        getattr(tf.math, name)(*arguments, name=f"named_{name}")
    for name in ("bitwise_and", "bitwise_xor"):
        getattr(tf.bitwise, name)([1, 2], [3, 3], name=f"named_{name}")


@family.graph
def names_of_blocks(tf: Any) -> None:
    image, wide, pads = ph(tf, 1, 4, 4, 4), ph(tf, 4, 2, 2, 1), [[0, 0], [0, 0]]
    tf.batch_to_space(wide, pads, 2, name="a")
    tf.batch_to_space(wide, pads, block_shape=2, block_size=None)
    tf.batch_to_space_nd(wide, [2, 2], pads, name="b")
    tf.space_to_batch(image, pads, 2, name="c")
    tf.space_to_batch(image, pads, block_shape=2, block_size=None)
    tf.space_to_batch_nd(image, [2, 2], pads, name="d")
    tf.space_to_depth(image, 2, name="e")
    tf.depth_to_space(image, 2, name="f")
    tf.extract_image_patches(
        image, ksizes=[1, 2, 2, 1], strides=[1] * 4, rates=[1] * 4, padding="SAME", name="g"
    )
    tf.extract_image_patches(
        image, sizes=[1, 2, 2, 1], strides=[1] * 4, rates=[1] * 4, padding="SAME"
    )


@family.graph
def names_of_changes(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0], name="v")
    tf.assign(v, [1.0, 1.0], name="set")
    tf.assign_add(v, [1.0, 1.0], use_locking=True, name="more")
    for name in ("add", "div", "max", "min", "mul", "sub", "update"):
        getattr(tf, f"scatter_{name}")(v, [0], [1.0], use_locking=name != "update", name=name)
    for name in ("add", "sub", "update"):
        locked = name != "update"
        getattr(tf, f"scatter_nd_{name}")(v, [[0]], [1.0], use_locking=locked)
    tf.count_up_to(tf.Variable(1), 3, name="count")
    tf.variables_initializer([v], name="first")
    tf.initialize_variables([v], name="second")
    tf.report_uninitialized_variables([v], name="missing")


CHECKS = ("equal", "none_equal", "less", "less_equal", "greater", "greater_equal")
SIGNS = ("positive", "negative", "non_positive", "non_negative")


@family.graph
def arguments_of_checks(tf: Any) -> None:
    x, y = ph(tf, 2), ph(tf, 2)
    options = {"data": [x, "data"], "summarize": 2, "message": "a message", "name": "named"}
    for name in CHECKS:
        getattr(tf, f"assert_{name}")(x, y, **options)
    for name in SIGNS:
        getattr(tf, f"assert_{name}")(x, **options)
        getattr(tf, f"assert_{name}")(y, message="without data")
    anything = tf.placeholder(tf.float32, name="anything")
    for name, rank in (("rank", 2), ("rank_at_least", 2), ("rank_in", (1, 2))):
        getattr(tf, f"assert_{name}")(anything, rank, **options)


@family.graph
def arguments_of_arrays(tf: Any) -> None:
    x = ph(tf, 4, 5)
    tf.strided_slice(x, [0, 0], [2, 2], [1, 1], end_mask=1, ellipsis_mask=0)
    tf.strided_slice(x, [0, 0, 0], [2, 2, 2], [1, 1, 1], new_axis_mask=1)
    tf.strided_slice(x, [0, 1], [0, 3], ellipsis_mask=1)
    tf.gather(x, [1], validate_indices=True)
    tf.gather_nd(x, [[1, 0]], batch_dims=0)
    tf.matmul(x, ph(tf, 5, 2), a_is_sparse=False, b_is_sparse=False)
    v = tf.Variable([1.0, 2.0], name="v")
    tf.strided_slice(v, [0], [1], [1], var=v)
    tf.shape_n([x, x], out_type=tf.int64)
    tf.size(ph(tf, 2, 3), out_type=tf.int64)
    tf.setdiff1d([1, 2, 3], [2], index_dtype=tf.int64)
    tf.unique([1, 1, 2], out_idx=tf.int64)
    tf.matrix_transpose(ph(tf, 2, 3, dtype="complex64"), conjugate=True)
    tf.constant([1, 2], shape=[2], verify_shape=True)
    tf.arg_max(x, 1, output_type=tf.int32)
    tf.arg_min(x, 1, output_type=tf.int32)
    tf.argmin(x, dimension=0)
    tf.count_nonzero(x, reduction_indices=[0], keep_dims=True)
    tf.count_nonzero(input=x)
    for name in ("all", "any"):
        getattr(tf, f"reduce_{name}")(x > 0, keep_dims=True)
    for name in ("logsumexp", "max", "mean", "min"):
        getattr(tf, f"reduce_{name}")(x, reduction_indices=1, keep_dims=True)
    tf.math.reduce_std(x, keepdims=True)
    tf.truncated_normal([2], mean=1.0, dtype=tf.float64)
    tf.multinomial([[0.5, 0.5]], 3, seed=4, output_dtype=tf.int32)
    tf.random.categorical([[0.5, 0.5]], 3, seed=4, name="drawn")
    tf.make_tensor_proto([1, 2], dtype=tf.float32, shape=[2, 1])


@family.graph
def diagonals(tf: Any) -> None:
    rows, square = ph(tf, 2, 3), ph(tf, 2, 3, 3)
    tf.matrix_diag(rows, k=1)
    tf.matrix_diag(rows, k=-1, num_rows=4, num_cols=4, padding_value=7.0)
    tf.matrix_diag(ph(tf, 2, 3), k=(0, 1), align="LEFT_RIGHT", name="band")
    tf.matrix_diag_part(square, k=1)
    tf.matrix_diag_part(square, k=(-1, 1), padding_value=9.0, align="RIGHT_LEFT", name="band")
    tf.matrix_set_diag(square, ph(tf, 2, 2), k=1)
    tf.matrix_set_diag(square, ph(tf, 2, 2, 3), k=(0, 1), align="LEFT_LEFT", name="band")


@family.graph
def arguments_of_variables(tf: Any) -> None:
    def same(getter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        return getter(name, *args, **kwargs)

    options = {"initializer": tf.ones_initializer(), "custom_getter": same}
    tf.get_variable("a", [2], caching_device="/cpu:0", constraint=tf.nn.relu, **options)
    tf.get_local_variable("b", [2], tf.float64, tf.ones_initializer(), None, False, ["mine"])
    tf.get_local_variable("c", [2], regularizer=tf.nn.l2_loss, collections=None)
    with tf.variable_scope("s"):
        tf.get_variable("d", [2])
    for lists in (tf.global_variables, tf.local_variables, tf.model_variables):
        tf.no_op(name="_".join(["v", *(v.op.name for v in lists(scope="s"))]))
    tf.no_op(name="_".join(["m", *(v.op.name for v in tf.moving_average_variables(scope="s"))]))
    tf.train.create_global_step(tf.get_default_graph())


@family.graph
def arguments_of_layers(tf: Any) -> None:
    row, image = ph(tf, None, 8, 3), ph(tf, None, 8, 8, 3)
    ones, norm = tf.ones_initializer(), tf.nn.l2_loss
    bias = {"bias_initializer": ones, "bias_regularizer": norm, "bias_constraint": tf.nn.relu}
    common = {**bias, "activity_regularizer": norm, "trainable": False, "name": "named"}
    kernel = {"kernel_initializer": ones, "kernel_regularizer": norm, "kernel_constraint": norm}
    parts = {
        f"{part}_{what}": value
        for part in ("depthwise", "pointwise")
        for what, value in (("initializer", ones), ("regularizer", norm), ("constraint", None))
    }
    for name, x in (("conv1d", row), ("conv2d", image), ("conv2d_transpose", image)):
        with tf.variable_scope(name):
            layer = getattr(tf.layers, name)
            layer(x, 2, 3, **common, **{**kernel, "kernel_constraint": None})
            layer(x, 2, 3, reuse=True, **common, **{**kernel, "kernel_constraint": None})
            layer(x, 2, 3, use_bias=False, padding="same")
    for name, x in (("separable_conv1d", row), ("separable_conv2d", image)):
        with tf.variable_scope(name):
            layer = getattr(tf.layers, name)
            layer(x, 2, 3, **common, **parts)
            layer(x, 2, 3, reuse=True, **common, **parts)
            layer(x, 2, 3, use_bias=False, padding="same", depth_multiplier=2)
    for name in ("average_pooling", "max_pooling"):
        getattr(tf.layers, f"{name}1d")(row, 2, 2, name=f"{name}_row")
        getattr(tf.layers, f"{name}2d")(image, 2, 2, name=f"{name}_image")
    # With channels first TensorFlow's layer also initializes its variables, in a session of Keras.
    tf.layers.conv2d_transpose(image, 2, 3, data_format="channels_last")
    tf.layers.batch_normalization(
        image,
        renorm=False,
        renorm_clipping=None,
        renorm_momentum=0.9,
        virtual_batch_size=None,
        adjustment=None,
        beta_initializer=ones,
        gamma_initializer=tf.zeros_initializer(),
        moving_mean_initializer=ones,
        moving_variance_initializer=tf.constant_initializer(2.0),
    )


@family.graph(run=False)  # TensorFlow has no kernels for channels first on a CPU
def layers_with_channels_first(tf: Any) -> None:
    image = ph(tf, 2, 3, 8, 8)
    tf.layers.separable_conv1d(ph(tf, 2, 3, 8), 2, 3, data_format="channels_first")
    tf.layers.batch_normalization(image, axis=1)


PAIRS = (
    "absolute_difference cosine_distance hinge_loss huber_loss log_loss mean_squared_error "
    "mean_pairwise_squared_error sigmoid_cross_entropy softmax_cross_entropy"
)


@family.graph
def arguments_of_losses(tf: Any) -> None:
    x, y = ph(tf, 4, 3), ph(tf, 4, 3)
    for name in PAIRS.split():
        options = {"scope": "named", "loss_collection": "mine"}
        if name != "mean_pairwise_squared_error":
            options["reduction"] = "weighted_mean"
        if name == "cosine_distance":
            options["axis"] = 1
        getattr(tf.losses, name)(x, y, **options)
    tf.losses.sparse_softmax_cross_entropy(
        [1, 0, 2, 1], x, scope="named", loss_collection="mine", reduction="none"
    )
    tf.losses.compute_weighted_loss(x, 2.0, loss_collection="yours")
    tf.losses.absolute_difference(x, y)
    tf.add_n(tf.losses.get_losses(loss_collection="yours"))
    with tf.name_scope("s"):
        tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, tf.constant(1.0))
    tf.losses.get_regularization_loss(scope="s")
    tf.add_n(tf.losses.get_regularization_losses(scope="s"))


METRICS = (
    "accuracy false_negatives false_positives mean_absolute_error mean_squared_error precision "
    "recall root_mean_squared_error true_negatives true_positives auc"
)


@family.graph
def arguments_of_metrics(tf: Any) -> None:
    labels, scores = ph(tf, 4, dtype="bool"), tf.sigmoid(ph(tf, 4))
    weights = ph(tf, 4)
    options = {
        "weights": weights,
        "metrics_collections": ["values"],
        "updates_collections": ["updates"],
        "name": "named",
    }
    for name in METRICS.split():
        floats = name.endswith("error")
        more = {"num_thresholds": 3} if name == "auc" else {}
        y = tf.cast(labels, tf.float32) if floats else labels
        p = scores if floats or name == "auc" else scores > 0.5
        getattr(tf.metrics, name)(y, p, **more, **options)
    tf.metrics.auc(labels, scores, thresholds=[0.2, 0.7])
    for kind in ("false_negatives", "false_positives", "true_negatives", "true_positives"):
        getattr(tf.metrics, f"{kind}_at_thresholds")(labels, scores, [0.5], **options)
    for kind in ("precision", "recall"):
        getattr(tf.metrics, f"{kind}_at_thresholds")(labels, scores, [0.5], **options)
    tf.metrics.mean(scores, **options)
    tf.metrics.mean_tensor(scores, **options)
    tf.metrics.percentage_below(scores, 0.5, **options)
    tf.metrics.mean_relative_error(scores, scores, scores, **options)
    rows = {**options, "weights": ph(tf, 4, 1)}
    tf.metrics.mean_cosine_distance(ph(tf, 4, 3), ph(tf, 4, 3), 1, **rows)
    classes = tf.cast(labels, tf.int64)
    tf.metrics.mean_iou(classes, classes, 2, **options)
    tf.metrics.mean_per_class_accuracy(classes, classes, 2, **options)
    for name in ("values", "updates"):
        tf.no_op(name=f"{name}_{len(tf.get_collection(name))}")


@family.graph(feeds={"labels": np.array([[1], [2]]), "sampled": np.array([1, 5, 7])})
def arguments_of_sampling(tf: Any) -> None:
    labels = tf.placeholder(tf.int64, [None, 1], name="labels")
    sampled = tf.placeholder(tf.int64, [3], name="sampled")
    values = (sampled, tf.abs(ph(tf, None, 1)), tf.abs(ph(tf, 3)))
    model = [ph(tf, 10, 4), ph(tf, 10), labels, ph(tf, None, 4), 3, 10]
    for loss in (tf.nn.nce_loss, tf.nn.sampled_softmax_loss):
        loss(*model, num_true=1, sampled_values=values, partition_strategy="div", name="named")
    tf.nn.compute_accidental_hits(labels, sampled, 1, seed=3, name="hits")


@family.graph
def arguments_of_windows(tf: Any) -> None:
    one, x, f = [1, 1, 1, 1], ph(tf, 2, 8, 8, 2), ph(tf, 3, 3, 2, 4)
    g = ph(tf, 2, 8, 8, 4)
    tf.nn.conv2d(x, f, one, "SAME", use_cudnn_on_gpu=False)
    tf.nn.conv1d(ph(tf, 2, 8, 2), ph(tf, 3, 2, 4), 1, "SAME", use_cudnn_on_gpu=False)
    tf.nn.conv1d(input=ph(tf, 2, 8, 2), filters=ph(tf, 3, 2, 4), stride=1, padding="SAME")
    sizes = [2, 8, 8, 2]
    options = {"data_format": "NHWC", "dilations": one, "use_cudnn_on_gpu": False}
    tf.nn.conv2d_backprop_input(sizes, f, g, one, "SAME", name="input", **options)
    tf.nn.conv2d_backprop_input(sizes, filters=f, out_backprop=g, strides=one, padding="SAME")
    tf.nn.conv2d_backprop_filter(x, [3, 3, 2, 4], g, one, "SAME", name="filter", **options)
    tf.nn.conv2d_transpose(
        input=ph(tf, 2, 8, 8, 4), filters=f, output_shape=sizes, strides=1, padding="SAME"
    )
    tf.nn.conv1d_transpose(
        ph(tf, 2, 4, 3), ph(tf, 3, 2, 3), [2, 9, 2], 2, "VALID", "NWC", 1, name="row"
    )
    tf.nn.convolution(x, None, "SAME", filters=f, dilations=[2, 2])
    deep, d = ph(tf, 3, 3, 2, 2), ph(tf, 2, 8, 8, 4)
    native = {"data_format": "NHWC", "dilations": one, "name": "deep"}
    tf.nn.depthwise_conv2d(x, deep, one, "SAME", dilations=[2, 2])
    tf.nn.depthwise_conv2d_native(x, deep, one, "SAME", **native)
    tf.nn.depthwise_conv2d_native_backprop_input(sizes, deep, d, one, "SAME", **native)
    tf.nn.depthwise_conv2d_native_backprop_filter(x, [3, 3, 2, 2], d, one, "SAME", **native)
    tf.nn.separable_conv2d(
        x, deep, ph(tf, 1, 1, 4, 5), one, "SAME", data_format="NHWC", dilations=[2, 2]
    )
    for name in ("avg_pool2d", "avg_pool_v2", "max_pool2d"):
        getattr(tf.nn, name)(x, 2, 1, "SAME", data_format="NHWC", name=name)
    tf.nn.avg_pool2d(input=x, ksize=2, strides=1, padding="SAME", value=None)
    tf.nn.max_pool_with_argmax(
        x, [1, 2, 2, 1], one, "SAME", Targmax=tf.int64, name="places", include_batch_in_index=True
    )
    tf.nn.max_pool_with_argmax(x, [1, 2, 2, 1], one, "SAME", data_format="NHWC")
    tf.nn.max_pool_with_argmax(x, [1, 2, 2, 1], one, "SAME", output_dtype=tf.int64)
    tf.nn.pool(x, [2, 2], "MAX", "VALID", dilation_rate=[2, 2], name="dilated")
    tf.nn.pool(x, [2, 2], "AVG", "VALID", data_format="NHWC", dilations=[1, 2])


@family.graph
def arguments_of_nn(tf: Any) -> None:
    x, v = ph(tf, 2, 3, 4, 5), ph(tf, 5)
    tf.nn.batch_norm_with_global_normalization(x, v, v, v, v, 0.01, True, name="global")
    tf.nn.batch_norm_with_global_normalization(
        input=x,
        mean=v,
        variance=v,
        beta=v,
        gamma=v,
        variance_epsilon=0.01,
        scale_after_normalization=False,
    )
    tf.nn.embedding_lookup(ph(tf, 5, 2), [1], validate_indices=True)
    tf.nn.moments(x, [0], shift=v, keepdims=True)
    tf.nn.sufficient_statistics(x, [0], keepdims=True, name="stats")
    tf.nn.weighted_moments(x, [0], 2.0, keepdims=True)
    xs = tf.constant([1.0, 2.0])
    tf.gradients(tf.square(xs), xs, name="of/gradients", colocate_gradients_with_ops=True)


@family.graph
def arguments_of_training(tf: Any) -> None:
    step = tf.constant(5)
    train = tf.train
    train.cosine_decay(0.1, step, 10, name="a")
    train.cosine_decay_restarts(0.1, step, 10, name="b")
    train.inverse_time_decay(0.1, step, 10, 0.5, name="c")
    train.natural_exp_decay(0.1, step, 10, 0.5, name="d")
    train.polynomial_decay(0.1, step, 10, name="e")
    train.linear_cosine_decay(0.1, step, 10, num_periods=1.5, alpha=0.1, beta=0.2, name="f")
    train.noisy_linear_cosine_decay(
        0.1, step, 10, initial_variance=0.5, variance_decay=0.6, beta=0.2, name="g"
    )
    train.piecewise_constant(step, [3], [0.1, 0.2], name="h")


def optimizers(tf: Any) -> list[Any]:
    """Each optimizer with all its arguments."""
    train, locked = tf.train, {"use_locking": True, "name": "Mine"}
    return [
        train.GradientDescentOptimizer(tf.constant(0.1), **locked),
        train.MomentumOptimizer(0.1, tf.constant(0.9), use_nesterov=True, **locked),
        train.AdagradOptimizer(0.1, initial_accumulator_value=0.3, **locked),
        train.AdadeltaOptimizer(0.1, rho=0.9, epsilon=1e-6, **locked),
        train.RMSPropOptimizer(0.1, decay=0.8, momentum=0.1, epsilon=1e-8, centered=True, **locked),
        train.AdamOptimizer(tf.constant(0.1), beta1=0.8, beta2=0.9, epsilon=1e-7, **locked),
        train.FtrlOptimizer(
            0.1,
            learning_rate_power=-0.6,
            initial_accumulator_value=0.2,
            l1_regularization_strength=0.1,
            l2_regularization_strength=0.2,
            accum_name="sum",
            linear_name="line",
            l2_shrinkage_regularization_strength=0.3,
            **locked,
        ),
        train.ProximalGradientDescentOptimizer(0.1, 0.2, 0.3, **locked),
        train.ProximalAdagradOptimizer(0.1, 0.2, 0.3, 0.4, **locked),
    ]


@family.graph
def arguments_of_optimizers(tf: Any) -> None:
    v, w = tf.Variable([1.0, 2.0], name="v"), tf.Variable([[3.0]], name="w")
    step = tf.train.get_or_create_global_step()
    loss = tf.reduce_sum(v * v) + tf.reduce_sum(w * w)
    for optimizer in optimizers(tf):
        pairs = optimizer.compute_gradients(
            loss,
            var_list=[v, w],
            gate_gradients=optimizer.GATE_GRAPH,
            aggregation_method=tf.AggregationMethod.ADD_N,
            colocate_gradients_with_ops=True,
            grad_loss=tf.constant(2.0),
        )
        optimizer.apply_gradients(pairs, global_step=step, name=f"by_{optimizer.get_name()}")
        slots = "_".join(optimizer.get_slot_names())
        made = "_".join(s.op.name for s in optimizer.variables())
        tf.no_op(name=f"slots_{slots}_{made}".replace(":", "_"))


@family.graph
def gates(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0], name="v")
    for gate in ("GATE_NONE", "GATE_OP", "GATE_GRAPH"):
        optimizer = tf.train.GradientDescentOptimizer(0.1)
        loss = tf.reduce_sum(tf.square(v))
        optimizer.minimize(loss, gate_gradients=getattr(optimizer, gate), name=gate)


@family.graph
def arguments_of_averages(tf: Any) -> None:
    v, w = tf.Variable([1.0, 2.0], name="v"), tf.Variable(3.0, name="w", trainable=False)
    average = tf.train.ExponentialMovingAverage(
        tf.constant(0.9), num_updates=5, zero_debias=False, name="Mine"
    )
    average.apply([v])
    average.apply(var_list=[w])
    tf.no_op(name=average.average_name(v).replace("/", "_"))
    tf.no_op(name=f"{average.name}_{len(average.variables_to_restore())}")
    tf.identity(average.average(w))
