"""With this module one can run a graph: `tf.Session` and `tf.InteractiveSession`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol, TypeVar

from minitf.framework import default, environment, errors
from minitf.framework.graph import Graph
from minitf.framework.kernel_context import ResourceManager
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.waiting import Runs
from minitf.runtime.config import ConfigProto, RunOptions
from minitf.runtime.feeds import as_fed_array, resolve_feeds
from minitf.runtime.fetches import FetchPlan
from minitf.runtime.growth import GrowthWatch
from minitf.runtime.interpreter import Observe, interpret
from minitf.runtime.memory import Arenas
from minitf.runtime.order import check_order, is_strict
from minitf.runtime.passes import chosen
from minitf.runtime.placement import LOCAL_JOB, DeviceAttributes, place, task_device
from minitf.runtime.program import Program
from minitf.runtime.prune import prune
from minitf.runtime.run_errors import refuse_not_finite
from minitf.runtime.step_stats import add_all, run_metadata_of
from minitf.runtime.trace import NodeRun, TracedProgram
from minitf.runtime.uninitialized import initialized_by
from minitf.runtime.unused_prints import PrintWatch

AnyProgram = TypeVar("AnyProgram", bound=Program)
ProgramKey = tuple[tuple[Any, ...], tuple[Tensor, ...]]


class Servers(Protocol):
    """What a session asks where it is given a target."""

    def connect(self, target: str, graph: Graph, config: Any) -> Any:
        """What runs the steps of a session on a server: it makes programs, and is closed."""

    def reset(self, target: str, containers: list[str] | None) -> None:
        """Clears resource containers of a server's cluster."""


class Pending(Protocol):
    """What goes on with a session's values after the run that began it."""

    def wait(self) -> None:
        """Returns when it has ended; raises what it failed with."""

    def is_settled(self) -> bool:
        """Whether it has ended, and there is nothing to raise."""


