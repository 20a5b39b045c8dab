"""With this module one can hand elements from thread to thread: `tf.FIFOQueue` and its kin.

queue = tf.FIFOQueue(100, [tf.float32], shapes=[[784]])
enqueue = queue.enqueue([image])           # run by the threads of a QueueRunner
batch = queue.dequeue_many(32)             # run by the training loop, which waits for them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minitf.framework import dtypes as dtypes_lib
from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.dtypes import DType
from minitf.framework.operation import Operation
from minitf.framework.random_seed import get_seed
from minitf.framework.scopes import device, init_scope, name_scope
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import SCALAR, TensorShape, as_shape
from minitf.ops import array_ops
from minitf.ops.data_flow_ops import queue_ops
from minitf.ops.data_flow_ops.queue_ops import as_outputs


class QueueBase:
    """What all queues share (mirrors `tf.QueueBase`).

    An element is a tuple of tensors. Who enqueues into a full queue waits until there is room;
    who dequeues from an empty one until there is an element, or the queue is closed; or until the
    session is closed, or the time of the run is up (`RunOptions(timeout_in_ms=...)`).

    Args:
      dtypes: the dtypes of the components.
      shapes: their static shapes; [] where they are not known.
      names: their names, if elements are dictionaries.
      queue_ref: the handle.
    """

    def __init__(
        self,
        dtypes: Sequence[DType],
        shapes: Sequence[TensorShape],
        names: Sequence[str] | None,
        queue_ref: Tensor,
    ) -> None:
        self._dtypes = list(dtypes)
        self._shapes = list(shapes) or [TensorShape(None)] * len(dtypes)
        if names is not None and len(names) != len(dtypes):
            raise errors.value_error("List of names does not match the number of components.")
        self._names = list(names) if names is not None else None
        self._queue_ref = queue_ref
        self._name = queue_ref.op.name.rpartition("/")[2]

    @staticmethod
    def from_list(index: Any, queues: Sequence[QueueBase]) -> QueueBase:
        """The queue of this number, chosen when it runs.

        Args:
          index: an integer scalar.
          queues: queues of one kind of element.

        Raises:
          TypeError: if these are no queues, or their elements differ.
        """
        if not queues or not isinstance(queues, list):
            raise errors.type_error(f"A list of queues expected, not {queues!r}")
        if not all(isinstance(queue, QueueBase) for queue in queues):
            raise errors.type_error("A list of queues expected")
        first = queues[0]
        if any(queue.dtypes != first.dtypes for queue in queues):
            raise errors.type_error("Queues do not have matching component dtypes.")
        if any(queue.names != first.names for queue in queues):
            raise errors.type_error("Queues do not have matching component names.")
        shapes = [
            _common_shape([queue.shapes[i] for queue in queues]) for i in range(len(first.dtypes))
        ]
        refs = array_ops.stack([queue.queue_ref for queue in queues])
        chosen = array_ops.gather(refs, index)
        return QueueBase(first.dtypes, shapes, first.names, chosen)

    @property
    def queue_ref(self) -> Tensor:
        """The handle."""
        return self._queue_ref

    @property
    def name(self) -> str:
        """The name of the queue's node."""
        return self._queue_ref.op.name

    @property
    def dtypes(self) -> list[DType]:
        """The dtypes of the components."""
        return self._dtypes

    @property
    def shapes(self) -> list[TensorShape]:
        """The static shapes of the components."""
        return self._shapes

    @property
    def names(self) -> list[str] | None:
        """The names of the components, or None."""
        return self._names

    # ---- putting

    def enqueue(self, vals: Any, name: str | None = None) -> Operation:
        """An operation that adds one element, waiting for room.

        Args:
          vals: a tensor, a list or tuple of one for each component, or a dictionary where
            components have names.
          name: the operation's name.

        Raises:
          ValueError: if dtypes, shapes or names do not fit.
          tf.errors.CancelledError: when it runs, if the queue is closed.

        >>> import minitf as tf
        >>> queue = tf.FIFOQueue(3, [tf.float32, tf.string], shapes=[[], []])
        >>> put, take = queue.enqueue([1.5, "a"]), queue.dequeue()
        >>> with tf.Session() as sess:
        ...     sess.run(put)
        ...     sess.run(take)
        [np.float32(1.5), b'a']
        """
        with name_scope(name, f"{self._name}_enqueue", self._tensors_of(vals)) as scope:
            values = self._components(vals)
            for i, value in enumerate(values):
                self._check_shape(i, value.shape, "enqueue_many", value.shape[1:])
            op: Operation = queue_ops.QUEUE_ENQUEUE_V2(self._queue_ref, values, name=scope)
            return op

    def enqueue_many(self, vals: Any, name: str | None = None) -> Operation:
        """An operation that adds the slices of tensors along their first axis, one by one.

        Args:
          vals: as for `enqueue`, with one more dim in front.
          name: the operation's name.

        Raises:
          ValueError: if dtypes, shapes or names do not fit.
          tf.errors.CancelledError: when it runs, if the queue is closed.
        """
        with name_scope(name, f"{self._name}_EnqueueMany", self._tensors_of(vals)) as scope:
            values = self._components(vals)
            length = values[0].shape.with_rank_at_least(1)[0]
            for i, value in enumerate(values):
                rows = value.shape.with_rank_at_least(1)
                length = length.merge_with(rows[0])
                self._check_shape(i, rows[1:], "enqueue", rows)
            op: Operation = queue_ops.QUEUE_ENQUEUE_MANY_V2(self._queue_ref, values, name=scope)
            return op

    def _check_shape(self, i: int, given: TensorShape, other: str, there: TensorShape) -> None:
        """Refuses a component that no element can have.

        Args:
          i: the number of the component.
          given: its shape.
          other: the method that may have been meant.
          there: what its shape would be for that one.
        """
        shape = self._shapes[i]
        if given.is_compatible_with(shape):
            return
        do = f"give a tensor of shape {shape}, for example with tf.reshape; or change the queue's."
        if there.is_compatible_with(shape):
            do = f"it would fit queue.{other}."
        raise ValueError(
            errors.report(
                f"Shapes {given} and {shape} are incompatible for component {i} of an element of "
                f"queue {self.name!r}.",
                facts=f"queue created at: {self._queue_ref.op.traceback}",
                do=do,
                see="shapes-that-do-not-fit",
            )
        )

    def _components(self, vals: Any) -> list[Tensor]:
        """Values as tensors, one for each component."""
        values = self._listed(vals)
        if len(values) != len(self._dtypes):
            raise ValueError(
                errors.report(
                    f"An element of queue {self.name!r} has {len(self._dtypes)} components, but "
                    f"got {len(values)}.",
                    op=self._queue_ref.op,
                    do="give one tensor for each component, as a list.",
                )
            )
        return [
            convert_to_tensor(value, dtype, name=f"component_{i}")
            for i, (value, dtype) in enumerate(zip(values, self._dtypes, strict=True))
        ]

    def _listed(self, vals: Any) -> list[Any]:
        if isinstance(vals, Mapping):
            if self._names is None:
                raise errors.value_error("Queue must have names to enqueue a dictionary")
            if sorted(self._names) != sorted(vals):
                raise errors.value_error(
                    "Keys in dictionary to enqueue do not match names of Queue. Dictionary: "
                    f"{sorted(vals)}, Queue: {sorted(self._names)}"
                )
            return [vals[key] for key in self._names]
        if self._names is not None:
            raise errors.value_error("You must enqueue a dictionary in a Queue with names")
        return list(vals) if isinstance(vals, (list, tuple)) else [vals]

    @staticmethod
    def _tensors_of(vals: Any) -> list[Any]:
        if isinstance(vals, Mapping):
            return list(vals.values())
        return list(vals) if isinstance(vals, (list, tuple)) else [vals]

    # ---- taking

    def dequeue(self, name: str | None = None) -> Any:
        """Tensors of the next element, which is waited for.

        Args:
          name: the operation's name.

        Returns:
          A tensor; a list of tensors of several components; a dictionary if these have names.

        Raises:
          tf.errors.OutOfRangeError: when it runs, if the queue is closed and empty.
        """
        outputs = queue_ops.QUEUE_DEQUEUE_V2(
            self._queue_ref,
            component_types=self._dtypes,
            name=f"{self._name}_Dequeue" if name is None else name,
        )
        return self._returned(as_outputs(outputs), [])

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """Tensors of the next `n` elements, put together along a new first axis.

        Args:
          n: how many elements; there may be more than the queue has room for.
          name: the operation's name.

        Returns:
          As `dequeue`.

        Raises:
          tf.errors.OutOfRangeError: when it runs, if the queue is closed and there are not enough.
        """
        outputs = queue_ops.QUEUE_DEQUEUE_MANY_V2(
            self._queue_ref,
            n,
            component_types=self._dtypes,
            name=f"{self._name}_DequeueMany" if name is None else name,
        )
        found = as_outputs(outputs)
        return self._returned(found, [found[0].op.inputs[1]])

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """`dequeue_many`, except that a closed queue gives what is left, if that is anything.

        Args:
          n: how many elements.
          name: the operation's name.

        Raises:
          tf.errors.OutOfRangeError: when it runs, if the queue is closed and empty.
        """
        outputs = queue_ops.QUEUE_DEQUEUE_UP_TO_V2(
            self._queue_ref,
            n,
            component_types=self._dtypes,
            name=f"{self._name}_DequeueUpTo" if name is None else name,
        )
        return self._returned(as_outputs(outputs), None)

    def _returned(self, outputs: list[Tensor], counts: list[Tensor] | None) -> Any:
        """Output tensors as the caller gets them."""
        front = [] if counts == [] else [None]
        for tensor, shape in zip(outputs, self._shapes, strict=True):
            tensor.set_shape(TensorShape(front).concatenate(shape))
        if self._names is not None:
            return dict(zip(self._names, outputs, strict=True))
        return outputs if len(outputs) > 1 else outputs[0]

    # ---- the rest

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Operation:
        """An operation that has the queue take no more elements; those in it can be dequeued.

        Args:
          cancel_pending_enqueues: whether enqueues that wait for room fail with CancelledError.
          name: the operation's name.
        """
        op: Operation = queue_ops.QUEUE_CLOSE_V2(
            self._queue_ref,
            cancel_pending_enqueues=cancel_pending_enqueues,
            name=f"{self._name}_Close" if name is None else name,
        )
        return op

    def is_closed(self, name: str | None = None) -> Tensor:
        """Whether the queue is closed: a scalar bool."""
        name = f"{self._name}_Is_Closed" if name is None else name
        result: Tensor = queue_ops.QUEUE_IS_CLOSED_V2(self._queue_ref, name=name)
        return result

    def size(self, name: str | None = None) -> Tensor:
        """How many elements there are: a scalar int32."""
        name = f"{self._name}_Size" if name is None else name
        result: Tensor = queue_ops.QUEUE_SIZE_V2(self._queue_ref, name=name)
        return result


