"""With this module layers can share variables by name: `tf.variable_scope` and `tf.get_variable`.

`get_variable` prefixes the name with the open variable scope, and makes a variable or returns the
one that there is, as the scope's `reuse` says. A variable scope opens a name scope too, for
the ops made in it; but a variable's name depends on variable scopes alone. So when a scope is
entered again to share its variables, the ops get names of their own: `layer_1/MatMul` uses
`layer/weights`.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework.apply_op import graph_of
from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_graph
from minitf.framework.graph import Graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.scopes import get_collection, name_scope
from minitf.ops.variable_store import AUTO_REUSE as AUTO_REUSE
from minitf.ops.variable_store import Request, VariableStore, as_request_shape
from minitf.ops.variables import VariableAggregation, VariableSynchronization


class VariableScope:
    """A prefix for names of variables, with defaults for making them.

    Mirrors `tf.VariableScope`. `with tf.variable_scope(...) as scope` gives one; passing it to
    `tf.variable_scope` again enters it from anywhere.

    Attributes:
      name: the prefix, without a "/" at its end.
      original_name_scope: the name scope that was opened with it, with a "/" at its end.
      reuse: False to make new variables only, True to return existing ones only, `tf.AUTO_REUSE`
        to do either.
      initializer, regularizer, caching_device, custom_getter, constraint, dtype: the defaults.
    """

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        name_scope: str = "",
        dtype: Any = dtypes.float32,
        use_resource: bool | None = None,
        constraint: Any = None,
    ) -> None:
        self._reuse = reuse
        self._name = name
        self._initializer = initializer
        self._regularizer = regularizer
        self._caching_device = caching_device
        self._partitioner = partitioner
        self._custom_getter = custom_getter
        self._name_scope = name_scope
        self._dtype = dtypes.as_dtype(dtype)
        self._use_resource = use_resource
        self._constraint = constraint

    name = property(lambda self: self._name)
    original_name_scope = property(lambda self: self._name_scope)
    reuse = property(lambda self: self._reuse)
    initializer = property(lambda self: self._initializer)
    regularizer = property(lambda self: self._regularizer)
    caching_device = property(lambda self: self._caching_device)
    partitioner = property(lambda self: self._partitioner)
    custom_getter = property(lambda self: self._custom_getter)
    dtype = property(lambda self: self._dtype)
    use_resource = property(lambda self: self._use_resource)
    constraint = property(lambda self: self._constraint)

    def reuse_variables(self) -> None:
        """From now on only existing variables are returned; inner scopes inherit it."""
        self._reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """Sets the default initializer."""
        self._initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """Sets the default regularizer."""
        self._regularizer = regularizer

    def set_caching_device(self, caching_device: Any) -> None:
        """Sets the default caching device."""
        self._caching_device = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        """Sets the default partitioner."""
        self._partitioner = partitioner

    def set_custom_getter(self, custom_getter: Any) -> None:
        """Sets the default custom getter."""
        self._custom_getter = custom_getter

    def set_dtype(self, dtype: Any) -> None:
        """Sets the default dtype."""
        self._dtype = dtypes.as_dtype(dtype)

    def set_use_resource(self, use_resource: bool | None) -> None:
        """Kept for scripts that ask; see `tf.Variable`."""
        self._use_resource = use_resource

    def get_collection(self, name: Any) -> list[Any]:
        """What of a collection belongs to this scope, by name."""
        return get_collection(name, f"{self._name}/" if self._name else "")

    def global_variables(self) -> list[Any]:
        """The global variables of this scope."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def trainable_variables(self) -> list[Any]:
        """The trainable variables of this scope."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def local_variables(self) -> list[Any]:
        """The local variables of this scope."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def get_variable(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        reuse: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        validate_shape: bool = True,
        use_resource: bool | None = None,
        custom_getter: Any = None,
        constraint: Any = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
    ) -> Any:
        """The variable of this name in this scope; see `tf.get_variable`."""
        if not isinstance(name, str):
            raise errors.type_error(f"A variable's name must be a string, but got {name!r}.")
        custom_getter = _either(custom_getter, self._custom_getter)
        if custom_getter is not None and not callable(custom_getter):
            raise errors.value_error(
                f"Passed a custom_getter which is not callable: {custom_getter}"
            )
        # The names of a variable's nodes do not depend on open name scopes.
        with name_scope(None):
            if not (dtype is None or initializer is None or callable(initializer)):
                _check_initializer_dtype(initializer, dtypes.as_dtype(dtype))
            request = {
                "shape": shape,
                "dtype": _either(dtype, self._dtype),
                "initializer": _either(initializer, self._initializer),
                "regularizer": _either(regularizer, self._regularizer),
                "reuse": _either(reuse, self._reuse),
                "trainable": trainable,
                "collections": collections,
                "caching_device": _either(caching_device, self._caching_device),
                "partitioner": _either(partitioner, self._partitioner),
                "validate_shape": validate_shape,
                "use_resource": _either(use_resource, self._use_resource),
                "constraint": _either(constraint, self._constraint),
                "synchronization": synchronization,
                "aggregation": aggregation,
            }
            full_name = f"{self._name}/{name}" if self._name else name
            if custom_getter is not None:
                return custom_getter(_get_or_make, full_name, **request)
            return _get_or_make(full_name, **request)


