"""With this module threads read and batch examples while the training runs: `tf.train.batch`.

    image, label = tf.train.slice_input_producer([images, labels], num_epochs=2)
    images, labels = tf.train.shuffle_batch([image, label], 32, capacity=500, min_after_dequeue=100)

Each function adds a queue and a queue runner to the graph: `tf.train.start_queue_runners` starts
them, or a monitored session does. Epochs are counted in local variables, which
`tf.local_variables_initializer()` initializes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.scopes import control_dependencies, name_scope
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, as_shape
from minitf.ops import array_ops, constant_op, logging_ops, math_ops, random_ops, summary_ops
from minitf.ops.data_flow_ops import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from minitf.ops.variables import Variable
from minitf.train.queue_runner import QueueRunner, add_queue_runner

# ---- producers: one example after another


def limit_epochs(tensor: Any, num_epochs: int | None = None, name: str | None = None) -> Any:
    """A tensor that can be read so many times (mirrors `tf.train.limit_epochs`).

    Args:
      tensor: the tensor.
      num_epochs: how many times; without end if None.
      name: the scope's name.

    Raises:
      ValueError: if `num_epochs` is not positive.
      tf.errors.OutOfRangeError: when it runs once too often.
    """
    if num_epochs is None:
        return tensor
    if num_epochs <= 0:
        raise errors.value_error(f"num_epochs must be > 0 not {num_epochs}.")
    with name_scope(name, "limit_epochs", [tensor]) as scope:
        zero = constant_op.constant(0, dtype=dtypes.int64)
        epochs = Variable(
            zero, name="epochs", trainable=False, collections=[GraphKeys.LOCAL_VARIABLES]
        )
        with control_dependencies([epochs.count_up_to(num_epochs)]):
            return array_ops.identity(tensor, name=scope)


def input_producer(
    input_tensor: Any,
    element_shape: Any = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    summary_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> QueueBase:
    """A queue of the rows of a tensor (mirrors `tf.train.input_producer`).

    Args:
      input_tensor: the tensor.
      element_shape: the shape of a row, where the tensor does not tell.
      num_epochs: how many times all rows are given; without end if None.
      shuffle: whether the rows come in another random order each time.
      seed: for the order.
      capacity: how many rows the queue has room for.
      shared_name: makes the queue one with others of the name.
      summary_name: the name of a summary of how full the queue is.
      name: the scope's name.
      cancel_op: see `tf.train.QueueRunner`.

    Raises:
      ValueError: if the shape of a row is not known.
    """
    with name_scope(name, "input_producer", [input_tensor]):
        rows: Tensor = convert_to_tensor(input_tensor, name="input_tensor")
        row_shape = rows.shape[1:].merge_with(as_shape(element_shape))
        if not row_shape.is_fully_defined():
            raise errors.value_error(
                "Either `input_tensor` must have a fully defined shape or `element_shape` must be "
                "specified"
            )
        if shuffle:
            rows = random_ops.random_shuffle(rows, seed=seed)
        rows = limit_epochs(rows, num_epochs)
        queue = FIFOQueue(
            capacity,
            [rows.dtype.base_dtype],
            shapes=[row_shape],
            shared_name=shared_name,
            name=name,  # type: ignore[arg-type]  # None gives the op type's name, as in TensorFlow
        )
        enqueue = queue.enqueue_many([rows])
        add_queue_runner(QueueRunner(queue, [enqueue], cancel_op=cancel_op))
        if summary_name is not None:
            _summarize(summary_name, queue.size(), capacity)
        return queue


def _summarize(summary_name: str, size: Tensor, capacity: int) -> None:
    """Adds a summary of how full a queue is."""
    full = math_ops.cast(size, dtypes.float32) * (1.0 / capacity)
    summary_ops.scalar(summary_name, full)


def string_input_producer(
    string_tensor: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
    cancel_op: Any = None,
) -> QueueBase:
    """A queue of strings, such as the names of files (mirrors `tf.train.string_input_producer`).

    The arguments are those of `input_producer`.

    Raises:
      ValueError: if there are no strings.
      tf.errors.InvalidArgumentError: when it runs, if there are none.

    >>> import minitf as tf
    >>> queue = tf.train.string_input_producer(["a", "b"], num_epochs=1, shuffle=False)
    >>> names = queue.dequeue_up_to(5)
    >>> with tf.Session() as sess:
    ...     sess.run(tf.local_variables_initializer())
    ...     threads = tf.train.start_queue_runners(sess)
    ...     sess.run(names)
    array([b'a', b'b'], dtype=object)
    """
    nothing = "string_input_producer requires a non-null input tensor"
    if not isinstance(string_tensor, Tensor) and not len(string_tensor):
        raise errors.value_error(nothing)
    with name_scope(name, "input_producer", [string_tensor]) as scope:
        texts = convert_to_tensor(string_tensor, dtype=dtypes.string)
        some = math_ops.greater(array_ops.size(texts), 0)
        with control_dependencies([logging_ops.Assert(some, [nothing])]):
            texts = array_ops.identity(texts)
        return input_producer(
            texts,
            [],
            num_epochs,
            shuffle,
            seed,
            capacity,
            shared_name,
            f"fraction_of_{capacity}_full",
            scope,
            cancel_op,
        )


def range_input_producer(
    limit: Any,
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> QueueBase:
    """A queue of the numbers below a limit (mirrors `tf.train.range_input_producer`).

    The arguments are those of `input_producer`.
    """
    with name_scope(name, "input_producer", [limit]) as scope:
        return input_producer(
            math_ops.range(limit),
            [],
            num_epochs,
            shuffle,
            seed,
            capacity,
            shared_name,
            f"fraction_of_{capacity}_full",
            scope,
        )


def slice_input_producer(
    tensor_list: Sequence[Any],
    num_epochs: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    capacity: int = 32,
    shared_name: str | None = None,
    name: str | None = None,
) -> list[Tensor]:
    """One row of each of several tensors, at each run another (mirrors the one of `tf.train`).

    Args:
      tensor_list: tensors of as many rows.
      num_epochs, shuffle, seed, capacity, shared_name, name: as for `input_producer`.

    Raises:
      ValueError: if there are no tensors.
    """
    with name_scope(name, "input_producer", list(tensor_list)):
        tensors = [convert_to_tensor(tensor) for tensor in tensor_list]
        if not tensors:
            raise errors.value_error(
                "Expected at least one tensor in slice_input_producer(). Try increasing "
                "num_tensors."
            )
        count = array_ops.shape(tensors[0])[0]
        queue = range_input_producer(
            count,
            num_epochs,
            shuffle=shuffle,
            seed=seed,
            capacity=capacity,
            shared_name=shared_name,
        )
        index = queue.dequeue()
        return [array_ops.gather(tensor, index) for tensor in tensors]


# ---- batches


def batch(
    tensors: Any,
    batch_size: Any,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Batches of examples, in their order (mirrors `tf.train.batch`).

    Args:
      tensors: the tensors of an example: a list, a dictionary, or one.
      batch_size: how many examples make a batch.
      num_threads: how many threads read examples; with several, their order may change.
      capacity: how many examples wait to be batched.
      enqueue_many: whether `tensors` hold several examples, along their first axis.
      shapes: the shapes of an example's tensors, where they do not tell.
      dynamic_pad: whether examples of a batch are padded to one size; see `tf.PaddingFIFOQueue`.
      allow_smaller_final_batch: whether what is left at the end makes a smaller batch; otherwise
        it is not given.
      shared_name: makes the queue one with others of the name.
      name: the scope's name.

    Returns:
      The tensors of a batch, in a structure like that of `tensors`.

    Raises:
      ValueError: if the shapes are not known.

    >>> import minitf as tf
    >>> number = tf.train.limit_epochs(tf.constant(5), 3)
    >>> numbers = tf.train.batch([number], 2, allow_smaller_final_batch=True)
    >>> with tf.train.MonitoredTrainingSession() as sess:
    ...     while not sess.should_stop():
    ...         print(sess.run(numbers))
    [5 5]
    [5]
    """
    examples = _listed(tensors)
    with name_scope(name, "batch", examples) as scope:
        return _joined(
            tensors,
            [examples],
            num_threads,
            enqueue_many,
            shapes,
            scope,
            _fifo(capacity, dynamic_pad, shared_name),
            batch_size,
            allow_smaller_final_batch,
        )