def _common_shape(shapes: Sequence[TensorShape]) -> TensorShape:
    """What holds for all of these shapes."""
    if any(shape.ndims is None or shape.ndims != shapes[0].ndims for shape in shapes):
        return TensorShape(None)
    rows = zip(*(shape.as_list() for shape in shapes), strict=True)
    return TensorShape([dims[0] if len(set(dims)) == 1 else None for dims in rows])


def _as_dtypes(dtypes: Any) -> list[DType]:
    if not isinstance(dtypes, (list, tuple)):
        dtypes = [dtypes]
    return [dtypes_lib.as_dtype(dtype).base_dtype for dtype in dtypes]


def _as_shapes(shapes: Any, dtypes: list[DType], partly_known: bool = False) -> list[TensorShape]:
    """The shapes of the components, checked; one alone may be given bare."""
    if shapes is None:
        return []
    if not isinstance(shapes, (list, tuple)) or all(
        dim is None or isinstance(dim, int) for dim in shapes
    ):
        shapes = [shapes]
    found = [as_shape(shape) for shape in shapes]
    if len(found) != len(dtypes):
        raise errors.value_error(
            "Queue shapes must have the same length as dtypes, received "
            f"len(shapes)={len(found)}, len(dtypes)={len(dtypes)}"
        )
    if not partly_known and not all(shape.is_fully_defined() for shape in found):
        raise errors.value_error(f"All shapes must be fully defined: {found}")
    return found