class BaseSession:
    """What `Session` and `InteractiveSession` share.

    A session owns the values of the graph's variables, the states of its random generators, and
    the programs that it has made of the graph so far. Runs may come from several threads.

    Args:
      target: the server to run on; "" is this process.
      graph: the graph to run; the default graph if None.
      config: a `ConfigProto`.

    Raises:
      TypeError: if `graph` or `config` is something else.
    """

    servers: ClassVar[Servers]
    """Finds the server of a target. The room `distributed`, which this one does not know, puts it
    here.
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        if graph is not None and not isinstance(graph, Graph):
            raise errors.type_error(f"graph must be a tf.Graph, but got {type(graph)}")
        if config is not None and not isinstance(config, ConfigProto):
            raise errors.type_error(f"config must be a tf.ConfigProto, but got {type(config)}")
        self._graph = graph if graph is not None else default.get_default_graph()
        self._server = self.servers.connect(target, self._graph, config) if target else None
        self._config = config
        self._target = target
        self._closed = False
        self._resources = ResourceManager()
        self._node_state = ResourceManager()
        self._arenas = Arenas()
        self._programs: dict[ProgramKey, tuple[Program, int]] = {}
        self._traced_programs: dict[ProgramKey, TracedProgram] = {}
        self._lock = threading.Lock()
        self._runs = Runs()
        self._pending: set[Pending] = set()
        self._growth = GrowthWatch(self._graph)
        self._prints = PrintWatch(self._graph)
        self._passes = chosen(config)
        options: Any = config or ConfigProto()
        self._threads = max(options.intra_op_parallelism_threads, 0)
        self._timeout_in_ms = options.operation_timeout_in_ms
        self._strict = is_strict(bool(getattr(options, "strict", False)))
        self._check_numerics = bool(getattr(options, "check_numerics", False)) or (
            environment.switch("MINITF_CHECK_NUMERICS", False)
        )
        self._soft_placement = bool(options.allow_soft_placement)
        cpus = max(int(options.device_count.get("CPU", 1)), 1)
        self._devices = [task_device(LOCAL_JOB, 0, cpu) for cpu in range(cpus)]

    @property
    def graph(self) -> Graph:
        """The graph that this session runs."""
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph as a `GraphDef` protocol buffer."""
        return self._graph.as_graph_def()

    @property
    def sess_str(self) -> str:
        """The server that this session runs on; "" is this process."""
        return self._target

    def list_devices(self) -> list[DeviceAttributes]:
        """The devices that this session can use.

        >>> import minitf as tf
        >>> with tf.Session() as sess:
        ...     [device.name for device in sess.list_devices()]
        ['/job:localhost/replica:0/task:0/device:CPU:0']
        """
        names = self._devices if self._server is None else self._server.list_devices()
        return [DeviceAttributes(name) for name in names]

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Computes the fetches and returns their values (mirrors `tf.Session.run`).

        Only the operations that the fetches need are run, each at most once.

        Args:
          fetches: a tensor, an operation, the name of either, a variable, or any nested list,
            tuple, dict or named tuple of these.
          feed_dict: a dictionary from tensors (any, not only placeholders) to the values to use.
          options: a `RunOptions`, such as one that asks for a trace.
          run_metadata: a `RunMetadata` to fill with what `options` ask for.

        Returns:
          The structure of `fetches`, with a numpy array in the place of each tensor (a numpy
          scalar for a scalar tensor, bytes for a string) and None for each operation.

        Raises:
          RuntimeError: if the session is closed.
          TypeError: if a fetch or a key of `feed_dict` is of the wrong kind.
          ValueError: if one is not in the graph, or a fed value does not fit its tensor.
          tf.errors.OpError: if an operation fails.

        >>> import minitf as tf
        >>> a = tf.constant([10, 20])
        >>> with tf.Session() as sess:
        ...     sess.run({"a": a, "twice": a * 2})
        {'a': array([10, 20], dtype=int32), 'twice': array([20, 40], dtype=int32)}
        """
        self._check_open()
        if not self._graph._next_id:
            self._refuse_empty_graph()
        plan = FetchPlan(self._graph, fetches)
        feeds = resolve_feeds(self._graph, feed_dict)
        if options is not None or run_metadata is not None:
            return plan.rebuild(self._run_with(plan.elements, feeds, options, run_metadata))
        if self._check_numerics and self._server is None:
            return self.run_observed(fetches, feed_dict, refuse_not_finite)
        program = self._program(plan.elements, list(feeds))
        return plan.rebuild(self._run_program(program, list(feeds.values())))

    def run_observed(self, fetches: Any, feed_dict: Any, observe: Observe) -> Any:
        """Runs as `run` does, node by node as the graph has them, and tells of each.

        Passes put nodes together, and what is put together has no values inside. So this uses the
        reference interpreter, which is slower.

        Args:
          fetches, feed_dict: as for `run`.
          observe: called after each node with the operation, its inputs and its outputs. It must
            not keep an array that it is given, or change it.

        Raises:
          UnimplementedError: if the session runs on a server.
          Exception: what `run` raises.

        >>> import minitf as tf
        >>> x = tf.placeholder(tf.float32, name="x")
        >>> with tf.Session() as sess:
        ...     y = sess.run_observed(
        ...         tf.exp(-x), {x: 0.0}, lambda op, inputs, outputs: print(op.name, *outputs)
        ...     )
        Neg -0.0
        Exp 1.0
        """
        self._check_open()
        if self._server is not None:
            raise errors.UnimplementedError(
                None,
                None,
                errors.report(
                    f"A run on the server {self._target!r} cannot be observed node by node.",
                    do="observe a session without a target; the graph can be the same.",
                ),
            )
        plan = FetchPlan(self._graph, fetches)
        feeds = resolve_feeds(self._graph, feed_dict)
        with self._runs.one(self._timeout_in_ms / 1000 or None):
            values = interpret(plan.elements, feeds, self._resources, self._node_state, observe)
        initializers = (op for op in plan.elements if isinstance(op, Operation))
        self._resources.note_initializers([op for op in initializers if initialized_by(op)])
        return plan.rebuild(values)

    def make_callable(
        self, fetches: Any, feed_list: Any = None, accept_options: bool = False
    ) -> Callable[..., Any]:
        """A function that runs one step again and again (mirrors `tf.Session.make_callable`).

        Args:
          fetches: as for `run`.
          feed_list: the tensors that the function takes values for, in this order.
          accept_options: whether the function takes `options` and `run_metadata` too.

        >>> import minitf as tf
        >>> x = tf.placeholder(tf.float32)
        >>> with tf.Session() as sess:
        ...     double = sess.make_callable(2.0 * x, [x])
        ...     print(double(4.0))
        8.0
        """
        self._check_open()
        plan = FetchPlan(self._graph, fetches)
        feeds = [
            self._graph.as_graph_element(key, allow_operation=False) for key in feed_list or []
        ]

        def call(*values: Any, options: Any = None, run_metadata: Any = None) -> Any:
            self._check_open()
            if len(values) != len(feeds):
                raise errors.type_error(
                    f"This callable takes {len(feeds)} values, but got {len(values)}."
                )
            arrays = [as_fed_array(t, v) for t, v in zip(feeds, values, strict=True)]
            if options is not None or run_metadata is not None:
                fed = dict(zip(feeds, arrays, strict=True))
                return plan.rebuild(self._run_with(plan.elements, fed, options, run_metadata))
            program = self._program(plan.elements, feeds)
            return plan.rebuild(self._run_program(program, arrays))

        return call

    def _run_program(
        self, program: Program, arrays: list[Any], options: Any = None, **more: Any
    ) -> list[Any]:
        """Runs a program, which may wait for other runs of this session or of others.

        Args:
          program: the program.
          arrays: the values of its feeds.
          options: a `RunOptions`.
          more: what else its `run` takes: on a server, a `trace`.
        """
        run: Callable[..., list[Any]] = program.run
        if not program.may_wait:
            return run(arrays, **more)
        timeout = getattr(options, "timeout_in_ms", 0) or self._timeout_in_ms
        with self._runs.one(timeout / 1000 if timeout else None):
            return run(arrays, **more)

    def _call_off(self, threads: set[int], why: str) -> None:
        """Ends the waiting of what runs in some threads, with a CancelledError."""
        self._runs.call_off(threads, why)

    def _program(self, elements: list[Any], feeds: list[Tensor]) -> Program:
        """The program for these fetches and feeds, made at the first call."""
        key = (tuple(elements), tuple(feeds))
        self._growth.note_run()
        mutations = self._graph._mutations
        found = self._programs.get(key)
        if found is not None:
            program, made_at = found
            if made_at == mutations:
                return program
            if program.is_current():
                self._programs[key] = program, mutations
                return program
        with self._lock:
            if self._server is not None:
                program = self._server.program(elements, feeds)
                if self._strict:
                    check_order(program.ops)
            else:
                program = self._make(Program, elements, feeds)
            self._programs[key] = program, mutations
            return program

    def _make(self, kind: type[AnyProgram], elements: list[Any], feeds: list[Tensor]) -> AnyProgram:
        program = kind(
            elements,
            feeds,
            self._resources,
            self._node_state,
            arenas=self._arenas,
            threads=self._threads,
            passes=self._passes,
        )
        place(program.ops, self._devices, self._soft_placement)
        if self._strict:
            check_order(program.ops)
        self._prints.note_program(program.ops)
        return program

    def _run_with(
        self, elements: list[Any], feeds: dict[Tensor, Any], options: Any, run_metadata: Any
    ) -> list[Any]:
        """Runs these elements as the options say, and fills `run_metadata`."""
        _check_messages(options, run_metadata)
        arrays = list(feeds.values())
        program: Program
        runs: list[NodeRun] | None = None
        wants_trace = run_metadata is not None and bool(
            getattr(options, "trace_level", RunOptions.NO_TRACE)
        )
        parts: list[bytes] = []
        if not wants_trace:
            program = self._program(elements, list(feeds))
            values = self._run_program(program, arrays, options)
        elif self._server is not None:
            program = self._program(elements, list(feeds))
            values = self._run_program(program, arrays, options, trace=parts)
        else:
            program = traced = self._traced_program(elements, list(feeds))
            with traced.record(arrays) as runs:
                values = self._run_program(program, arrays, options)
        if run_metadata is not None:
            wants_graph = getattr(options, "output_partition_graphs", False)
            metadata = run_metadata_of(
                runs, program.ops if wants_graph and not self._server else []
            )
            add_all(metadata.step_stats, parts)
            if wants_graph and self._server is not None:
                pieces = self._server.pieces(elements, list(feeds)).values()
                metadata.partition_graphs.extend(graph.as_graph_def() for graph in pieces)
            # By way of the wire, so that it may be TensorFlow's own message as well.
            run_metadata.ParseFromString(metadata.SerializeToString())
        return values

    def _traced_program(self, elements: list[Any], feeds: list[Tensor]) -> TracedProgram:
        """The program for these that can tell what it does."""
        key = (tuple(elements), tuple(feeds))
        program = self._traced_programs.get(key)
        if program is None or not program.is_current():
            program = self._traced_programs[key] = self._make(TracedProgram, elements, feeds)
        return program

    def explain(self, fetches: Any, feed_dict: Any = None) -> str:
        """What became of the graph: the Python program that computes some fetches.

        Args:
          fetches: as for `run`.
          feed_dict: the tensors to feed, as for `run`: then the program is the one for arrays of
            such shapes, which runs from the second time on. A list of the tensors gives the one
            for any shapes.

        >>> import minitf as tf
        >>> x = tf.placeholder(tf.float32, [2], name="x")
        >>> with tf.Session() as sess:
        ...     print(sess.explain(tf.nn.relu(2.0 * x), [x]))
        # 3 nodes are needed
        def step(x):
            mul = mul_kernel(mul_x, x)                            # float32(2,)
            Relu = relu_kernel(mul)                               # float32(2,)
            del mul
            return [Relu]
        """
        plan = FetchPlan(self._graph, fetches)
        if hasattr(feed_dict, "items"):
            fed = resolve_feeds(self._graph, feed_dict)
            shapes = tuple(value.shape for value in fed.values())
            return self._program(plan.elements, list(fed)).explain(shapes)
        feeds = [
            self._graph.as_graph_element(key, allow_operation=False) for key in feed_dict or []
        ]
        return self._program(plan.elements, feeds).explain()

    def explain_seeds(self, fetches: Any = None) -> str:
        """Which seeds the random ops have, and where they come from: why numbers repeat, or do not.

        Args:
          fetches: as for `run`; only what these need is looked at. By default the whole graph.

        >>> import minitf as tf
        >>> noise = tf.random_uniform([2], seed=3, name="noise")
        >>> with tf.Session() as sess:
        ...     print(sess.explain_seeds(noise).partition("  made at")[0])
        noise/RandomUniform (type RandomUniform): seeds (87654321, 3)
          the graph had no seed; the op's own is 3
        """
        from minitf.runtime.seeds import explain_seeds

        if fetches is None:
            return explain_seeds(self._graph.get_operations())
        return explain_seeds(prune(FetchPlan(self._graph, fetches).elements, set()))

    def pieces(self, fetches: Any, feed_list: Any = None) -> dict[str, Graph]:
        """The graphs that a run is cut into, by task and turn: one for a session of one task.

        Args:
          fetches: as for `run`.
          feed_list: the tensors to feed.

        Returns:
          Graphs by name; `tf.visualize.draw` shows them in frames, with what they send.
        """
        plan = FetchPlan(self._graph, fetches)
        feeds = [
            self._graph.as_graph_element(key, allow_operation=False) for key in feed_list or []
        ]
        if self._server is None:
            return {f"/job:{LOCAL_JOB}/task:0": self._graph}
        found: dict[str, Graph] = self._server.pieces(plan.elements, feeds)
        return found

    def _refuse_empty_graph(self) -> None:
        raise RuntimeError(
            errors.report(
                "The graph of this session is empty: there is nothing to run.",
                do="build the graph first, and the session in the same `with graph.as_default()` "
                "block, or give it as tf.Session(graph=graph).",
                see="nothing-to-run",
            )
        )

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(
                errors.report(
                    "Attempted to use a closed Session.",
                    do="run inside the `with tf.Session()` block, or before sess.close().",
                    see="closed-session",
                )
            )

    def close(self) -> None:
        """Ends the session and forgets its variables' values."""
        self._closed = True
        self._runs.end("The session was closed")
        if self._server is not None:
            self._server.close()
        self._programs.clear()
        self._traced_programs.clear()
        self._resources.clear()
        self._node_state.clear()
        self._arenas.close()
        self._wait()

    def _wait(self) -> None:
        pending, self._pending = self._pending, set()
        with contextlib.ExitStack() as all_of_them:
            for each in pending:
                all_of_them.callback(each.wait)

    def _settle(self) -> None:
        """Waits as `close` does, where another error is on its way, which is the one to raise.

        What is waited for has logged what it failed with.
        """
        with contextlib.suppress(Exception):
            self._wait()

    def _wait_at_close(self, pending: Pending) -> None:
        """Has `close` wait, last of all, for what goes on with this session's values."""
        for each in list(self._pending):
            if each.is_settled():
                self._pending.discard(each)
        self._pending.add(pending)

    def as_default(self) -> AbstractContextManager[Any]:
        """Makes this the default session inside a `with` block, without closing it."""
        return default.session_as_default(self)