def _either(given: Any, default: Any) -> Any:
    return default if given is None else given


def _check_initializer_dtype(initializer: Any, dtype: dtypes.DType) -> None:
    found = convert_to_tensor(initializer).dtype.base_dtype
    if found is not dtype.base_dtype:
        raise errors.value_error(
            f"Initializer type {found!r} and explicit dtype {dtype!r} don't match. Give the "
            "initializer that dtype, or leave the dtype out."
        )


def _get_or_make(
    name: str,
    shape: Any = None,
    dtype: Any = dtypes.float32,
    initializer: Any = None,
    regularizer: Any = None,
    reuse: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    constraint: Any = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: VariableAggregation = VariableAggregation.NONE,
) -> Any:
    """What a custom getter is given to call: it knows full names only."""
    request_shape = as_request_shape(shape)
    is_scalar = request_shape is not None and request_shape.ndims == 0
    request = Request(
        name=name,
        shape=request_shape,
        dtype=dtypes.as_dtype(dtype).base_dtype,
        initializer=initializer,
        regularizer=regularizer,
        reuse=reuse,
        trainable=trainable,
        collections=collections,
        caching_device=caching_device,
        validate_shape=validate_shape,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
    )
    store = _state_of(get_default_graph()).store
    if partitioner is not None and not is_scalar:
        return store.get_in_parts(request, partitioner)
    if reuse and store.has_in_parts(name):  # to share it, nobody needs to say how it is cut
        return store.get_in_parts(request, None)
    return store.get(request)


# ---- what a graph keeps


class _OpenScopes(threading.local):
    """The variable scope that is open in one thread, and how often each name was opened."""

    def __init__(self) -> None:
        self.current = VariableScope(False)
        self.opened: dict[str, int] = {}

    def close_subscopes(self, name: str) -> None:
        """Forgets what was opened inside, so that its default names begin anew."""
        for key in self.opened:
            if key.startswith(f"{name}/") or not name:
                self.opened[key] = 0

    def unique(self, prefix: str) -> str:
        """`prefix`, or with a number if it was opened in the current scope before."""
        outer = f"{self.current.name}/" if self.current.name else ""
        name, number = prefix, 0
        while self.opened.get(outer + name, 0):
            number += 1
            name = f"{prefix}_{number}"
        return name


class _GraphState:
    """The variables of a graph by name, and its open scopes."""

    def __init__(self) -> None:
        self.store = VariableStore()
        self.scopes = _OpenScopes()


_STATE_KEY = ("variable_scope",)


def _state_of(graph: Graph) -> _GraphState:
    kept = graph.get_collection_ref(_STATE_KEY)
    if not kept:
        with graph._lock:
            if not kept:
                kept.append(_GraphState())
    state: _GraphState = kept[0]
    return state