def _as_names(names: Any, dtypes: list[DType]) -> list[str] | None:
    if names is None:
        return None
    found = [names] if isinstance(names, str) else list(names)
    if len(found) != len(dtypes):
        raise errors.value_error(
            "Queue names must have the same length as dtypes, received "
            f"len(names)={len(found)}, len(dtypes)={len(dtypes)}"
        )
    return found


class FIFOQueue(QueueBase):
    """A queue whose elements leave in the order in which they came (mirrors `tf.FIFOQueue`).

    Args:
      capacity: how many elements there may be; a negative number sets no bound.
      dtypes: the dtype of each component.
      shapes: the shape of each component; None if they may differ: then there is no
        `dequeue_many`.
      names: the name of each component, to have elements be dictionaries.
      shared_name: queues of one shared name are one, also in other sessions of a server.
      name: the node's name.

    Raises:
      ValueError: if there are not as many shapes or names as dtypes, or a shape is not known.

    >>> import minitf as tf
    >>> queue = tf.FIFOQueue(10, tf.int32, shapes=[])
    >>> fill, pair = queue.enqueue_many([[1, 2, 3]]), queue.dequeue_many(2)
    >>> with tf.Session() as sess:
    ...     sess.run(fill)
    ...     print(sess.run(pair), sess.run(queue.size()))
    [1 2] 1
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "fifo_queue",
    ) -> None:
        types = _as_dtypes(dtypes)
        known = _as_shapes(shapes, types)
        labels = _as_names(names, types)
        with init_scope(), device("CPU"):
            ref = queue_ops.FIFO_QUEUE_V2(
                component_types=types,
                shapes=known,
                capacity=capacity,
                shared_name=shared_name or "",
                name=name,
            )
        super().__init__(types, known, labels, ref)


class PaddingFIFOQueue(QueueBase):
    """A `FIFOQueue` whose components may have dims that differ from element to element.

    Mirrors `tf.PaddingFIFOQueue`. `dequeue_many` makes the elements of a batch equally large: it
    pads each with zeros to the largest.

    Args:
      capacity, dtypes, names, shared_name, name: as for `FIFOQueue`.
      shapes: the shape of each component; dims may be None, the rank is known.

    Raises:
      ValueError: if there are not as many shapes or names as dtypes, or a rank is not known.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.int32, [None])
    >>> queue = tf.PaddingFIFOQueue(10, tf.int32, shapes=[[None]])
    >>> put, pair = queue.enqueue(x), queue.dequeue_many(2)
    >>> with tf.Session() as sess:
    ...     sess.run(put, {x: [1, 2, 3]})
    ...     sess.run(put, {x: [4]})
    ...     print(sess.run(pair))
    [[1 2 3]
     [4 0 0]]
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Any,
        shapes: Any,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "padding_fifo_queue",
    ) -> None:
        types = _as_dtypes(dtypes)
        known = _as_shapes(shapes, types, partly_known=True)
        if len(known) != len(types) or any(shape.ndims is None for shape in known):
            raise errors.value_error(f"Shapes must be provided, and have a known rank: {shapes}")
        labels = _as_names(names, types)
        ref = queue_ops.PADDING_FIFO_QUEUE_V2(
            component_types=types,
            shapes=known,
            capacity=capacity,
            shared_name=shared_name or "",
            name=name,
        )
        super().__init__(types, known, labels, ref)


