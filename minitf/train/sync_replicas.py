"""With this module several workers take each step together: `tf.train.SyncReplicasOptimizer`.

Every worker computes gradients from the same values, and gives them to accumulators beside the
variables. The chief's queue runner takes their average, updates the variables and the global step,
and hands out tokens: who has one begins the next step.

    worker 0 --gradients--> accumulator --average--> update --> tokens --> worker 0
    worker 1 --gradients-->                                           \\--> worker 1

Where every worker counts (as many replicas are aggregated as there are) and it is known which one
this is, each has an accumulator and a queue of tokens of its own. So each contributes exactly once
to a step, and gradients are added up in the order of the workers: the update is, to the bit, that
of one process which averages the gradients of the same batches in that order. Otherwise the graph
is TensorFlow's: whose gradients come first count, and those of an earlier step are dropped.

Whoever ends, has the others end as well, where without it no step can be completed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from minitf import logging
from minitf.framework import errors
from minitf.framework.device import DeviceSpec
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.framework.scopes import colocate_with, control_dependencies, device, name_scope
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import array_ops, control_flow_ops, math_ops, state_ops, variable_lists
from minitf.ops.data_flow_ops import (
    ConditionalAccumulator,
    FIFOQueue,
    SparseConditionalAccumulator,
)
from minitf.ops.variables import Variable
from minitf.train.optimizer import Optimizer
from minitf.train.queue_runner import QueueRunner
from minitf.train.replicas_optimizer import ReplicasOptimizer
from minitf.train.session_run_hook import SessionRunHook


class SyncReplicasOptimizer(ReplicasOptimizer):
    """Averages the gradients of several workers for each step.

    Mirrors `tf.train.SyncReplicasOptimizer`. Each worker builds it around an optimizer, and gives
    its session the hook (`make_session_run_hook`); or the chief runs `get_init_tokens_op()` and
    starts `get_chief_queue_runner()`.

    Args:
      opt: the optimizer that applies the averages.
      replicas_to_aggregate: how many gradients make a step.
      total_num_replicas: how many workers there are; `replicas_to_aggregate` if None. If it is
        larger, the others are backups: the gradients of the slowest are dropped.
      variable_averages: an `ExponentialMovingAverage`, updated after each step.
      variables_to_average: the variables for it.
      use_locking: accepted.
      name: the scope of the accumulators.
      worker_index: minitf's own: which worker this is, from 0. If None, it is told by the device
        that the graph is built for ("/job:worker/task:1", as by `replica_device_setter`).

    >>> import minitf as tf
    >>> w = tf.Variable(0.0)
    >>> step = tf.train.get_or_create_global_step()
    >>> optimizer = tf.train.GradientDescentOptimizer(0.25)
    >>> optimizer = tf.train.SyncReplicasOptimizer(optimizer, replicas_to_aggregate=1)
    >>> train = optimizer.minimize((w - 3.0) ** 2, step)
    >>> hooks = [optimizer.make_session_run_hook(is_chief=True, num_tokens=0),
    ...          tf.train.StopAtStepHook(last_step=3)]
    >>> with tf.train.MonitoredTrainingSession(hooks=hooks) as sess:
    ...     while not sess.should_stop():
    ...         _ = sess.run(train)
    ...     print(sess._tf_sess().run(w))
    2.625
    """

    def __init__(
        self,
        opt: Optimizer,
        replicas_to_aggregate: int,
        total_num_replicas: int | None = None,
        variable_averages: Any = None,
        variables_to_average: Any = None,
        use_locking: bool = False,
        name: str = "sync_replicas",
        worker_index: int | None = None,
    ) -> None:
        super().__init__(opt, use_locking, name)
        total = replicas_to_aggregate if total_num_replicas is None else total_num_replicas
        logging.info(
            "SyncReplicasV2: replicas_to_aggregate=%s; total_num_replicas=%s",
            replicas_to_aggregate,
            total,
        )
        if worker_index is not None and not 0 <= worker_index < total:
            raise errors.value_error(
                f"worker_index must be one of 0 ... {total - 1}, not {worker_index}"
            )
        self._replicas_to_aggregate = replicas_to_aggregate
        self._total_num_replicas = total
        self._tokens_per_step = max(total, replicas_to_aggregate)
        self._variable_averages = variable_averages
        self._variables_to_average = variables_to_average
        self._worker_index = worker_index
        self._exchange: _Exchange | None = None
        self._chief_queue_runner: QueueRunner | None = None

    # ---- a step

    def apply_gradients(  # type: ignore[override]  # gives the token's assignment, as TensorFlow
        self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None, name: Any = None
    ) -> Tensor:
        """Gives this worker's gradients, and waits until the step is done.

        Args:
          grads_and_vars: pairs (gradient, variable), as `compute_gradients` returns.
          global_step: the global step.
          name: accepted.

        Returns:
          A tensor that a training loop runs: the global step that the next gradients belong to.

        Raises:
          ValueError: if there is no gradient, or no global step.
        """
        pairs = list(grads_and_vars)
        if not pairs:
            raise errors.value_error("Must supply at least one variable")
        if global_step is None:
            raise errors.value_error(
                "Global step is required to check staleness", see="global-step"
            )
        self._global_step = global_step
        # It stays with the worker, wherever the variables are.
        anchor = control_flow_ops.no_op()
        with colocate_with(anchor):
            self._local_step = Variable(
                0,
                trainable=False,
                collections=[GraphKeys.LOCAL_VARIABLES],
                dtype=global_step.dtype.base_dtype,
                name="sync_rep_local_step",
            )
        self.local_step_init_op = state_ops.assign(self._local_step, global_step)
        self.ready_for_local_init_op = variable_lists.report_uninitialized_variables(
            variable_lists.global_variables()
        )
        self._exchange = self._make_exchange(anchor)
        with name_scope(None, self._name):
            averages = [(self._exchange.average(grad, var), var) for grad, var in pairs]
            with device(global_step.device), name_scope(""):
                update = self._opt.apply_gradients(averages, global_step)
            with device(global_step.device), name_scope(""):
                self._exchange.make_queues()
                with control_dependencies(self._exchange.given):
                    token = self._exchange.token()
                train_op: Tensor = state_ops.assign(self._local_step, token)
                with control_dependencies([update]):
                    sync = self._exchange.hand_out()
                if self._variable_averages is not None:
                    with control_dependencies([sync]), name_scope(""):
                        sync = self._variable_averages.apply(self._variables_to_average)
                self._chief_queue_runner = self._exchange.queue_runner(sync)
            init = [self.local_step_init_op, *self._exchange.set_global_step()]
            self.chief_init_op = control_flow_ops.group(*init)
        return train_op

    def _make_exchange(self, anchor: Operation) -> _Exchange:
        index = self._worker_index
        if index is None:
            index = _index_of(anchor.device)
        if self._total_num_replicas != self._replicas_to_aggregate:
            index = None
        common = self._global_step, self._local_step, self._tokens_per_step
        if index is None or index >= self._total_num_replicas:
            return _AnyWorkers(*common, self._replicas_to_aggregate)
        return _AllWorkers(*common, index)

    # ---- for the chief

    def get_chief_queue_runner(self) -> QueueRunner:
        """The queue runner that takes averages, updates the variables and hands out tokens.

        Raises:
          ValueError: before `apply_gradients`.
        """
        if self._chief_queue_runner is None:
            raise errors.value_error(
                "Should be called after apply_gradients().", see="order-of-calls"
            )
        return self._chief_queue_runner

    def get_init_tokens_op(self, num_tokens: int = -1) -> Operation:
        """An operation that hands out the first tokens, which the chief runs at the beginning.

        Args:
          num_tokens: how many; at least `replicas_to_aggregate - total_num_replicas`, and by
            default `replicas_to_aggregate`. Where every worker contributes exactly once to a step,
            none are needed, and none handed out, unless a chief has died and comes back.

        Raises:
          ValueError: before `apply_gradients`, or if these are too few.
        """
        if self._exchange is None:
            raise errors.value_error(
                "get_init_tokens_op() should be called after apply_gradients().",
                see="order-of-calls",
            )
        needed = self._replicas_to_aggregate - self._total_num_replicas
        if num_tokens == -1:
            num_tokens = self._replicas_to_aggregate
        elif num_tokens < needed:
            raise errors.value_error(
                f"Too few tokens to finish the first step: {num_tokens} (given) vs {needed} "
                "(needed)"
            )
        with device(self._global_step.device), name_scope(""):
            handed_out = self._exchange.first_tokens(num_tokens)
        return handed_out or control_flow_ops.no_op(name="no_init_tokens")

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> SessionRunHook:
        """The hook that prepares a worker, and has the others end with it.

        Args:
          is_chief: whether this is the chief.
          num_tokens: see `get_init_tokens_op`.
        """
        return _SyncReplicasHook(self, is_chief, num_tokens)


def _index_of(device_name: str) -> int | None:
    """Which worker builds its graph for a device; None if that is not known."""
    spec = DeviceSpec.from_string(device_name)
    if spec.task is None or spec.job is None:
        return None
    if spec.job in ("chief", "master"):
        return int(spec.task)
    try:
        jobs = json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster", {})
    except ValueError:
        jobs = {}
    before = sum(len(jobs.get(job, ())) for job in ("chief", "master"))
    return before + int(spec.task)


# ---- how gradients and tokens are exchanged


class _Exchange:
    """The nodes by which workers give gradients, and get tokens.

    Attributes:
      given: the operations by which this worker gives its gradients.
    """

    def __init__(self, global_step: Any, local_step: Variable, tokens_per_step: int) -> None:
        self.given: list[Operation] = []
        self._global_step = global_step
        self._local_step = local_step
        self._tokens_per_step = tokens_per_step
        self._accumulators: list[tuple[Any, str]] = []
        self._queues: list[FIFOQueue] = []

    def average(self, grad: Any, var: Any) -> Any:
        """Gives a gradient of this worker; returns the average that the chief waits for."""
        raise NotImplementedError

    def make_queues(self) -> None:
        """Makes the queues of tokens."""
        raise NotImplementedError

    def token(self) -> Tensor:
        """The token that this worker waits for: the step that follows."""
        raise NotImplementedError

    def hand_out(self) -> Operation:
        """Hands out the tokens of a step."""
        raise NotImplementedError

    def first_tokens(self, number: int) -> Operation | None:
        """Hands out the first tokens; None if there are none."""
        raise NotImplementedError

    def queue_runner(self, sync: Any) -> QueueRunner:
        """Runs steps until a stop is asked for; then nobody else gets a token."""
        raise NotImplementedError

    def leave(self) -> Callable[[Any], None]:
        """Builds what a worker does that ends; returns a function of the session that does it."""
        raise NotImplementedError

    def set_global_step(self) -> list[Operation]:
        """Tells the accumulators which gradients are stale."""
        ops = []
        for accumulator, where in self._accumulators:
            with device(where):
                ops.append(accumulator.set_global_step(self._global_step, name="SetGlobalStep"))
        return ops

    def _step_now(self) -> Tensor:
        """The global step after what the nodes made now wait for.

        The variable's own read waits for nothing: where the update takes several servers, it may
        be done before.
        """
        step = self._global_step
        step = step._ref() if isinstance(step, Variable) else step
        return array_ops.identity(step, name="global_step_now")

    def _accumulator(self, grad: Any, var: Any, name: str) -> Any:
        made: Any
        if isinstance(grad, Tensor):
            made = ConditionalAccumulator(grad.dtype, shape=var.shape, shared_name=name)
        elif isinstance(grad, IndexedSlices):
            made = SparseConditionalAccumulator(grad.values.dtype, shape=(), shared_name=name)
        else:
            raise errors.value_error(f"Unknown grad type: {grad!r}, for {var.name}")
        self._accumulators.append((made, var.device))
        return made

    def _give(self, accumulator: Any, grad: Any) -> None:
        step = self._local_step.value()
        if isinstance(grad, Tensor):
            self.given.append(accumulator.apply_grad(grad, local_step=step))
        else:
            self.given.append(accumulator.apply_indexed_slices_grad(grad, local_step=step))


class _AnyWorkers(_Exchange):
    """Whose gradients come first count: one accumulator of a variable, one queue of tokens."""

    def __init__(
        self, global_step: Any, local_step: Variable, tokens_per_step: int, required: int
    ) -> None:
        super().__init__(global_step, local_step, tokens_per_step)
        self._required = required

    def average(self, grad: Any, var: Any) -> Any:
        with device(var.device):
            if grad is None:
                return None
            accumulator = self._accumulator(grad, var, f"{var.name}/grad_accum")
            self._give(accumulator, grad)
            if isinstance(grad, Tensor):
                return accumulator.take_grad(self._required)
            return accumulator.take_indexed_slices_grad(self._required)

    def make_queues(self) -> None:
        self._queue = FIFOQueue(
            -1,
            self._global_step.dtype.base_dtype,
            shapes=((),),
            name="sync_token_q",
            shared_name="sync_token_q",
        )

    def token(self) -> Tensor:
        token: Tensor = self._queue.dequeue()
        return token

    def hand_out(self) -> Operation:
        tokens = array_ops.fill([self._tokens_per_step], self._step_now())
        return self._queue.enqueue_many((tokens,))

    def first_tokens(self, number: int) -> Operation | None:
        if number <= 0:
            return None
        tokens = array_ops.fill([number], self._global_step)
        return self._queue.enqueue_many((tokens,))

    def queue_runner(self, sync: Any) -> QueueRunner:
        return QueueRunner(
            self._queue,
            [sync],
            queue_closed_exception_types=(errors.OutOfRangeError, errors.CancelledError),
        )

    def leave(self) -> Callable[[Any], None]:
        # So many may leave before no step can be completed.
        spare = self._tokens_per_step - self._required
        with device(self._global_step.device), name_scope(None):
            close = self._queue.close(name="sync_token_q_CloseForGood")
            if spare:
                left = FIFOQueue(-1, "int32", shapes=((),), shared_name="sync_left_q", name="left")
                note, count = left.enqueue(0), left.size()

        def leave(session: Any) -> None:
            if spare:
                session.run(note)
            if not spare or session.run(count) > spare:
                _run_unless_closed(session, close)

        return leave


class _AllWorkers(_Exchange):
    """Each worker contributes exactly once: each has accumulators and a queue of its own."""

    def __init__(
        self, global_step: Any, local_step: Variable, tokens_per_step: int, index: int
    ) -> None:
        super().__init__(global_step, local_step, tokens_per_step)
        self._index = index

    def average(self, grad: Any, var: Any) -> Any:
        with device(var.device):
            if grad is None:
                return None
            taken = []
            for index in range(self._tokens_per_step):
                name = f"{var.name}/grad_accum_of_worker_{index}"
                accumulator = self._accumulator(grad, var, name)
                if index == self._index:
                    self._give(accumulator, grad)
                if isinstance(grad, Tensor):
                    taken.append(accumulator.take_grad(1))
                else:
                    taken.append(accumulator.take_indexed_slices_grad(1))
            if isinstance(grad, Tensor):
                total = taken[0]
                for other in taken[1:]:
                    total = total + other
                return total / len(taken)
            # Rows that several workers have given are added up by the optimizer, in this order.
            values = array_ops.concat([each.values for each in taken], 0) / len(taken)
            indices = array_ops.concat([each.indices for each in taken], 0)
            return IndexedSlices(values, indices, taken[0].dense_shape)

    def make_queues(self) -> None:
        self._queues = [
            FIFOQueue(
                -1,
                self._global_step.dtype.base_dtype,
                shapes=((),),
                name="sync_token_q",
                shared_name=f"sync_token_q_of_worker_{index}",
            )
            for index in range(self._tokens_per_step)
        ]

    # A step's token comes twice: the second time when every worker has had it once. Who has both
    # and leaves, closing the queues, so keeps nobody from this step's token; and who finds its
    # queue closed is content with one.

    def token(self) -> Tensor:
        tokens: Tensor = self._queues[self._index].dequeue_up_to(2)
        first: Tensor = tokens[0]
        return first

    def hand_out(self) -> Operation:
        step = self._step_now()
        first = [queue.enqueue(step) for queue in self._queues]
        with control_dependencies(first):
            # The chief is most often the first: if it ends at once, the others have theirs.
            second = [queue.enqueue(step) for queue in reversed(self._queues)]
        return control_flow_ops.group(*second)

    def first_tokens(self, number: int) -> Operation:
        # A chief that has died and comes back has set the accumulators back: what the others gave
        # is gone, and they wait for a token. They get one to begin anew with. Who is given one too
        # many wastes a gradient: it is stale by then.
        lives = FIFOQueue(
            -1, "int32", shapes=((),), name="sync_lives_q", shared_name="sync_lives_q"
        )
        again = math_ops.minimum(lives.size(), 1)
        tokens = array_ops.fill([2 * again], self._global_step)
        with control_dependencies([tokens]):
            noted = lives.enqueue(0)
        with control_dependencies([noted]):
            given = [queue.enqueue_many((tokens,)) for queue in self._queues]
        return control_flow_ops.group(*given, name="first_tokens")

    def queue_runner(self, sync: Any) -> QueueRunner:
        close = control_flow_ops.group(*[queue.close() for queue in self._queues])
        cancel = [queue.close(cancel_pending_enqueues=True) for queue in self._queues]
        return QueueRunner(
            self._queues[0],
            [sync],
            close_op=close,
            cancel_op=control_flow_ops.group(*cancel),
            queue_closed_exception_types=(errors.OutOfRangeError, errors.CancelledError),
        )

    def leave(self) -> Callable[[Any], None]:
        with device(self._global_step.device), name_scope(None):
            closes = [queue.close(name="sync_token_q_CloseForGood") for queue in self._queues]

        def leave(session: Any) -> None:
            for close in closes:
                _run_unless_closed(session, close)

        return leave


def _run_unless_closed(session: Any, close: Operation) -> None:
    try:
        session.run(close)
    except errors.CancelledError:  # somebody else was earlier
        logging.vlog(1, "%s: it is closed", close.name)


class _SyncReplicasHook(SessionRunHook):
    """Prepares a worker of synchronous training, and has the others end with it."""

    def __init__(self, optimizer: SyncReplicasOptimizer, is_chief: bool, num_tokens: int) -> None:
        self._optimizer = optimizer
        self._is_chief = is_chief
        self._num_tokens = num_tokens

    def begin(self) -> None:
        optimizer = self._optimizer
        exchange = optimizer._exchange
        if exchange is None:
            raise errors.value_error(
                "SyncReplicasOptimizer.apply_gradient should be called before using the hook.",
                see="order-of-calls",
            )
        self._ready = optimizer.ready_for_local_init_op
        self._init: list[Any] = [optimizer.local_step_init_op]
        self._runner: QueueRunner | None = None
        if self._is_chief:
            tokens = optimizer.get_init_tokens_op(self._num_tokens)
            self._init = [optimizer.chief_init_op, tokens]
            self._runner = optimizer.get_chief_queue_runner()
        self._leave = exchange.leave()

    def after_create_session(self, session: Any, coord: Any) -> None:
        missing = session.run(self._ready)
        if missing.size:
            names = ", ".join(name.decode() for name in missing)
            raise errors.runtime_error(
                "Init operations did not make model ready for SyncReplicasOptimizer local_init. "
                f"Variables not initialized: {names}"
            )
        for init in self._init:
            _run_unless_closed(session, init)
        if self._runner is not None:
            self._runner.create_threads(session, coord=coord, daemon=True, start=True)

    def end(self, session: Any) -> None:
        self._leave(session)