def get_variable_scope() -> VariableScope:
    """The variable scope that is open (mirrors `tf.get_variable_scope`); "" outside of any.

    >>> import minitf as tf
    >>> with tf.variable_scope("layer"):
    ...     tf.get_variable_scope().name
    'layer'
    """
    return _state_of(get_default_graph()).scopes.current


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: VariableAggregation = VariableAggregation.NONE,
) -> Any:
    """The variable of this name in the open scope, made or shared (mirrors `tf.get_variable`).

    Args:
      name: the name within the scope.
      shape: the shape; may be left out if the initializer is a value, or the variable exists.
      dtype: the dtype; that of the scope (float32) if None.
      initializer: a function of a shape such as `tf.zeros_initializer()`, a value, or a function
        without arguments. If None, that of the scope, else `tf.glorot_uniform_initializer()` for
        floats and zeros for integers, bools and strings.
      regularizer: a function from the variable to a loss, which joins
        `GraphKeys.REGULARIZATION_LOSSES` when the variable is made.
      trainable: whether optimizers change it; True if None.
      collections: the collections to join; `[GraphKeys.GLOBAL_VARIABLES]` if None.
      caching_device: a device to keep a copy for readers on.
      partitioner: cuts the variable into parts, such as `tf.fixed_size_partitioner(4)`. Then the
        result is a `tf.PartitionedVariable`.
      validate_shape: False if the value's shape may change.
      use_resource: accepted; see `tf.Variable`.
      custom_getter: `(getter, name, **arguments) -> variable`, called instead; `getter` is what
        would have been called.
      constraint: see `tf.Variable`.
      synchronization, aggregation: see `tf.Variable`.

    Raises:
      ValueError: if the variable exists and may not be reused, or should be reused and does not
        exist, or has another shape or dtype, or its shape is not known.

    >>> import minitf as tf
    >>> def layer(x):
    ...     with tf.variable_scope("layer", reuse=tf.AUTO_REUSE):
    ...         return tf.matmul(x, tf.get_variable("w", [2, 3]))
    >>> y, z = layer(tf.ones([1, 2])), layer(tf.zeros([1, 2]))
    >>> [v.name for v in tf.global_variables()], y.name, z.name
    (['layer/w:0'], 'layer/MatMul:0', 'layer_1/MatMul:0')
    """
    return get_variable_scope().get_variable(
        name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        regularizer=regularizer,
        trainable=trainable,
        collections=collections,
        caching_device=caching_device,
        partitioner=partitioner,
        validate_shape=validate_shape,
        use_resource=use_resource,
        custom_getter=custom_getter,
        constraint=constraint,
        synchronization=synchronization,
        aggregation=aggregation,
    )


def get_local_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = False,
    collections: Any = None,
    **others: Any,
) -> Any:
    """`get_variable` for a local variable (mirrors `tf.get_local_variable`).

    It is not trained, and joins `GraphKeys.LOCAL_VARIABLES` besides `collections`. All arguments
    are those of `get_variable`.
    """
    collections = [*(collections or ()), GraphKeys.LOCAL_VARIABLES]
    return get_variable(
        name,
        shape,
        dtype,
        initializer,
        regularizer,
        trainable=False,
        collections=list(dict.fromkeys(collections)),
        **others,
    )


def no_regularizer(_: Any) -> None:
    """Says that a variable has no regularizer, whatever its scope has (mirrors the one of `tf`)."""
    return None


# ---- opening a scope