class RandomShuffleQueue(QueueBase):
    """A queue whose elements leave in random order (mirrors `tf.RandomShuffleQueue`).

    Args:
      capacity: how many elements there may be.
      min_after_dequeue: how many stay in the queue while it is open, so that each is chosen among
        at least that many.
      dtypes, shapes, names, shared_name, name: as for `FIFOQueue`.
      seed: see `tf.set_random_seed`. With a seed the order is TensorFlow's.

    >>> import minitf as tf
    >>> queue = tf.RandomShuffleQueue(10, 0, tf.int32, shapes=[[]], seed=1)
    >>> fill, all_of_it = queue.enqueue_many([[1, 2, 3, 4]]), queue.dequeue_many(4)
    >>> with tf.Session() as sess:
    ...     sess.run(fill)
    ...     sorted(sess.run(all_of_it).tolist())
    [1, 2, 3, 4]
    """

    def __init__(
        self,
        capacity: int,
        min_after_dequeue: int,
        dtypes: Any,
        shapes: Any = None,
        names: Any = None,
        seed: int | None = None,
        shared_name: str | None = None,
        name: str = "random_shuffle_queue",
    ) -> None:
        types = _as_dtypes(dtypes)
        known = _as_shapes(shapes, types)
        labels = _as_names(names, types)
        seed1, seed2 = _queue_seeds(seed, shared_name)
        ref = queue_ops.RANDOM_SHUFFLE_QUEUE_V2(
            component_types=types,
            shapes=known,
            capacity=capacity,
            min_after_dequeue=min_after_dequeue,
            seed=seed1,
            seed2=seed2,
            shared_name=shared_name or "",
            name=name,
        )
        super().__init__(types, known, labels, ref)


