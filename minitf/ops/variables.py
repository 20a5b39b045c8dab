"""With this module one can train: `tf.Variable` is a tensor whose value outlives a run.

A variable is four nodes: the place that holds its value, the value to begin with, the operation
that stores that value (`initializer`), and a read. Making one only adds these nodes; it has a
value in a session once its initializer has run there.

    Variable/initial_value --+
                             v
    Variable ---------> Variable/Assign
        +-------------> Variable/read ---> what uses the variable
"""

from __future__ import annotations

import enum
from contextlib import AbstractContextManager
from typing import Any, NoReturn

from minitf.framework import errors, protos
from minitf.framework import traceback as traceback_lib
from minitf.framework.convert import convert_to_tensor, register_tensor_conversion_function
from minitf.framework.default import get_default_graph, get_default_session
from minitf.framework.dtypes import DType, as_dtype
from minitf.framework.graph import Graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.framework.scopes import init_scope, name_scope
from minitf.framework.tensor import IndexedSlices, OperatorMixin, Tensor
from minitf.framework.tensor_shape import TensorShape, as_shape, unknown_shape
from minitf.ops import array_ops, cond_ops, scatter_nd_ops, scatter_ops, state_ops
from minitf.ops import save_slice_info as slice_info


class VariableSynchronization(enum.Enum):
    """When copies of a variable on several devices are made equal."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(enum.Enum):
    """How writes to copies of a variable on several devices are put together."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3
    ONLY_FIRST_TOWER = 3