class Session(BaseSession):
    """Runs the operations of a graph (mirrors `tf.Session`).

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.constant(5.0) * tf.constant(6.0)))
    30.0
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        self._contexts: list[tuple[Any, Any]] = []

    def __enter__(self) -> Session:
        graph_context = self._graph.as_default()
        session_context = self.as_default()
        graph_context.__enter__()
        session_context.__enter__()
        self._contexts.append((graph_context, session_context))
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        graph_context, session_context = self._contexts.pop()
        session_context.__exit__(None, None, None)
        graph_context.__exit__(None, None, None)
        try:
            if error is not None:
                self._settle()
        finally:
            self.close()

    @staticmethod
    def reset(target: str, containers: list[str] | None = None, config: Any = None) -> None:
        """Clears resource containers of a server's cluster (mirrors `tf.Session.reset`).

        Variables and queues in them are gone, and so are the sessions on the server.

        Args:
          target: the server.
          containers: the names of the containers; None for all.
          config: accepted.

        Raises:
          NotFoundError: if the target is no server: a local session has containers of its own.
        """
        BaseSession.servers.reset(target, containers)


class InteractiveSession(BaseSession):
    """A session that is the default one from its creation on (mirrors `tf.InteractiveSession`).

    >>> import minitf as tf
    >>> sess = tf.InteractiveSession()
    >>> print((tf.constant(5.0) * tf.constant(6.0)).eval())
    30.0
    >>> sess.close()
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        self._explicit_graph = graph
        default.push_session(self)
        if graph is not None:
            default.push_graph(graph)

    def close(self) -> None:
        """Ends the session; it is no longer the default one."""
        try:
            super().close()
        finally:
            default.pop_session(self)
            if self._explicit_graph is not None:
                default.pop_graph(self._explicit_graph)


def _check_messages(options: Any, run_metadata: Any) -> None:
    """Refuses what could not be filled, before the run has changed any variable."""
    for given, name, needs in (
        (options, "RunOptions", "trace_level"),
        (run_metadata, "RunMetadata", "ParseFromString"),
    ):
        if given is not None and (isinstance(given, type) or not hasattr(given, needs)):
            raise TypeError(
                errors.report(
                    f"session.run takes a tf.{name}, not {errors.brief(given)}.",
                    do=f"give an object that tf.{name}() makes.",
                    see="arguments",
                )
            )
