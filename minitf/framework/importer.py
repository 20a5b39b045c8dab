"""With this module one can build a graph from a `GraphDef` message: `tf.import_graph_def`.

A `GraphDef` may come from anywhere, so nothing in it is taken for granted, and all of it is added
to the graph or nothing. The nodes are made beside the graph first, in one pass; only when every
one of them fits its inputs does the graph adopt them, which cannot fail.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from minitf.framework import device as device_lib
from minitf.framework import errors
from minitf.framework import op_def as op_def_lib
from minitf.framework import traceback as traceback_lib
from minitf.framework.attr_value import AttrError, output_shapes, read_attrs
from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_graph
from minitf.framework.graph import Graph
from minitf.framework.import_order import (
    CONTROL,
    MAPPED,
    creation_order,
    index_names,
    nearest,
    read_inputs,
    report_node,
    split_tensor_name,
)
from minitf.framework.op_def import OpDef
from minitf.framework.operation import Operation
from minitf.framework.signature import check_inputs, output_types
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import MAX_RANK, unknown_shape

# The version of the format that is understood: that of the TensorFlow minitf is compared with.
CONSUMER = 2474
# Before this version a placeholder of any shape was written with the shape of a scalar.
_SCALARS_SINCE = 24
# A few bytes can ask for any number of outputs. This many, and some for each node, are believed.
_MAX_OUTPUTS = 2_000_000
_MAX_DIM = 2**63 - 1


def import_graph_def(
    graph_def: Any,
    input_map: dict[str, Any] | None = None,
    return_elements: Iterable[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Any] | None:
    """Adds the nodes of a `GraphDef` to the default graph (mirrors `tf.import_graph_def`).

    The nodes get the name scopes, devices and control dependencies of the `with` blocks around the
    call. Either all of them are added or, if anything is wrong with one, none.

    Args:
      graph_def: a `tf.GraphDef`, or TensorFlow's own message.
      input_map: what to use in the place of inputs, by name in `graph_def`: a tensor of this graph
        (or a value) for "name" or "name:1", and a tensor to wait for, for "^name".
      return_elements: names of operations ("name") and tensors ("name:0") to return.
      name: the prefix of the new names; "import" if None, and no prefix if "". Names that the
        graph has already get a number.
      op_dict: accepted and not needed.
      producer_op_list: accepted and not needed: attributes that minitf does not know are kept
        without being used, whatever their value.

    Returns:
      The operations and tensors named in `return_elements`, or None if that is None.

    Raises:
      TypeError: if an argument is of the wrong type.
      ValueError: if a node does not fit its op, its inputs or the others; if a name in `input_map`
        or `return_elements` is not in `graph_def`.
      NotFoundError: if minitf has no op of a node's type.
      RuntimeError: if the graph is finalized.

    >>> import minitf as tf
    >>> with tf.Graph().as_default() as g:
    ...     _ = tf.add(1, 2, name="three")
    >>> three, = tf.import_graph_def(g.as_graph_def(), return_elements=["three:0"])
    >>> with tf.Session() as sess:
    ...     print(three.name, sess.run(three))
    import/three:0 3
    """
    _check_graph_def(graph_def)
    keys = _checked_keys(input_map)
    elements = _checked_elements(return_elements)
    graph = get_default_graph()
    with graph._lock, graph.as_default(), _uncollected():
        graph._check_not_finalized()
        name = "import" if name is None else name
        scope = graph._scope_prefix(name)
        with _undone_on_failure(graph, keys):
            mapped = _mapped_tensors(graph, keys, scope)
            run = _Import(graph, graph_def, scope, mapped)
            run.make_nodes()
            run.check_map_is_used()
            found = None if elements is None else [run.element(text) for text in elements]
            graph._adopt(run.made_in_order)
        if name and not name.endswith("/"):
            graph.unique_name(name)  # the scope is in use from now on
    return found


@contextmanager
def _uncollected() -> Iterator[None]:
    """Holds Python's garbage collector, which would visit each new node again and again."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# ---- the arguments