class variable_scope:
    """Opens a variable scope, and a name scope with it (mirrors `tf.variable_scope`).

    Args:
      name_or_scope: a name, to open a scope inside the current one; or a `VariableScope`, to enter
        that one again, from anywhere.
      default_name: a name to make unique among the scopes here, where `name_or_scope` is None.
      values: tensors that decide the graph.
      initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource,
        constraint: defaults for `get_variable` inside; inherited where None.
      reuse: True to share existing variables only, `tf.AUTO_REUSE` to share or make; otherwise
        inherited.
      auxiliary_name_scope: whether to open a name scope.

    Raises:
      ValueError: if `reuse` is something else, or True although no name was given.
      TypeError: if no name is given at all, or an argument is of the wrong type.

    >>> import minitf as tf
    >>> with tf.variable_scope("layer") as scope:
    ...     w = tf.get_variable("w", [2])
    >>> with tf.variable_scope(scope, reuse=True):
    ...     tf.get_variable("w", [2]) is w
    True
    """

    def __init__(
        self,
        name_or_scope: Any,
        default_name: str | None = None,
        values: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        reuse: Any = None,
        dtype: Any = None,
        use_resource: bool | None = None,
        constraint: Any = None,
        auxiliary_name_scope: bool = True,
    ) -> None:
        if name_or_scope is None and default_name is None:
            raise errors.type_error("If default_name is None then name_or_scope is required")
        if name_or_scope is not None and not isinstance(name_or_scope, (str, VariableScope)):
            raise errors.type_error(
                "VariableScope: name_or_scope must be a string or VariableScope."
            )
        if not (reuse is None or isinstance(reuse, bool) or reuse is AUTO_REUSE):
            raise errors.value_error("The reuse parameter must be True or False or None.")
        if not isinstance(auxiliary_name_scope, bool):
            raise errors.type_error(
                f"The auxiliary_name_scope must be `True` or `False`, while get "
                f"{auxiliary_name_scope}"
            )
        self._name_or_scope = name_or_scope
        self._default_name = default_name
        self._values = values
        self._reuse = reuse or None  # a scope cannot undo the reuse of the scopes around it
        self._custom_getter = custom_getter
        self._auxiliary_name_scope = auxiliary_name_scope
        self._defaults = {
            "_initializer": initializer,
            "_regularizer": regularizer,
            "_caching_device": caching_device,
            "_partitioner": partitioner,
            "_dtype": None if dtype is None else dtypes.as_dtype(dtype),
            "_use_resource": use_resource,
            "_constraint": constraint,
        }
        self._original_name_scope: str | None = None
        self._open: list[ExitStack] = []

    def __enter__(self) -> VariableScope:
        graph = get_default_graph() if self._values is None else graph_of(self._values)
        with ExitStack() as stack:
            stack.enter_context(graph.as_default())
            scope: VariableScope = stack.enter_context(self._enter(graph, stack))
            self._open.append(stack.pop_all())
        return scope

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._open.pop().__exit__(kind, error, trace)

    def _enter(self, graph: Graph, stack: ExitStack) -> Any:
        given = self._name_or_scope
        scopes = _state_of(graph).scopes
        if given is None and self._reuse:
            raise errors.value_error("reuse=True cannot be used without a name_or_scope")
        if isinstance(given, VariableScope):
            ops_name = given.name.split("/")[-1]
        else:
            ops_name = self._default_name if given is None else given
        if not self._auxiliary_name_scope:
            outer = graph.get_name_scope()
            opened = f"{outer}/" if outer else ""
        else:
            opened = stack.enter_context(graph.name_scope(ops_name)) if ops_name else ""
        if isinstance(given, VariableScope):
            return self._again(scopes, given)
        name = scopes.unique(ops_name) if given is None else given
        return self._inside(scopes, name, opened)

    @contextmanager
    def _inside(self, scopes: _OpenScopes, name: str, opened: str) -> Iterator[VariableScope]:
        """A scope of this name in the current one, from which it inherits."""
        outer = scopes.current
        inner = copy.copy(outer)
        inner._name = f"{outer.name}/{name}" if outer.name else name
        # Entered a second time, it gives its ops other names, but still says the first ones.
        inner._name_scope = self._original_name_scope = self._original_name_scope or opened
        inner._reuse = self._reuse or outer.reuse
        self._apply_defaults(inner)
        scopes.opened[inner.name] = scopes.opened.get(inner.name, 0) + 1
        scopes.current = inner
        try:
            yield inner
        finally:
            scopes.close_subscopes(inner.name)
            scopes.current = outer

    @contextmanager
    def _again(self, scopes: _OpenScopes, given: VariableScope) -> Iterator[VariableScope]:
        """A scope that exists, with its own settings whatever the current one's are."""
        outer, opened_before = scopes.current, dict(scopes.opened)
        inner = copy.copy(given)
        inner._reuse = self._reuse or given.reuse
        self._apply_defaults(inner)
        scopes.opened[inner.name] = scopes.opened.get(inner.name, 0) + 1
        scopes.current = inner
        try:
            yield inner
        finally:
            scopes.close_subscopes(inner.name)
            scopes.opened = opened_before
            scopes.current = outer

    def _apply_defaults(self, scope: VariableScope) -> None:
        for name, value in self._defaults.items():
            if value is not None:
                setattr(scope, name, value)
        if self._custom_getter is not None:
            scope._custom_getter = _chained(self._custom_getter, scope._custom_getter)


def _chained(getter: Any, outer: Any) -> Any:
    """The inner custom getter, whose `getter` is the outer one."""
    if outer is None:
        return getter

    def chained(true_getter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        def call_outer(name: str, *args: Any, **kwargs: Any) -> Any:
            return outer(true_getter, name, *args, **kwargs)

        return getter(call_outer, name, *args, **kwargs)

    return chained


@contextmanager
def variable_op_scope(
    values: Any, name_or_scope: Any, default_name: str | None = None, **others: Any
) -> Iterator[VariableScope]:
    """`variable_scope` with its arguments in an older order (mirrors `tf.variable_op_scope`)."""
    with variable_scope(name_or_scope, default_name, values, **others) as scope:
        yield scope
