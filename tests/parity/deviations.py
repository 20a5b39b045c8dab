"""Where minitf is known to differ from TensorFlow 2.21, and why: a part of docs/parity.md."""

from __future__ import annotations

from tests.parity.gradient_tolerances import NOT_CONJUGATED

# What differs; how TensorFlow has it; how minitf has it; the reason.
DEVIATIONS = [
    (
        "nodes of gradients",
        "`gradients/...`, with its own choice of helper nodes",
        "other nodes, the same values",
        "a gradient is written once, as plainly as it can be, from other ops",
    ),
    (
        "`tf.linspace`",
        "composed of some 70 nodes; it refuses an imported LinSpace of no values",
        "one op, LinSpace, as in TensorFlow 1.x",
        "the scripts that minitf runs were written for 1.x",
    ),
    (
        "`tf.cholesky` of a matrix that has none",
        "numbers that happened to be in memory",
        "InvalidArgumentError, as in TensorFlow 1.x",
        "a wrong number is worse than an error",
    ),
    (
        "`tf.nn.conv2d_transpose` to a size that the input does not fit",
        "an array, without an error on a CPU with oneDNN",
        "InvalidArgumentError",
        "likewise",
    ),
    (
        "regularizers",
        "built anew each time that the collection is read",
        "built once, as in TensorFlow 1.x",
        "reading a collection should not change the graph",
    ),
    (
        "`tf.einsum` of three and more tensors",
        "multiplied in an order that a library finds",
        "multiplied from the left; the same values",
        "the order is no part of what the equation says",
    ),
    (
        "`tf.get_static_value`",
        "sees through few ops",
        "sees through all that fold: a value where TensorFlow gives None",
        "checks of constants fail when they are built exactly where TensorFlow's do",
    ),
    (
        "`tf.nn.softmax_cross_entropy_with_logits` and its kin with arguments by position",
        "taken as labels and logits",
        "ValueError, as in TensorFlow 1.x",
        "labels and logits are too easily exchanged",
    ),
    (
        "`tf.nn.softmax_cross_entropy_with_logits(axis=...)`",
        "ValueError: it takes the default of `dim` for a second axis",
        "the loss along that axis",
        "the argument has to do something",
    ),
    (
        "`tf.constant(300, tf.uint8)`, a complex number fed for an integer",
        "another number, without an error",
        "ValueError",
        "a wrong number is worse than an error",
    ),
    (
        "`tf.scatter_nd_add`, `_sub` and `_update` with a name",
        "the name becomes an attribute, bad_indices_policy",
        "the node's name, as in TensorFlow 1.x",
        "the argument has to do something",
    ),
    (
        "`tf.layers.conv1d` of four dims",
        "the first two are taken for batches",
        "ValueError, as in TensorFlow 1.x",
        "more often it is a mistake",
    ),
    (
        "`tf.layers.conv2d_transpose` with channels first",
        "also runs the variables' initializers, in a session of Keras",
        "builds the layer",
        "building a graph should not run one",
    ),
    (
        "mistakes over which TensorFlow trips: a tensor where a variable is asked for, a list "
        "where a metric wants a tensor",
        "AttributeError",
        "TypeError or ValueError, or the list is taken",
        "an error names the mistake",
    ),
    (
        "a device that is not there",
        "InvalidArgumentError when it runs",
        "runs on the CPU",
        "scripts that name a GPU run unchanged",
    ),
    (
        "a function of `session.make_callable` that is called with too many or too few values",
        "the others are ignored, or a placeholder is missing",
        "TypeError",
        "an error names the mistake",
    ),
    (
        "`tf.gather_nd` with `batch_dims`, `v[:2].assign(...)`",
        "works",
        "ValueError, AttributeError",
        "not there yet",
    ),
    (
        "`tf.py_func` whose function returns another shape than `set_shape` promised",
        "runs on; what was built on the promise gives wrong numbers",
        "InvalidArgumentError",
        "a wrong number is worse than an error",
    ),
    (
        "`tf.train.AsyncReplicasOptimizer`",
        "not there: nobody counts how old an asynchronous gradient is",
        "an optimizer around another one, which counts that and may drop what is too old",
        "how stale gradients are decides whether asynchronous training works",
    ),
    (
        "scratch outputs (`reserve_space_3` of FusedBatchNormV3)",
        "whatever the chosen kernel needs",
        "an empty array",
        "nothing but the gradient of the same engine reads it",
    ),
    (
        "the static shape of SoftmaxCrossEntropyWithLogits where a dim of one operand is 1 and of "
        "the other unknown",
        "1, though the operand of 1 is broadcast when it is run",
        "unknown",
        "a static shape must not turn out wrong",
    ),
    (
        "gradients of LRNGrad, SoftsignGrad, MaxPoolGradWithArgmax and MaxPoolGradGradWithArgmax",
        "LookupError",
        "a gradient",
        "it comes nearly free, and second-order methods need it",
    ),
    (
        "the gradient of `tf.sparse_to_dense` whose indices are a vector",
        "ValueError: the vector is taken for one index",
        "a gradient",
        "likewise",
    ),
    (
        "`tf.saturate_cast` from int64 to a float",
        "the least int64, whatever the input: the upper bound overflows",
        "the number",
        "a wrong number is worse than another graph",
    ),
    (
        "second derivatives of `tf.unsorted_segment_prod` where an element is 0, and of "
        "`tf.math.reduce_euclidean_norm` where the gradient that arrives is 0",
        "nan",
        "the derivative",
        "nan would spoil a training run that a number does not",
    ),
    (
        "the gradient of `tf.extract_image_patches` of an image of unknown rank",
        "ValueError",
        "a gradient",
        "it needs nothing that is unknown",
    ),
    (
        "`tf.pad` whose paddings are a variable",
        "TypeError: TensorFlow tries to iterate over it",
        "the padded tensor",
        "a variable is as good as the tensor that it holds",
    ),
    (
        "orthogonal initializers and `tf.qr`",
        "factors by Eigen",
        "factors by LAPACK, apart by roundings: the section on random numbers says how far",
        "the sums are added in another order; the normal numbers that go in are the same bits",
    ),
    (
        "`tf.multinomial`",
        "draws that depend on the number of threads",
        "those of TensorFlow with one thread",
        "the same seed has to give the same draws on any machine",
    ),
    (
        "`tf.nn.dropout` under the seeds of TensorFlow 1",
        "1.x built other nodes than 2.21 does",
        "the nodes of 2.21, and so another number for the op's seed",
        "only graphs whose earlier nodes are those of 1.x are promised 1.x's numbers",
    ),
    (
        "`tf.truncatediv` and `tf.truncatemod` of integers by zero",
        "InternalError: an error that its kernel does not expect",
        "InvalidArgumentError, as for all other divisions",
        "the mistake is the caller's",
    ),
    (
        "gradients of complex numbers through " + ", ".join(sorted(NOT_CONJUGATED)),
        "a conjugate is left out, in a first or a second derivative",
        "derivatives, as differences confirm",
        "they would not descend; real numbers are not affected",
    ),
    (
        "second derivatives of softmax cross entropy by its labels",
        "0: the gradient by the features counts as free of the labels",
        "derivatives",
        "the gradient by the features is the softmax less the labels",
    ),
    (
        "second derivatives of `tf.segment_max`, `_min` and `_mean` where a segment does not occur",
        "nan",
        "0",
        "TensorFlow divides nothing by the number of nothing",
    ),
    (
        "gradients by whole numbers (`k` of `tf.nn.top_k`, places of `tf.sparse_to_dense`, shapes)",
        "now and then zeros, or the numbers themselves, beside other gradients",
        "None",
        "there is no such derivative",
    ),
    (
        "float32 convolutions whose stride leaves a single column of windows",
        "other numbers with oneDNN; without it, those of minitf",
        "the convolution",
        "a slip of one kernel; its definition was evaluated beside both",
    ),
    (
        "`tf.import_graph_def` of loops, of functions of a library, of float8 and 4-bit types",
        "imported",
        "an error that names the node",
        "minitf does not have these (loops: yet)",
    ),
    (
        "`tf.import_graph_def` that fails",
        "may leave nodes behind, and the name of the scope",
        "the graph is as before",
        "half a graph is of no use",
    ),
    (
        "`tf.import_graph_def` of a graph with more than 2,000,000 outputs and 8 for each node",
        "imported, for as long as memory suffices",
        "ValueError",
        "a few bytes can ask for any number of outputs",
    ),
    (
        "`tf.graph_util.remove_training_nodes` where a node computes from a CheckNumerics",
        "the node loses that input, or IndexError",
        "the node gets the input of the CheckNumerics, as with Identity",
        "the graph stays one that can be run",
    ),
    (
        "the gradient of a mirrored array without elements",
        "InvalidArgumentError, though the array itself is made",
        "an empty gradient",
        "an empty batch should not end a training",
    ),
    (
        "`tf.train.SyncReplicasOptimizer` that aggregates as many replicas as there are, where the "
        "device or `worker_index` tells which worker this is",
        "one accumulator for each variable, one queue of tokens: a fast worker may contribute "
        "twice to a step, and gradients are added up as they come",
        "one of each for every worker: all contribute once, and are added up in their order; the "
        "first tokens are none",
        "synchronous training gives the bits of one process",
    ),
    (
        "a worker that ends while others are in synchronous training",
        "the others wait for ever",
        "they end, too, where no step can be completed without it",
        "a program should end",
    ),
    (
        "an accumulator whose step is set back, since training goes on from a checkpoint",
        "keeps the gradients that it has",
        "drops them",
        "they belong to a model that is no more",
    ),
    (
        "`tf.nn.embedding_lookup_sparse` without weights",
        "SparseSegmentMean and its kin",
        "composed of gather and SegmentMean, as with weights; the same values",
        "fewer ops to read",
    ),
    (
        "`tf.train.Supervisor` whose default summaries need placeholders",
        "its thread fails at once, and stops the queue runners; `stop` raises the error",
        "writes no summaries, with a warning that says how to",
        "the training can go on without them",
    ),
    (
        "a worker that waits for its chief",
        "looks again after 30 seconds",
        "looks again after 0.1 seconds, then ever more rarely, up to 30 seconds",
        "the chief is ready in a moment, most of the time",
    ),
    (
        "an element of more values than a queue has components",
        "the last values are dropped",
        "ValueError",
        "an error names the mistake",
    ),
    (
        "closing a queue that others wait to enqueue to, without cancelling them",
        "waits until they are done",
        "returns at once; they still come in",
        "nobody waits for those who wait",
    ),
    (
        "`tf.nn.softmax` of an unknown rank along another axis than -1",
        "TypeError: None - 1",
        "a tensor",
        "it needs nothing that is unknown",
    ),
    (
        '`export_scope="a"` of `tf.train.export_meta_graph`',
        'also takes nodes of a scope "ab"; names the saver as in the old graph; inputs from '
        "outside are listed twice, or not at all, and so can often not be imported",
        "the nodes of the scope, and each such input once",
        "a part that is written should be of use",
    ),
    (
        "`tf.train.import_meta_graph` twice into one scope",
        "the second saver restores the first graph's variables",
        "its own",
        "likewise",
    ),
    (
        "`tf.saved_model`: an asset that does not exist, a signature of a tensor that is not there",
        "a model that cannot be used",
        "NotFoundError, ValueError",
        "who exports should know, not who serves",
    ),
    (
        "`tf.saved_model`: tags as a single text",
        "each letter is a tag",
        "one tag",
        "nobody means the letters",
    ),
]
