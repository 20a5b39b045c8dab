"""With this module one can hold a graph: its nodes, their names, and the scopes they are made in.

A graph only describes a computation. It grows by `create_op`, which every op function calls
through its declaration; names, devices, control dependencies and colocation come from the `with`
blocks that are open in the calling thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from minitf.framework import device as device_lib
from minitf.framework import errors
from minitf.framework import op_def as op_def_lib
from minitf.framework import traceback as traceback_lib
from minitf.framework.dtypes import DType
from minitf.framework.graph_collections import CollectionsMixin
from minitf.framework.graph_lookup import LookupMixin
from minitf.framework.graph_names import VALID_OP_NAME, NamesMixin, bad_name, checked_name
from minitf.framework.graph_scopes import ControlScope
from minitf.framework.operation import Operation
from minitf.framework.shape_diff import shape_diff, shape_remedy
from minitf.framework.tensor import Tensor


class Graph(CollectionsMixin, LookupMixin, NamesMixin):
    """A dataflow graph (mirrors `tf.Graph`).

    >>> import minitf as tf
    >>> g = tf.Graph()
    >>> with g.as_default():
    ...     c = tf.constant(30.0)
    >>> c.graph is g, [op.name for op in g.get_operations()]
    (True, ['Const'])
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._nodes: dict[str, Operation] = {}  # in creation order
        self._next_id = 0
        self._mutations = 0  # counts changes to existing nodes, not new ones
        self._finalized = False
        self._finalized_at = ""
        self._seed: int | None = None
        self._seedless_ops = 0
        self._gradient_overrides: dict[str, str] = {}
        self._gradient_scopes: set[str] = set()  # where `tf.gradients` has put its nodes
        self._why_none: Callable[[], str] | None = None  # explains the latest gradient None
        self._unfeedable: set[Tensor] = set()
        self._unfetchable: set[Any] = set()
        self._kept: list[Any] = []
        self._created_at = str(traceback_lib.capture())
        self._init_collections()
        self._init_names()

    # ---- nodes

    def create_op(
        self,
        op_def: op_def_lib.OpDef | str,
        inputs: list[Tensor],
        output_types: list[DType],
        attrs: dict[str, Any],
        name: str | None = None,
    ) -> Operation:
        """Adds a node (mirrors `tf.Graph.create_op`). Op functions call it for you.

        Args:
          op_def: the op's declaration, or its type name.
          inputs: the input tensors, of this graph.
          output_types: the dtype of each output.
          attrs: every attribute of the declaration.
          name: made unique; one that ends in "/" is taken as it is. The type's name if None.

        Raises:
          ValueError: if the inputs do not fit the op's shape rule.
          RuntimeError: if the graph is finalized.
        """
        if isinstance(op_def, str):
            op_def = op_def_lib.get(op_def)
        with self._lock:
            if self._finalized:
                self._check_not_finalized()
            name = checked_name(name) if name else op_def.name
            name = name[:-1] if name[-1] == "/" else self.unique_name(name)
            if not VALID_OP_NAME.match(name):
                raise ValueError(bad_name(name, "node"))
            scopes = self._scopes
            control_inputs = self._control_inputs_for(inputs) if scopes.control else []
            op = Operation(
                self,
                self._next_id + 1,
                op_def,
                name,
                inputs,
                output_types,
                attrs,
                control_inputs,
                traceback_lib.capture(),
            )
            if op_def.shape_fn is not None and output_types:
                self._infer_shapes(op)
            if self._gradient_overrides and op_def.name in self._gradient_overrides:
                attrs["_gradient_op_type"] = self._gradient_overrides[op_def.name]
            if scopes.attrs:
                attrs.update((key, v) for key, v in scopes.attrs.items() if key not in attrs)
            if scopes.container and attrs.get("container") == "":
                attrs["container"] = scopes.container
            if scopes.devices:
                self._apply_devices(op)
            if scopes.colocation:
                self._apply_colocation(op)
            self._add_op(op)  # whatever may fail came before: no node is left half made
            for scope in scopes.control:
                scope.made.add(op)
            if scopes.context is not None:
                op._control_flow_context = scopes.context
                scopes.context.add_op(op)
            return op

    def _add_op(self, op: Operation) -> None:
        if op._name in self._nodes:
            raise ValueError(
                errors.report(
                    f"Duplicate node name in graph: {op._name!r}.",
                    op=self._nodes[op._name],
                    facts=f"asked for again at: {op._traceback}",
                    do="a name that ends in '/' is taken as it is; without the '/' it is made "
                    "unique.",
                    see="names",
                )
            )
        self._next_id = op._id
        self._nodes[op._name] = op
        for tensor in op._inputs:
            tensor._consumers.append(op)

    def _adopt(self, ops: list[Operation]) -> None:
        """Adds nodes that were made beside the graph, as an import makes them."""
        for op in ops:
            self._nodes[op._name] = op
            self._names_in_use.setdefault(op._name.lower(), 1)
            self._next_id = op._id
            for tensor in op._inputs:
                tensor._consumers.append(op)
        context = self._scopes.context
        for op in ops if context is not None else ():
            op._control_flow_context = context
            context.add_op(op)

    def _remove_nodes_after(self, version: int) -> None:
        """Takes the newest nodes away again, which nothing but one another may use."""
        while self._nodes and self._next_id > version:
            _, op = self._nodes.popitem()
            for tensor in op._inputs:
                tensor._consumers.remove(op)
            self._next_id = op._id - 1
        self._next_id = version

    def _infer_shapes(self, op: Operation) -> None:
        shape_fn = op._op_def.shape_fn
        assert shape_fn is not None
        try:
            op._set_shapes(shape_fn(op))
        except (ValueError, errors.OpError) as error:
            raise ValueError(
                errors.report(
                    _naming(op, errors.without_section(str(error))),
                    op=op,
                    facts=shape_diff(op),
                    do=shape_remedy(op),
                    see="shapes-that-do-not-fit",
                )
            ) from None

    def _check_not_finalized(self) -> None:
        if self._finalized:
            raise RuntimeError(
                errors.report(
                    "Graph is finalized and cannot be modified.",
                    facts=f"finalized at: {self._finalized_at}",
                    do="Build every op before the session starts (a loop that calls tf functions "
                    "adds ops in each turn), or do not call finalize().",
                    see="finalized-graph",
                )
            )

    def refresh_shapes(self, op: Operation) -> None:
        """Runs the shape rule of a node again, after an input was rewired."""
        if op._op_def.shape_fn is not None and op._outputs:
            self._infer_shapes(op)

    @property
    def version(self) -> int:
        """A number that grows with every node."""
        return self._next_id

    @property
    def _last_id(self) -> int:
        return self._next_id

    @property
    def graph_def_versions(self) -> Any:
        """The versions of the format that `as_graph_def` writes, as a `VersionDef`."""
        return self.as_graph_def(from_version=self._next_id).versions

    @property
    def building_function(self) -> bool:
        """False: this is a graph, not the body of a function."""
        return False

    @property
    def finalized(self) -> bool:
        """Whether the graph is read-only."""
        return self._finalized

    def finalize(self) -> None:
        """Makes the graph read-only: adding a node raises RuntimeError from now on."""
        if not self._finalized:
            self._finalized_at = str(traceback_lib.capture())
        self._finalized = True

    def _unsafe_unfinalize(self) -> None:
        self._finalized = False

    @property
    def seed(self) -> int | None:
        """The graph's random seed, or None."""
        return self._seed

    @seed.setter
    def seed(self, seed: int | None) -> None:
        self._seed = seed

    def _next_op_seed(self) -> int:
        """The seed of the next random op that was given none."""
        with self._lock:
            self._seedless_ops += 1
            return self._seedless_ops - 1

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> Any:
        """The graph as a `GraphDef` protocol buffer, which real TensorFlow opens too."""
        from minitf.framework.graph_def import graph_def_of

        return graph_def_of(self, from_version, add_shapes)

    def as_default(self) -> AbstractContextManager[Graph]:
        """Makes this the default graph inside a `with` block, in this thread."""
        from minitf.framework.default import graph_as_default

        return graph_as_default(self)

    # ---- devices and colocation

    @contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """Asks for a device for the nodes made inside (mirrors `tf.Graph.device`).

        Args:
          device_name_or_function: a device string or `DeviceSpec`; a function from `Operation`
            to a device string; or None to ignore the blocks around this one.

        Raises:
          TypeError: if it is none of these.
          ValueError: if the device string cannot be read.
        """
        spec = device_name_or_function
        if isinstance(spec, str):
            spec = device_lib.DeviceSpec.from_string(spec)
        elif not (spec is None or callable(spec) or isinstance(spec, device_lib.DeviceSpec)):
            raise TypeError(
                errors.report(
                    "tf.device takes a device string, a DeviceSpec, a function or None, not "
                    f"{errors.brief(spec)}.",
                    do="write it like '/cpu:0' or '/job:ps/task:1'.",
                    see="devices",
                )
            )
        self._scopes.devices.append(spec)
        try:
            yield
        finally:
            self._scopes.devices.pop()

    def _apply_devices(self, op: Operation) -> None:
        """Innermost first: a string fills in the parts that are still open."""
        for spec in reversed(self._scopes.devices):
            if spec is None:
                break
            if callable(spec):
                device = spec(op)
                if not (device is None or isinstance(device, (str, device_lib.DeviceSpec))):
                    raise TypeError(
                        errors.report(
                            f"The device function returned {errors.brief(device)}, which is no "
                            "device string.",
                            op=op,
                            do="return a string like '/job:ps/task:1', or '' for any device.",
                            see="devices",
                        )
                    )
                if isinstance(device, device_lib.DeviceSpec):
                    device = device.to_string()
                op._set_device(device)
            else:
                op._set_device(device_lib.merge(spec, op._device))

    @contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """Puts the nodes made inside on the device of `op` (mirrors `tf.Graph.colocate_with`).

        Args:
          op: an operation or a tensor; None ignores the blocks around this one.
          ignore_existing: whether only this block counts.

        Raises:
          TypeError: if `op` is something else.
        """
        scopes = self._scopes
        outer = scopes.colocation, scopes.devices
        if op is None:
            scopes.colocation = []
        else:
            op = getattr(op, "op", op)
            if not isinstance(op, Operation):
                raise TypeError(
                    errors.report(
                        "Nodes can be colocated with an operation or a tensor, not with "
                        f"{errors.brief(op)}.",
                        do="give the tensor itself, or graph.get_tensor_by_name(name).",
                        see="devices",
                    )
                )
            scopes.colocation = [op] if ignore_existing else [*scopes.colocation, op]
        if ignore_existing or op is None:
            scopes.devices = []
        try:
            yield
        finally:
            scopes.colocation, scopes.devices = outer

    def _apply_colocation(self, op: Operation) -> None:
        groups: set[str] = set()
        for leader in self._scopes.colocation:
            groups.update(group.decode() for group in leader.colocation_groups())
            op._set_device(leader._device)
        op._attrs["_class"] = sorted(groups)

    @contextmanager
    def _attr_scope(self, attrs: dict[str, Any]) -> Iterator[None]:
        """Gives the nodes made inside further attributes; colocation overrides `_class`."""
        outer = self._scopes.attrs
        self._scopes.attrs = {**outer, **attrs}
        try:
            yield
        finally:
            self._scopes.attrs = outer

    @contextmanager
    def container(self, container_name: str) -> Iterator[str]:
        """Puts the variables and queues made inside into a named resource container."""
        outer = self._scopes.container
        self._scopes.container = container_name
        try:
            yield container_name
        finally:
            self._scopes.container = outer

    @property
    def _container(self) -> str:
        return self._scopes.container

    # ---- control

    @contextmanager
    def control_dependencies(self, control_inputs: Any) -> Iterator[None]:
        """Makes the nodes made inside run after others (mirrors `tf.Graph.control_dependencies`).

        Args:
          control_inputs: operations and tensors to wait for; None to wait for nothing that the
            blocks around this one ask for.
        """
        scopes = self._scopes
        outer_control, outer_context = scopes.control, scopes.context
        if control_inputs is None:
            scopes.control, scopes.context = [], None
        else:
            ops: dict[Operation, None] = {}
            for item in control_inputs:
                # A variable stands for the node that holds it; a gradient for its rows.
                element = getattr(item, "values", None) if hasattr(item, "indices") else item
                element = self.as_graph_element(element)
                ops[element.op if isinstance(element, Tensor) else element] = None
            scopes.control = [*outer_control, ControlScope(list(ops))]
        try:
            yield
        finally:
            scopes.control, scopes.context = outer_control, outer_context

    def _control_inputs_for(self, inputs: list[Tensor]) -> list[Operation]:
        """What a new node must wait for, without what its inputs wait for already."""
        input_ops = {tensor._op for tensor in inputs}
        found: dict[Operation, None] = {}
        for scope in self._scopes.control:
            if scope.made.isdisjoint(input_ops):
                found.update((op, None) for op in scope.inputs if op not in input_ops)
        return list(found)

    def _current_control_dependencies(self) -> set[Operation]:
        return {op for scope in self._scopes.control for op in scope.inputs}

    def _get_control_flow_context(self) -> Any:
        return self._scopes.context

    def _set_control_flow_context(self, context: Any) -> None:
        self._scopes.context = context

    @contextmanager
    def gradient_override_map(self, op_type_map: dict[str, str]) -> Iterator[None]:
        """Gives ops made inside another registered gradient, by op type."""
        outer = self._gradient_overrides
        self._gradient_overrides = {**outer, **op_type_map}
        try:
            yield
        finally:
            self._gradient_overrides = outer

    def keep_alive(self, thing: Any) -> None:
        """Keeps something, such as the function of a `py_func`, for as long as the graph lives."""
        self._kept.append(thing)

    # ---- feeding and fetching

    def prevent_feeding(self, tensor: Tensor) -> None:
        """Marks a tensor that `Session.run` must not accept a value for."""
        self._unfeedable.add(tensor)

    def is_feedable(self, tensor: Tensor) -> bool:
        """Whether `Session.run` accepts a value for this tensor."""
        return tensor not in self._unfeedable

    def prevent_fetching(self, op: Operation) -> None:
        """Marks an operation whose outputs `Session.run` must not return."""
        self._unfetchable.add(op)

    def is_fetchable(self, tensor_or_op: Any) -> bool:
        """Whether `Session.run` may return this."""
        if not self._unfetchable:
            return True
        return getattr(tensor_or_op, "op", tensor_or_op) not in self._unfetchable


def _naming(op: Operation, what: str) -> str:
    """What is wrong with a node's shapes, with its name in the first line, as TensorFlow has it."""
    first, newline, rest = what.partition("\n")
    if repr(op.name) not in first:
        first = f"{first.removesuffix('.')} for node {op.name!r}"
    return first + newline + rest