def _check_graph_def(graph_def: Any) -> None:
    descriptor = getattr(graph_def, "DESCRIPTOR", None)
    if isinstance(graph_def, type) or getattr(descriptor, "name", "") != "GraphDef":
        raise TypeError(
            errors.report(
                f"Argument `graph_def` must be a GraphDef proto, not {errors.brief(graph_def)}.",
                do="read a file with tf.GraphDef.FromString(data), or a text file with "
                "google.protobuf.text_format.Parse(text, tf.GraphDef()).",
                see="importing-a-graph",
            )
        )
    versions = graph_def.versions
    what = ""
    if versions.producer < 0:
        what = f"GraphDef producer version {versions.producer} below min producer 0."
    elif versions.min_consumer > CONSUMER:
        what = (
            f"GraphDef min consumer version {versions.min_consumer} above current version "
            f"{CONSUMER}."
        )
    elif CONSUMER in versions.bad_consumers:
        what = f"GraphDef disallows consumer version {CONSUMER}."
    if what:
        raise ValueError(
            errors.report(
                what, do="write it with another version of TensorFlow.", see="importing-a-graph"
            )
        )


def _checked_keys(input_map: Any) -> dict[str, Any]:
    """`input_map` with whole names: "a" is "a:0"."""
    if input_map is None:
        return {}
    if not isinstance(input_map, dict):
        raise errors.type_error(
            f"Argument `input_map` must be a dictionary. Obtained {type(input_map).__name__}",
            see="importing-a-graph",
        )
    if not all(isinstance(key, (str, bytes)) for key in input_map):
        raise errors.type_error(
            "All keys for argument `input_map` must be strings. Obtained keys: "
            f"{errors.brief(list(input_map))}",
            see="importing-a-graph",
        )
    return {_full_name(_text(key)): value for key, value in input_map.items()}


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _full_name(name: str) -> str:
    if name.startswith("^"):
        return name
    op_name, index = _checked_tensor_name(name)
    return f"{op_name}:{index}"


def _checked_tensor_name(name: str) -> tuple[str, int]:
    colons = name.count(":")
    if colons > 1:
        raise errors.value_error(
            f"Cannot convert {name!r} to a tensor name. Tensor names should not contain more than "
            f"1 `:`. Obtained {colons}",
            see="importing-a-graph",
        )
    op_name, index = split_tensor_name(name)
    if colons and op_name == name:
        raise errors.value_error(
            f"Cannot convert {name!r} to a tensor name. Second component of the name following "
            f"the `:` should be an int. Got {name.partition(':')[2]}.",
            see="importing-a-graph",
        )
    return op_name, index


def _checked_elements(return_elements: Any) -> list[str] | None:
    if return_elements is None:
        return None
    elements = list(return_elements)
    if not all(isinstance(element, (str, bytes)) for element in elements):
        raise errors.type_error(
            "Argument `return_elements` must be a list of strings. Obtained "
            f"{errors.brief(elements)}.",
            see="importing-a-graph",
        )
    return [_text(element) for element in elements]


@contextmanager
def _undone_on_failure(graph: Graph, values: dict[str, Any]) -> Iterator[None]:
    """Takes back the constants that were made from plain values in `input_map`."""
    if all(isinstance(value, Tensor) for value in values.values()):
        yield
        return
    names = dict(graph._names_in_use)
    version = graph.version
    try:
        yield
    except BaseException:
        graph._remove_nodes_after(version)
        graph._names_in_use = names
        raise


