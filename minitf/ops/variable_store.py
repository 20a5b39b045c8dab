"""With this module a graph remembers the variables of `tf.get_variable` by name, to share them."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from minitf.framework import dtypes, errors
from minitf.framework import traceback as traceback_lib
from minitf.framework.convert import convert_to_tensor
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.scopes import add_to_collection, colocate_with, init_scope, name_scope
from minitf.framework.tensor_shape import TensorShape, as_shape
from minitf.ops import array_ops, init_ops, partitioned_variables
from minitf.ops.partitioned_variables import PartitionedVariable
from minitf.ops.save_slice_info import SaveSliceInfo
from minitf.ops.variables import Variable, VariableAggregation, VariableSynchronization


class _ReuseMode(enum.Enum):
    """How `get_variable` treats a name that is taken, or is not, beyond True and False."""

    AUTO_REUSE = 1


AUTO_REUSE = _ReuseMode.AUTO_REUSE


class Request(NamedTuple):
    """What `get_variable` was asked for, with the defaults of the variable scope filled in."""

    name: str
    shape: TensorShape | None
    dtype: dtypes.DType
    initializer: Any
    regularizer: Callable[[Any], Any] | None
    reuse: Any
    trainable: bool | None
    collections: Any
    caching_device: Any
    validate_shape: bool
    constraint: Any
    synchronization: VariableSynchronization
    aggregation: VariableAggregation
    part: SaveSliceInfo | None = None

    @property
    def starts_from_value(self) -> bool:
        """Whether the initializer is a value or tensor instead of a function."""
        return self.initializer is not None and not callable(self.initializer)


class VariableStore:
    """The variables of one graph that `get_variable` made, by name."""

    def __init__(self) -> None:
        self._variables: dict[str, Variable] = {}
        self._partitioned: dict[str, PartitionedVariable] = {}

    def get(self, request: Request) -> Variable:
        """The variable of this name: the one that there is, or a new one, as `reuse` says.

        Raises:
          ValueError: if reuse forbids what would be needed, or the request does not fit.
        """
        if request.shape is not None and request.starts_from_value:
            raise errors.value_error(
                f"If initializer is a constant, do not specify shape (variable {request.name}): "
                "the shape is the constant's.",
                see="initial-values",
            )
        if f"{request.name}/part_0" in self._variables:
            raise errors.value_error(
                "No partitioner was provided, but a partitioned version of the variable was found: "
                f"{request.name}/part_0. Perhaps a variable of the same name was already created "
                "with partitioning?"
            )
        found = self._variables.get(request.name)
        if found is not None:
            if request.reuse is False:
                raise ValueError(_exists(found))
            _check_shared(found, request)
            return found
        if request.reuse is True:
            raise ValueError(self._missing(request.name))
        made = self._variables[request.name] = _make(request)
        if request.regularizer is not None:
            _add_regularizer(made, request.name, request.regularizer)
        return made

    def get_in_parts(self, request: Request, partitioner: Any) -> PartitionedVariable:
        """The variable in parts of this name: the one that there is, or a new one.

        Args:
          request: what was asked for.
          partitioner: says where it is cut; None for a variable that there is.

        Raises:
          ValueError: if reuse forbids what would be needed, or the request does not fit.
        """
        name = request.name
        if partitioner is not None and not callable(partitioner):
            raise errors.value_error(f"Partitioner must be callable, but received: {partitioner}")
        if name in self._variables:
            raise errors.value_error(
                "A partitioner was provided, but an unpartitioned version of the variable was "
                f"found: {name}.  Perhaps a variable of the same name was already created without "
                "partitioning?"
            )
        found = self._partitioned.get(name)
        if found is not None:
            if request.reuse is False:
                raise ValueError(_exists(found._variable_list[0], f"Partitioned variable {name}"))
            _check_shared_parts(found, request)
            return found
        if request.reuse is True:
            raise ValueError(self._missing(name))
        if request.shape is None and request.starts_from_value:
            value = convert_to_tensor(request.initializer, request.dtype)
            request = request._replace(initializer=value, shape=value.shape)
        partitions = partitioned_variables.partitions_of(
            name, request.shape, request.dtype, partitioner
        )
        parts = [
            self._part(request, i, place) for i, place in enumerate(_places(request, partitions))
        ]
        made = PartitionedVariable(name, request.shape, request.dtype, parts, partitions)
        self._partitioned[name] = made
        return made

    def has_in_parts(self, name: str) -> bool:
        """Whether there is a variable in parts of this name."""
        return name in self._partitioned

    def _part(self, whole: Request, number: int, place: SaveSliceInfo) -> Variable:
        """Makes one part of a variable."""
        name = f"{whole.name}/part_{number}"
        initializer, shape = whole.initializer, as_shape(place.var_shape)
        if whole.starts_from_value:
            with name_scope(f"{name}/PartitionedInitializer"):
                value = convert_to_tensor(whole.initializer, whole.dtype)
                initializer = array_ops.slice(value, place.var_offset, place.var_shape)
        made = self.get(
            whole._replace(
                name=name,
                initializer=initializer,
                shape=None if whole.starts_from_value else shape,
                part=place,
            )
        )
        made._set_save_slice_info(place)
        return made

    def _missing(self, name: str) -> str:
        import difflib

        near = difflib.get_close_matches(name, self._variables, n=3)
        return errors.report(
            f"Variable {name} does not exist, or was not created with tf.get_variable(). Did you "
            "mean to set reuse=tf.AUTO_REUSE in VarScope?",
            facts=f"the nearest names are: {', '.join(near)}" if near else "",
            line=str(traceback_lib.capture()),
            do="make it first, in a scope without reuse; or open the scope with "
            "reuse=tf.AUTO_REUSE, which makes what is missing.",
            see="variable-does-not-exist",
        )


def _places(request: Request, partitions: list[int]) -> list[SaveSliceInfo]:
    """Where the parts of a variable lie in the whole."""
    shape: Any = request.shape
    sizes = shape.as_list()
    return [
        SaveSliceInfo(request.name, sizes, offset, extent)
        for offset, extent in partitioned_variables.slices(sizes, partitions)
    ]


def _check_shared_parts(found: PartitionedVariable, request: Request) -> None:
    name = request.name
    if request.shape is not None and not request.shape.is_compatible_with(found.shape):
        raise errors.value_error(
            f"Trying to reuse partitioned variable {name}, but specified shape {request.shape} and "
            f"found shape {found.shape}.",
            see="variable-differs",
        )
    if not request.dtype.is_compatible_with(found.dtype):
        raise errors.value_error(
            f"Trying to reuse partitioned variable {name}, but specified dtype "
            f"{request.dtype.name} and found dtype {found.dtype.name}.",
            see="variable-differs",
        )


def _calls(first: traceback_lib.Traceback, again: traceback_lib.Traceback) -> str:
    """The two calls of the function that has asked for a variable twice, where there is one."""
    pairs = list(zip(first.frames, again.frames, strict=False))
    different = [pair for pair in pairs if pair[0][:2] != pair[1][:2]]
    if not different or different[0] is pairs[0]:
        return ""
    calls = [f"{file}:{line}: {text}" for file, line, _, text in different[0]]
    return "\n  in the calls: " + ", and ".join(calls)


def _exists(found: Variable, what: str = "") -> str:
    """Says that a name is taken, since when, and what to do in this situation."""
    here = traceback_lib.capture()
    if any("ipython" in frame[0].lower() or "ipykernel" in frame[0] for frame in here.frames):
        do = (
            "this notebook cell has built the graph before. Call tf.reset_default_graph() at its "
            "top to begin a new graph; or open the scope with reuse=tf.AUTO_REUSE to go on with "
            "the variable that there is."
        )
    elif here.frames[:1] == found.op.traceback.frames[:1]:
        do = (
            "this line runs more than once. To share one variable, open the scope with "
            "reuse=tf.AUTO_REUSE; for a variable of its own each time, use another scope name, or "
            "tf.variable_scope(None, default_name=...); to begin a new graph, call "
            "tf.reset_default_graph()."
        )
    else:
        do = (
            "choose another name or scope for a new variable; open the scope with "
            "reuse=tf.AUTO_REUSE to share the one that there is; or call "
            "tf.reset_default_graph() before if it belongs to an earlier model."
        )
    return errors.report(
        f"{what or f'Variable {found.op.name}'} already exists, disallowed. Did you mean to set "
        "reuse=True or reuse=tf.AUTO_REUSE in VarScope?",
        op=found.op,
        facts=f"asked for again at: {here}{_calls(found.op.traceback, here)}",
        do=do,
        see="variable-already-exists",
    )


def _check_shared(found: Variable, request: Request) -> None:
    name = request.name
    if request.shape is not None and not request.shape.is_compatible_with(found.shape):
        raise ValueError(
            errors.report(
                f"Trying to share variable {name}, but specified shape {request.shape} and found "
                f"shape {found.shape}.",
                op=found.op,
                do="ask for the same shape, or for another name or scope.",
                see="variable-differs",
            )
        )
    if request.starts_from_value:
        return
    if not request.dtype.is_compatible_with(found.dtype):
        raise ValueError(
            errors.report(
                f"Trying to share variable {name}, but specified dtype {request.dtype.name} and "
                f"found dtype {found.dtype.name}.",
                op=found.op,
                do="ask for the same dtype, or for another name or scope.",
                see="variable-differs",
            )
        )


def _make(request: Request) -> Variable:
    initializer, shape = request.initializer, request.shape
    if initializer is None:
        if shape is None:
            raise errors.value_error(
                f"Variable {request.name} did not get an initializer, so its `shape` argument must "
                "be specified, or it does not exist yet and was meant to be shared.",
                see="initial-values",
            )
        initializer = _default_initializer(request.name, request.dtype)
    dtype: dtypes.DType | None = None
    if not callable(initializer):
        value = initializer
    else:
        if inspect.isclass(initializer):
            initializer = initializer()
        if shape is not None and shape.is_fully_defined():
            dtype = request.dtype
            value = _bind(initializer, shape, dtype, request.part)
        elif shape is None and _takes_no_arguments(initializer):
            value = initializer
        else:
            known = "is missing" if shape is None else f"was {shape}"
            raise errors.value_error(
                f"Shape of a new variable ({request.name}) must be fully defined, but {known}. "
                "The initializer passed is not valid without it: give the shape, or a function "
                "without arguments that returns the initial value.",
                see="initial-values",
            )
    with init_scope():
        return Variable(
            value,
            name=request.name,
            trainable=request.trainable,
            collections=request.collections,
            caching_device=request.caching_device,
            dtype=dtype,
            validate_shape=request.validate_shape,
            constraint=request.constraint,
            synchronization=request.synchronization,
            aggregation=request.aggregation,
            shape=shape,
        )


def _default_initializer(name: str, dtype: dtypes.DType) -> Any:
    if dtype.is_floating:
        return init_ops.glorot_uniform_initializer()
    if dtype.is_integer or dtype.is_bool or dtype is dtypes.string:
        return init_ops.zeros_initializer()
    raise errors.value_error(
        f"An initializer for variable {name} of {dtype!r} is required", see="initial-values"
    )


def _bind(
    initializer: Any, shape: TensorShape, dtype: dtypes.DType, part: SaveSliceInfo | None
) -> Callable[[], Any]:
    if part is not None and "partition_info" in inspect.signature(initializer).parameters:
        return lambda: initializer(shape.as_list(), dtype=dtype, partition_info=part)
    return lambda: initializer(shape.as_list(), dtype=dtype)


def _takes_no_arguments(function: Any) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return all(
        p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters
    )


def _add_regularizer(variable: Variable, name: str, regularizer: Callable[[Any], Any]) -> None:
    # TensorFlow calls the regularizer twice: to learn whether it gives a loss, and then beside the
    # variable. The names of later nodes depend on it.
    if regularizer(variable) is None:
        return
    with colocate_with(variable.op), name_scope(f"{name}/Regularizer/"):
        loss = regularizer(variable)
    add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)


def as_request_shape(shape: Any) -> TensorShape | None:
    """The shape that was asked for; None if there was none."""
    return None if shape is None else as_shape(shape)