class Variable(OperatorMixin):
    """A value that is kept between runs of a session and that operations can change.

    Mirrors `tf.Variable`. In expressions it stands for its value.

    Args:
      initial_value: a tensor, or what can be made one, or a function without arguments that
        returns either; the function is called where the variable is put, outside of any control
        dependencies. It may use other variables: see `initializer`.
      trainable: whether optimizers change it (it joins `GraphKeys.TRAINABLE_VARIABLES`).
      collections: the collections to join; `[GraphKeys.GLOBAL_VARIABLES]` if None.
      validate_shape: False if the value's shape may change; then nothing is known of it.
      caching_device: a device to keep a copy for readers on.
      name: made unique; "Variable" if None.
      variable_def: a `VariableDef`, which names the nodes of a variable in the graph; nothing
        but `import_scope` goes with it.
      dtype: what the initial value is converted to; its own dtype if None.
      expected_shape: ignored, as in TensorFlow.
      import_scope: the scope that these nodes were imported into.
      constraint: a function from the value to an allowed one, for optimizers to apply.
      use_resource: accepted; every variable here has TensorFlow 1's classic (ref) semantics, and
        differs from a resource variable only where reads and writes of one run are not ordered.
      synchronization, aggregation: kept, for scripts that ask for them.
      shape: the static shape, where it knows less than the initial value's.

    Raises:
      ValueError: if there is no initial value, or its shape is not known and `validate_shape`.
      TypeError: if the initial value is not of this dtype.

    >>> import minitf as tf
    >>> w = tf.Variable([[1.0, 2.0]], name="w")
    >>> w
    <tf.Variable 'w:0' shape=(1, 2) dtype=float32_ref>
    >>> with tf.Session() as sess:
    ...     sess.run(w.initializer)
    ...     print(sess.run(w + 1.0), sess.run(w.assign_add([[1.0, 1.0]])), sess.run(w))
    [[2. 3.]] [[2. 3.]] [[2. 3.]]
    """

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        shape: Any = None,
    ) -> None:
        self._save_slice_info: slice_info.SaveSliceInfo | None = None
        if variable_def is not None:
            if initial_value is not None:
                raise errors.value_error(
                    "variable_def and initial_value are mutually exclusive.", see="initial-values"
                )
            self._constraint, self._caching_device = None, None
            self._find_nodes(variable_def, import_scope)
            return
        if initial_value is None:
            raise errors.value_error("initial_value must be specified.", see="initial-values")
        if constraint is not None and not callable(constraint):
            raise errors.value_error("The `constraint` argument must be a callable.")
        if collections is None:
            collections = [GraphKeys.GLOBAL_VARIABLES]
        if not isinstance(collections, (list, tuple, set)):
            raise errors.value_error(
                "collections argument to Variable constructor must be a list, tuple, or set. Got "
                f"{collections} of type {type(collections)}"
            )
        if trainable is None:
            trainable = synchronization is not VariableSynchronization.ON_READ
        if trainable and GraphKeys.TRAINABLE_VARIABLES not in collections:
            collections = [*collections, GraphKeys.TRAINABLE_VARIABLES]
        self._trainable = trainable
        self._constraint = constraint
        self._synchronization = synchronization
        self._aggregation = aggregation
        self._caching_device = caching_device
        dtype = None if dtype is None else as_dtype(dtype).base_dtype
        static_shape = None if shape is None else as_shape(shape)
        with init_scope():
            self._build(initial_value, dtype, static_shape, validate_shape, name)
        get_default_graph().add_to_collections(collections, self)

    def _build(
        self,
        initial_value: Any,
        dtype: DType | None,
        shape: TensorShape | None,
        validate_shape: bool,
        name: str | None,
    ) -> None:
        """Makes the variable's nodes."""
        from minitf.ops.safe_initial_value import safe_initial_value

        is_function = callable(initial_value)
        with name_scope(name, "Variable", [] if is_function else [initial_value]) as scope:
            if is_function:
                # The variable is made after its initial value, which is to be put beside it.
                attrs = {"_class": [f"loc:@{scope[:-1]}"]}
                graph = get_default_graph()
                with graph._attr_scope(attrs), graph.device(None), name_scope("Initializer"):
                    value = convert_to_tensor(initial_value(), dtype, "initial_value")
                with graph._attr_scope(attrs):
                    self._place(value, shape, validate_shape, scope)
            else:
                value = convert_to_tensor(initial_value, dtype, "initial_value")
                self._refuse_conditional(value, scope)
                self._place(value, shape, validate_shape, scope)
            self._initial_value = value
            self._initializer_op: Operation = state_ops.assign(
                self._variable,
                safe_initial_value(scope, value),
                validate_shape=validate_shape,
                name="Assign",
            ).op
            with self._where_read():
                self._snapshot = array_ops.identity(self._variable, name="read")

    def _find_nodes(self, variable_def: Any, import_scope: str | None) -> None:
        """Takes nodes that are in the default graph already for this variable's."""
        graph, scope = get_default_graph(), f"{import_scope}/" if import_scope else ""

        def tensor(name: str) -> Tensor:
            return graph.get_tensor_by_name(scope + name)

        self._variable = tensor(variable_def.variable_name)
        self._snapshot = tensor(variable_def.snapshot_name)
        self._initializer_op = graph.get_operation_by_name(scope + variable_def.initializer_name)
        named = variable_def.initial_value_name
        self._initial_value = tensor(named) if named else self._initializer_op.inputs[1]
        self._trainable = variable_def.trainable
        self._synchronization = VariableSynchronization(variable_def.synchronization)
        self._aggregation = VariableAggregation(variable_def.aggregation)
        if variable_def.HasField("save_slice_info_def"):
            self._save_slice_info = slice_info.SaveSliceInfo.from_proto(
                variable_def.save_slice_info_def, import_scope
            )

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The `VariableDef` that names this variable's nodes, as they are called inside a scope.

        None if the variable is outside of it.
        """
        scope = f"{export_scope}/" if export_scope else ""
        if not self.name.startswith(scope):
            return None
        part = self._save_slice_info
        return protos.VariableDef(
            save_slice_info_def=None if part is None else part.to_proto(export_scope),
            variable_name=self._variable.name.removeprefix(scope),
            initial_value_name=self._initial_value.name.removeprefix(scope),
            initializer_name=self._initializer_op.name.removeprefix(scope),
            snapshot_name=self._snapshot.name.removeprefix(scope),
            trainable=self._trainable,
            synchronization=self._synchronization.value,
            aggregation=self._aggregation.value,
        )

    @staticmethod
    def from_proto(variable_def: Any, import_scope: str | None = None) -> Variable:
        """The variable whose nodes a `VariableDef` names; they are in the default graph."""
        return Variable(variable_def=variable_def, import_scope=import_scope)

    def _place(
        self, value: Tensor, shape: TensorShape | None, validate_shape: bool, scope: str
    ) -> None:
        if shape is None:
            shape = value.shape if validate_shape else unknown_shape()
        self._variable = state_ops.variable_op_v2(shape, value.dtype.base_dtype, name=scope)
        if validate_shape and value.shape.ndims is None:
            raise ValueError(
                errors.report(
                    f"initial_value must have a shape specified: {value}",
                    op=value.op,
                    do="set_shape of the initial value, or validate_shape=False.",
                    see="initial-values",
                )
            )

    @staticmethod
    def _refuse_conditional(value: Tensor, scope: str) -> None:
        if value.op._get_control_flow_context() is not None:
            raise ValueError(
                errors.report(
                    f"Initializer for variable {scope} is from inside a control-flow construct, "
                    "such as a loop or conditional.",
                    op=value.op,
                    do="give a function that makes the initial value: tf.Variable(lambda: ...).",
                    see="initial-values",
                )
            )

    def _where_read(self) -> AbstractContextManager[Any]:
        device = self._caching_device
        if device is not None:
            return get_default_graph().device(device)
        return get_default_graph().colocate_with(self._variable.op)

    # ---- what it is

    @property
    def name(self) -> str:
        """The variable's name, such as "w:0"."""
        return self._variable.name

    @property
    def op(self) -> Operation:
        """The node that holds the value."""
        return self._variable.op

    @property
    def graph(self) -> Graph:
        """The graph that the variable belongs to."""
        return self._variable.graph

    @property
    def device(self) -> str:
        """The device asked for."""
        return self._variable.device

    @property
    def dtype(self) -> DType:
        """The dtype of the reference; `dtype.base_dtype` is that of the value."""
        return self._variable.dtype

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape."""
        return self._variable.shape

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Adds knowledge of the shape.

        Raises:
          ValueError: if `shape` contradicts what is known.
        """
        self._variable.set_shape(shape)
        self._snapshot.set_shape(shape)

    @property
    def trainable(self) -> bool:
        """Whether optimizers change it."""
        return self._trainable

    @property
    def constraint(self) -> Any:
        """The function that gives an allowed value, or None."""
        return self._constraint

    @property
    def synchronization(self) -> VariableSynchronization:
        """What was asked for."""
        return self._synchronization

    @property
    def aggregation(self) -> VariableAggregation:
        """What was asked for."""
        return self._aggregation

    @property
    def initial_value(self) -> Tensor:
        """The tensor that was given, or made from what was given."""
        return self._initial_value

    @property
    def initializer(self) -> Operation:
        """The operation that stores the initial value.

        Where that value is computed from other variables, these need not have been initialized
        before: as in TensorFlow, a variable that has no value yet is replaced by its own initial
        value. When one run initializes all of them, they are done in the order of their creation.
        """
        return self._initializer_op

    @property
    def _shared_name(self) -> str:
        return self.op.name

    # ---- what it holds

    def value(self) -> Tensor:
        """The tensor that reads the variable; every use of the variable shares it."""
        return self._snapshot

    def read_value(self) -> Tensor:
        """A new node that reads the variable, where the control dependencies of now count."""
        return array_ops.identity(self._variable, name="read")

    def initialized_value(self) -> Tensor:
        """The value, or the initial value while there is no other."""
        with init_scope():
            result: Tensor = cond_ops.cond(
                state_ops.is_variable_initialized(self),
                self.read_value,
                lambda: self._initial_value,
            )
        return result

    def eval(self, session: Any = None) -> Any:
        """The value in a session, the default one if None.

        Raises:
          ValueError: if there is no session.
        """
        return self._variable.eval(session=session)

    def load(self, value: Any, session: Any = None) -> None:
        """Stores an array in a session, without adding nodes to the graph.

        Raises:
          ValueError: if there is no session, or the shape is another.

        >>> import minitf as tf
        >>> v = tf.Variable([1.0, 2.0])
        >>> with tf.Session() as sess:
        ...     v.load([3.0, 4.0], sess)
        ...     print(sess.run(v))
        [3. 4.]
        """
        session = session or get_default_session()
        if session is None:
            raise errors.value_error(
                "Either session argument should be provided or default session should be "
                "established",
                see="no-session",
            )
        session.run(self._initializer_op, {self._initializer_op.inputs[1]: value})

    # ---- changing it

    def assign(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Stores a new value; see `tf.assign`.

        Args:
          value: a tensor of the variable's shape.
          use_locking: whether concurrent updates that lock wait meanwhile.
          name: the node's name.
          read_value: False to return the operation instead of the reference.
        """
        ref = state_ops.assign(self._variable, value, use_locking=use_locking, name=name)
        return ref if read_value else ref.op

    def assign_add(
        self,
        delta: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Adds to the variable; see `tf.assign_add`, and `assign` for the arguments."""
        ref = state_ops.assign_add(self._variable, delta, use_locking=use_locking, name=name)
        return ref if read_value else ref.op

    def assign_sub(
        self,
        delta: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Subtracts from the variable; see `tf.assign_sub`, and `assign` for the arguments."""
        ref = state_ops.assign_sub(self._variable, delta, use_locking=use_locking, name=name)
        return ref if read_value else ref.op

    def _scatter(self, declared: Any, delta: Any, use_locking: bool, name: str | None) -> Tensor:
        if not isinstance(delta, IndexedSlices):
            raise errors.type_error(f"sparse_delta is not IndexedSlices: {delta!r}")
        ref: Tensor = declared(
            self._variable, delta.indices, delta.values, use_locking=use_locking, name=name
        )
        return ref

    def scatter_update(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Tensor:
        """Stores the rows of `tf.IndexedSlices`; see `tf.scatter_update`."""
        return self._scatter(scatter_ops.SCATTER_UPDATE, sparse_delta, use_locking, name)

    def scatter_add(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Tensor:
        """Adds the rows of `tf.IndexedSlices`; see `tf.scatter_add`."""
        return self._scatter(scatter_ops.SCATTER_ADD, sparse_delta, use_locking, name)

    def scatter_sub(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Tensor:
        """Subtracts the rows of `tf.IndexedSlices`; see `tf.scatter_sub`."""
        return self._scatter(scatter_ops.SCATTER_SUB, sparse_delta, use_locking, name)

    def scatter_mul(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Tensor:
        """Multiplies by the rows of `tf.IndexedSlices`; see `tf.scatter_mul`."""
        return self._scatter(scatter_ops.SCATTER_MUL, sparse_delta, use_locking, name)

    def scatter_div(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Tensor:
        """Divides by the rows of `tf.IndexedSlices`; see `tf.scatter_div`."""
        return self._scatter(scatter_ops.SCATTER_DIV, sparse_delta, use_locking, name)

    def scatter_min(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Tensor:
        """Takes minima with the rows of `tf.IndexedSlices`; see `tf.scatter_min`."""
        return self._scatter(scatter_ops.SCATTER_MIN, sparse_delta, use_locking, name)

    def scatter_max(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Tensor:
        """Takes maxima with the rows of `tf.IndexedSlices`; see `tf.scatter_max`."""
        return self._scatter(scatter_ops.SCATTER_MAX, sparse_delta, use_locking, name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        """Stores slices; see `tf.scatter_nd_update`."""
        return scatter_nd_ops.scatter_nd_update(self, indices, updates, name=name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        """Adds slices; see `tf.scatter_nd_add`."""
        return scatter_nd_ops.scatter_nd_add(self, indices, updates, True, name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        """Subtracts slices; see `tf.scatter_nd_sub`."""
        return scatter_nd_ops.scatter_nd_sub(self, indices, updates, True, name)

    def count_up_to(self, limit: int) -> Tensor:
        """Counts up by 1 until the limit; see `tf.count_up_to`."""
        return state_ops.count_up_to(self._variable, limit)

    # ---- being a part of a larger one

    SaveSliceInfo = slice_info.SaveSliceInfo

    def _set_save_slice_info(self, save_slice_info: slice_info.SaveSliceInfo | None) -> None:
        self._save_slice_info = save_slice_info

    def _get_save_slice_info(self) -> slice_info.SaveSliceInfo | None:
        return self._save_slice_info

    # ---- standing for its value

    def _ref(self) -> Tensor:
        """The reference that ops change the variable by."""
        return self._variable

    def _as_graph_element(self) -> Tensor:
        return self._variable

    def experimental_ref(self) -> Variable:
        """This variable as a dictionary key; in TF1 a variable is one itself."""
        return self

    def __iter__(self) -> NoReturn:
        raise TypeError(
            "'Variable' object is not iterable: how many elements there are is known only when a "
            "session runs. Use tf.unstack(v) for the slices along the first axis."
        )

    def __repr__(self) -> str:
        return f"<tf.Variable {self.name!r} shape={self.shape} dtype={self.dtype.name}>"

    def __copy__(self) -> Variable:
        return self

    def __deepcopy__(self, memo: Any) -> Variable:
        return self


def _convert_variable(
    value: Variable, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
) -> Tensor:
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(
            errors.report(
                f"Incompatible type conversion requested to type {dtype.name!r} for variable of "
                f"type {value.dtype.name!r}",
                op=value.op,
                facts=f"asked for at: {traceback_lib.capture()}",
                do=f"convert one of them: tf.cast(v, tf.{dtype.name}), or what it meets to "
                f"tf.{value.dtype.base_dtype.name}, which numpy's numbers are not of themselves.",
                see="dtypes-that-do-not-fit",
            )
        )
    return value._ref() if as_ref else value.value()


register_tensor_conversion_function(Variable, _convert_variable)