def _mapped_tensors(graph: Graph, values: dict[str, Any], scope: str) -> dict[str, Tensor]:
    mapped = {}
    for key, value in values.items():
        if isinstance(value, Operation):
            raise errors.type_error(
                f"can't convert Operation {value.name!r} to Tensor", see="importing-a-graph"
            )
        if not isinstance(value, Tensor):
            if not scope:
                raise errors.value_error(
                    "tf.import_graph_def() requires a non-empty `name` if `input_map` contains "
                    "non-Tensor values. Try calling tf.convert_to_tensor() on `input_map` values "
                    "before calling tf.import_graph_def().",
                    see="importing-a-graph",
                )
            with graph.name_scope(f"{scope}_inputs/"):
                value = convert_to_tensor(value)
        if value.graph is not graph:
            raise ValueError(
                errors.report(
                    f"The tensor {value.name!r} in `input_map` is not an element of this graph.",
                    facts=f"input_map entry: {key} -> {value.name}",
                    do="give a tensor of the graph that is imported into.",
                    see="importing-a-graph",
                )
            )
        mapped[key] = value
    return mapped


# ---- the nodes


class _Import:
    """One call of `import_graph_def`: the nodes that it makes, by their numbers in the file."""

    def __init__(self, graph: Graph, graph_def: Any, scope: str, mapped: dict[str, Tensor]) -> None:
        self.graph = graph
        self.nodes = graph_def.node
        self.mapped = mapped
        self.index = index_names(self.nodes)
        library = getattr(graph_def, "library", None)
        self.functions = {f.signature.name for f in library.function} if library else set()
        for name in sorted(self.functions):
            if op_def_lib.find(name) is not None:
                raise ValueError(
                    errors.report(
                        f"GraphDef function {name!r}: Cannot add it because an op with the same "
                        "name already exists.",
                        do="rename the function in the GraphDef.",
                        see="importing-a-graph",
                    )
                )
        self.op_defs: dict[str, OpDef] = {}
        for node in self.nodes:
            if node.op not in self.op_defs:
                self.op_defs[node.op] = self._op_def(node)
        self.wiring = read_inputs(self.nodes, self.index, mapped)
        self.order = creation_order(self.nodes, self.wiring)
        self.names = _unique_names(graph, scope, self.index)
        self.used: set[str] = set()
        self.made: list[Operation | None] = [None] * len(self.nodes)
        self.made_in_order: list[Operation] = []
        self.devices: dict[str, str] = {}
        self.producer = graph_def.versions.producer
        self.outputs_left = _MAX_OUTPUTS + 8 * len(self.nodes)
        self.traceback = traceback_lib.capture()

    def _op_def(self, node: Any) -> OpDef:
        if not node.op:
            raise ValueError(report_node(node, "does not specify an operation."))
        found = op_def_lib.find(node.op)
        if found is not None:
            return found
        names = [op_def.name for op_def in op_def_lib.all_ops()]
        what = f"Op type not registered: minitf has no op of type {errors.brief(node.op)}."
        do = f"{nearest(node.op, names)}Leave the node out, or replace it by ops that minitf has."
        if node.op in self.functions:
            what = f"{errors.brief(node.op)} is a function of the GraphDef's library."
            do = "write the GraphDef with its functions inlined: minitf has none."
        elif node.op in ("Enter", "NextIteration", "RefEnter", "RefNextIteration"):
            do = "a loop of tf.while_loop cannot be imported yet."
        raise errors.NotFoundError(None, None, report_node(node, what, do))

    def make_nodes(self) -> None:
        """Makes all nodes, without adding them to the graph.

        Raises:
          ValueError: if a node does not fit its op or its inputs; the message names it.
        """
        next_id = self.graph.version + 1
        for op_id, number in enumerate(self.order, start=next_id):
            node = self.nodes[number]
            try:
                op = self._make(node, number, op_id)
            except AttrError as error:
                raise ValueError(self._report(node, str(error))) from None
            self.made[number] = op
            self.made_in_order.append(op)
        self._colocate()

    def _report(self, node: Any, what: str) -> str:
        return report_node(node, what + f"; in {self.op_defs[node.op].signature}")

    def _make(self, node: Any, number: int, op_id: int) -> Operation:
        op_def = self.op_defs[node.op]
        attrs = read_attrs(op_def, node.attr)
        if self.producer < _SCALARS_SINCE and node.op == "Placeholder" and attrs["shape"] == []:
            attrs["shape"] = unknown_shape()
        inputs, controls = self._inputs(node, number)
        name = self.names[number]
        check_inputs(op_def, attrs, inputs, name)
        types = output_types(op_def, attrs, self.outputs_left)
        self.outputs_left -= len(types)
        if self.graph._scopes.control:
            controls += self.graph._control_inputs_for(inputs)
        if len(controls) > 1:
            controls = list(dict.fromkeys(controls))
        if "_class" in attrs:
            attrs["_class"] = self._colocation_groups(node, attrs["_class"])
        op = Operation(
            self.graph, op_id, op_def, name, inputs, types, attrs, controls, self.traceback
        )
        if types:
            self._infer_shapes(node, op)
        op._set_device(self._device(node))
        if not _leaders(op):
            self.graph._apply_devices(op)
        if self.graph._scopes.colocation:
            self.graph._apply_colocation(op)
        return op

    def _inputs(self, node: Any, number: int) -> tuple[list[Tensor], list[Operation]]:
        wiring = self.wiring
        inputs: list[Tensor] = []
        controls: list[Operation] = []
        start = wiring.starts[number]
        for at in range(start, wiring.starts[number + 1]):
            source, output = wiring.sources[at], wiring.outputs[at]
            if source == MAPPED:
                text = node.input[at - start]
                key = text if output == CONTROL else _full_name(text)
                self.used.add(key)
                if output == CONTROL:
                    controls.append(self.mapped[key]._op)
                else:
                    inputs.append(self.mapped[key])
                continue
            op = self.made[source]
            assert op is not None  # the order says so
            if output == CONTROL:
                controls.append(op)
            elif output < len(op._outputs):
                inputs.append(op._outputs[output])
            else:
                raise ValueError(
                    report_node(
                        node,
                        f"Connecting to invalid output {output} of source node "
                        f"{self.nodes[source].name} which has {len(op._outputs)} outputs.",
                    )
                )
        return inputs, controls

    def _infer_shapes(self, node: Any, op: Operation) -> None:
        try:
            if op._op_def.shape_fn is not None:
                self.graph._infer_shapes(op)
        except ValueError:
            raise
        except Exception as error:  # a rule that was written for what minitf itself builds
            raise ValueError(
                self._report(node, f"the shape rule fails: {type(error).__name__}: {error}")
            ) from error
        if "_output_shapes" in node.attr:
            self._merge_told_shapes(node, op)
        for output in op._outputs:
            dims = output._shape._dims
            if dims and (len(dims) > MAX_RANK or any(d and d > _MAX_DIM for d in dims)):
                raise ValueError(self._report(node, "the shape of its output is too large"))

    def _merge_told_shapes(self, node: Any, op: Operation) -> None:
        """Takes over what the writer knew of the outputs' shapes."""
        try:
            told = output_shapes(node.attr["_output_shapes"])
        except ValueError as error:
            raise ValueError(
                report_node(node, f"has an invalid _output_shapes attribute: {error}")
            ) from None
        if told is None:
            return
        if len(told) < len(op._outputs):
            raise ValueError(
                report_node(
                    node,
                    f"has {len(op._outputs)} outputs but the _output_shapes attribute specifies "
                    f"shapes for {len(told)} outputs.",
                )
            )
        for number, (output, shape) in enumerate(zip(op._outputs, told, strict=False)):
            try:
                output._shape = output._shape.merge_with(shape)
            except ValueError as error:
                raise ValueError(
                    report_node(
                        node,
                        "has an _output_shapes attribute inconsistent with the GraphDef for "
                        f"output #{number}: {error}",
                    )
                ) from None

    def _device(self, node: Any) -> str:
        text = node.device
        if not text:
            return ""
        found = self.devices.get(text)
        if found is None:
            try:
                found = device_lib.DeviceSpec.from_string(text).to_string()
            except ValueError as error:
                raise ValueError(report_node(node, errors.brief(str(error)))) from None
            self.devices[text] = found
        return found

    def _colocation_groups(self, node: Any, groups: list[str]) -> list[str]:
        renamed = []
        for group in groups:
            number = self.index.get(group[len("loc:@") :])
            if number is None:
                raise ValueError(
                    report_node(
                        node,
                        "expects to be colocated with unknown node "
                        f"{errors.brief(group[len('loc:@') :])}.",
                    )
                )
            renamed.append(f"loc:@{self.names[number]}")
        return renamed

    def _colocate(self) -> None:
        """Gives a node that is colocated with others the device of the first one that has one."""
        by_name: dict[str, Operation] = {}
        for op in self.made_in_order:
            leaders = _leaders(op)
            if leaders:
                by_name = by_name or {each._name: each for each in self.made_in_order}
                found = [by_name.get(name) or self.graph._nodes.get(name) for name in leaders]
                devices = [leader._device for leader in found if leader is not None]
                op._set_device(next(filter(None, devices), ""))

    # ---- what is asked for besides

    def check_map_is_used(self) -> None:
        """Refuses keys of `input_map` that name nothing in the GraphDef."""
        missing = []
        for key in sorted(set(self.mapped) - self.used):
            name, index = (key[1:], CONTROL) if key[0] == "^" else split_tensor_name(key)
            number = self.index.get(name)
            op = None if number is None else self.made[number]
            if op is None or index >= len(op._outputs):
                missing.append(key)
        if missing:
            raise ValueError(
                errors.report(
                    "Attempted to map inputs that were not found in graph_def: "
                    f"[{', '.join(missing)}]",
                    do=nearest(missing[0].strip("^").partition(":")[0], self.index)
                    + "Keys are names in the GraphDef, without the prefix of the import.",
                    see="importing-a-graph",
                )
            )

    def element(self, text: str) -> Any:
        """The operation or tensor of this name in the GraphDef."""
        if ":" not in text:
            number = self.index.get(text)
            if number is None:
                raise ValueError(self._not_found("node", text))
            return self.made[number]
        name, index = _checked_tensor_name(text)
        mapped = self.mapped.get(f"{name}:{index}")
        if mapped is not None:
            return mapped
        number = self.index.get(name)
        op = None if number is None else self.made[number]
        if op is None:
            raise ValueError(self._not_found("tensor", text))
        if index >= len(op._outputs):
            raise ValueError(
                errors.report(
                    f"Invalid return output {index} of node {name!r}, which has "
                    f"{len(op._outputs)} output(s)",
                    do="ask for an output that the node has.",
                    see="importing-a-graph",
                )
            )
        return op._outputs[index]

    def _not_found(self, kind: str, text: str) -> str:
        return errors.report(
            f"Requested return {kind} {errors.brief(text)} not found in graph def",
            do=nearest(text.partition(":")[0], self.index)
            + "return_elements are names in the GraphDef, without the prefix of the import.",
            see="importing-a-graph",
        )


def _leaders(op: Operation) -> list[str]:
    """The names of the other nodes that a node is colocated with."""
    groups = op._attrs.get("_class", ())
    return [group[len("loc:@") :] for group in groups if group != f"loc:@{op._name}"]


def _unique_names(graph: Graph, scope: str, index: dict[str, int]) -> list[str]:
    """The new names by number: those in the file, with a number where the graph has them."""
    taken = graph._nodes
    prefixes = graph._prefixes()
    names = [scope + name for name in index]
    for number, name in enumerate(names):
        if name in taken or name in prefixes:
            count = 1
            while (
                f"{name}_{count}" in taken
                or f"{name}_{count}" in prefixes
                or f"{name}_{count}"[len(scope) :] in index
            ):
                count += 1
            names[number] = f"{name}_{count}"
    return names