def _queue_seeds(seed: int | None, shared_name: str | None) -> tuple[int, int]:
    seed1, seed2 = get_seed(seed)
    if seed1 is None and seed2 is None:
        return 0, 0
    if seed is None and shared_name is not None:
        # All that share the queue have to ask for the same one, whatever nodes they made before.
        import hashlib

        digest = hashlib.md5(f"{seed1}{shared_name}".encode(), usedforsecurity=False)
        return seed1 or 0, int(digest.hexdigest()[:8], 16) & 0x7FFFFFFF
    return seed1 or 0, seed2 or 0


class PriorityQueue(QueueBase):
    """A queue whose least element leaves first (mirrors `tf.PriorityQueue`).

    An element has one more component in front: its priority, an int64. Among elements of equal
    priority the oldest leaves first.

    Args:
      capacity: how many elements there may be.
      types: the dtype of each component, without the priority.
      shapes: the shape of each component, likewise.
      names, shared_name, name: as for `FIFOQueue`.

    >>> import minitf as tf
    >>> queue = tf.PriorityQueue(10, tf.string, shapes=[[]])
    >>> fill = queue.enqueue_many([[2, 1], ["later", "first"]])
    >>> _, text = queue.dequeue()
    >>> with tf.Session() as sess:
    ...     sess.run(fill)
    ...     print(sess.run(text))
    b'first'
    """

    def __init__(
        self,
        capacity: int,
        types: Any,
        shapes: Any = None,
        names: Any = None,
        shared_name: str | None = None,
        name: str = "priority_queue",
    ) -> None:
        components = _as_dtypes(types)
        known = _as_shapes(shapes, components)
        ref = queue_ops.PRIORITY_QUEUE_V2(
            component_types=components,
            shapes=known,
            capacity=capacity,
            shared_name=shared_name or "",
            name=name,
        )
        with_priority = [dtypes_lib.int64, *components]
        with_scalar = [SCALAR, *known] if known else []
        super().__init__(with_priority, with_scalar, _as_names(names, with_priority), ref)