def batch_join(
    tensors_list: Sequence[Any],
    batch_size: Any,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Any = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """`batch` of what several readers give, each in a thread (mirrors `tf.train.batch_join`).

    Args:
      tensors_list: for each reader what `batch` takes as `tensors`.
      batch_size, capacity, enqueue_many, shapes, dynamic_pad, allow_smaller_final_batch,
        shared_name, name: as for `batch`.
    """
    readers = [_listed(tensors) for tensors in tensors_list]
    with name_scope(name, "batch_join", [t for reader in readers for t in reader]) as scope:
        return _joined(
            tensors_list[0],
            readers,
            1,
            enqueue_many,
            shapes,
            scope,
            _fifo(capacity, dynamic_pad, shared_name),
            batch_size,
            allow_smaller_final_batch,
        )


def shuffle_batch(
    tensors: Any,
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Batches of examples in random order (mirrors `tf.train.shuffle_batch`).

    Args:
      tensors, batch_size, capacity, num_threads, enqueue_many, shapes, allow_smaller_final_batch,
        shared_name, name: as for `batch`.
      min_after_dequeue: how many examples wait at least, to be chosen from.
      seed: for the order.
    """
    examples = _listed(tensors)
    with name_scope(name, "shuffle_batch", examples) as scope:
        return _joined(
            tensors,
            [examples],
            num_threads,
            enqueue_many,
            shapes,
            scope,
            _Shuffled(capacity, min_after_dequeue, seed, shared_name),
            batch_size,
            allow_smaller_final_batch,
        )


def shuffle_batch_join(
    tensors_list: Sequence[Any],
    batch_size: Any,
    capacity: int,
    min_after_dequeue: int,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Any = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """`shuffle_batch` of what several readers give (mirrors `tf.train.shuffle_batch_join`).

    Args:
      tensors_list: for each reader what `batch` takes as `tensors`.
      batch_size, capacity, min_after_dequeue, seed, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name: as for `shuffle_batch`.
    """
    readers = [_listed(tensors) for tensors in tensors_list]
    with name_scope(name, "shuffle_batch_join", [t for r in readers for t in r]) as scope:
        return _joined(
            tensors_list[0],
            readers,
            1,
            enqueue_many,
            shapes,
            scope,
            _Shuffled(capacity, min_after_dequeue, seed, shared_name),
            batch_size,
            allow_smaller_final_batch,
        )


class _InOrder:
    """Makes the queue of `batch`."""

    def __init__(self, kind: Any, capacity: int, shared_name: str | None) -> None:
        self._kind = kind
        self._capacity = capacity
        self._shared_name = shared_name

    def queue(self, types: list[Any], shapes: list[TensorShape]) -> QueueBase:
        made: QueueBase = self._kind(
            self._capacity, types, shapes=shapes, shared_name=self._shared_name
        )
        return made

    def summarize(self, queue: QueueBase) -> None:
        _summarize(f"fraction_of_{self._capacity}_full", queue.size(), self._capacity)


def _fifo(capacity: int, dynamic_pad: bool, shared_name: str | None) -> _InOrder:
    return _InOrder(PaddingFIFOQueue if dynamic_pad else FIFOQueue, capacity, shared_name)


class _Shuffled:
    """Makes the queue of `shuffle_batch`."""

    def __init__(
        self, capacity: int, min_after_dequeue: int, seed: int | None, shared_name: str | None
    ) -> None:
        if capacity <= min_after_dequeue:
            raise errors.value_error(
                f"capacity {capacity} must be bigger than min_after_dequeue {min_after_dequeue}."
            )
        self._capacity = capacity
        self._least = min_after_dequeue
        self._seed = seed
        self._shared_name = shared_name

    def queue(self, types: list[Any], shapes: list[TensorShape]) -> QueueBase:
        return RandomShuffleQueue(
            self._capacity,
            self._least,
            types,
            shapes=shapes,
            seed=self._seed,
            shared_name=self._shared_name,
        )

    def summarize(self, queue: QueueBase) -> None:
        spare = self._capacity - self._least
        over = math_ops.maximum(0, queue.size() - self._least)
        _summarize(f"fraction_over_{self._least}_of_{spare}_full", over, spare)


def _joined(
    like: Any,
    readers: list[list[Any]],
    num_threads: int,
    enqueue_many: bool,
    shapes: Any,
    scope: str,
    kind: _InOrder | _Shuffled,
    batch_size: Any,
    allow_smaller_final_batch: bool,
) -> Any:
    """Adds a queue that readers fill; returns the batches taken from it, structured as `like`."""
    rows = [[convert_to_tensor(tensor) for tensor in reader] for reader in readers]
    constant_op.constant(True)  # whether an example is kept: always; TensorFlow has this node
    types = [tensor.dtype.base_dtype for tensor in rows[0]]
    for reader in rows[1:]:
        if [tensor.dtype.base_dtype for tensor in reader] != types:
            raise errors.type_error(
                "Expected types to be consistent: all readers give the same dtypes."
            )
    queue = kind.queue(types, _shapes(rows, shapes, enqueue_many))
    put = queue.enqueue_many if enqueue_many else queue.enqueue
    puts = [put(reader) for reader in rows]
    add_queue_runner(QueueRunner(queue, puts * num_threads))
    kind.summarize(queue)
    take = queue.dequeue_up_to if allow_smaller_final_batch else queue.dequeue_many
    taken = take(batch_size, name=scope)
    if isinstance(like, Mapping):
        parts = taken if isinstance(taken, list) else [taken]
        return dict(zip(sorted(like), parts, strict=True))
    return taken


def _listed(tensors: Any) -> list[Any]:
    if isinstance(tensors, Mapping):
        return [tensors[key] for key in sorted(tensors)]
    found = list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
    if not found:
        raise errors.value_error("Expected at least one tensor in batch().")
    return found


def _shapes(rows: list[list[Tensor]], shapes: Any, enqueue_many: bool) -> list[TensorShape]:
    """The shapes of an example's tensors: those given, or what holds for all readers."""
    if shapes is not None:
        return [as_shape(shape) for shape in shapes]
    found = []
    for column in zip(*rows, strict=True):
        shape = column[0].shape
        for tensor in column[1:]:
            shape = shape.merge_with(tensor.shape)
        if enqueue_many:
            shape = shape.with_rank_at_least(1)[1:]
        if shape.ndims is None:
            raise ValueError(
                errors.report(
                    "Cannot infer Tensor's rank: the shape of an example has to be known.",
                    op=column[0].op,
                    do="give it by set_shape, or as shapes=[...].",
                )
            )
        found.append(shape)
    return found
