"""With this module one can write a layer: a part of a network that owns its variables.

A layer makes its variables when it is first called, in `build`, from the shape of its input; and
adds its ops to the graph each time it is called, in `call`. Calling one layer object several times
shares its variables.

    class Scale(tf.layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight("factor", [int(input_shape[-1])])
            self.built = True

        def call(self, inputs):
            return inputs * self.factor
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework import traceback as traceback_lib
from minitf.framework.apply_op import graph_of
from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_graph
from minitf.framework.graph import Graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.layers.input_spec import InputSpec as InputSpec
from minitf.layers.input_spec import check_inputs
from minitf.ops import array_ops, math_ops, variable_scope
from minitf.ops.variables import VariableAggregation, VariableSynchronization


class Layer:
    """What all layers share (mirrors `tf.layers.Layer`).

    A subclass says how it makes its variables in `build`, and what it computes in `call`.

    Args:
      trainable: whether its variables are, where `add_weight` is not told otherwise.
      name: the layer's name and that of its variable scope; made from the class's name if None.
      dtype: the dtype of its variables; that of its first input if None.
      activity_regularizer: a function from an output to a loss, which, divided by the batch size,
        joins `GraphKeys.REGULARIZATION_LOSSES`.

    Attributes:
      name, dtype, trainable: as given, or chosen.
      built: whether it has its variables.
      input_spec: an `InputSpec`, or one for each input, that inputs are checked against.
      activity_regularizer: as given.

    Raises:
      TypeError: for an argument of another name.

    >>> import minitf as tf
    >>> dense = tf.layers.Dense(3, name="hidden")
    >>> y = dense(tf.ones([2, 4]))
    >>> z = dense(tf.zeros([5, 4]))
    >>> [v.name for v in dense.variables], z.shape
    (['hidden/kernel:0', 'hidden/bias:0'], TensorShape([Dimension(5), Dimension(3)]))
    """

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        activity_regularizer: Callable[[Tensor], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        # The functions that mirror a layer pass these: the scope's name, and whether to share.
        scope_name, self._reuse = kwargs.pop("_scope", None), kwargs.pop("_reuse", None)
        if kwargs:
            raise errors.type_error(f"Keyword argument not understood: {', '.join(kwargs)}")
        self.trainable = trainable
        self.built = False
        self.input_spec: Any = None
        self.activity_regularizer = activity_regularizer
        self._dtype = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
        self._base_name = name or _snake_case(type(self).__name__)
        self._name = name or _numbered(self._base_name)
        self._graph: Graph | None = None
        self._scope: variable_scope.VariableScope | None = None
        self._trainable_weights: list[Any] = []
        self._non_trainable_weights: list[Any] = []
        self._losses: list[Any] = []
        self._updates: list[Any] = []
        if scope_name is not None:
            self._open_scope(scope_name)

    # ---- what a subclass says

    def build(self, input_shape: Any) -> None:
        """Makes the variables, with `add_weight`, and sets `built`. Called before the first call.

        Args:
          input_shape: a `TensorShape`, or one for each input.
        """
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Makes the ops of the layer: what it computes from its inputs."""
        return inputs

    # ---- what it is

    @property
    def name(self) -> str:
        """The layer's name, unique in its graph unless it was given."""
        return self._name

    @property
    def dtype(self) -> str | None:
        """The name of the dtype of its variables; None while it is not known."""
        return None if self._dtype is None else self._dtype.name

    @property
    def graph(self) -> Graph | None:
        """The graph that the layer is in; None before its first use."""
        return self._graph

    @property
    def scope_name(self) -> str:
        """The name of its variable scope.

        Raises:
          ValueError: before the first call, when it is not known.
        """
        if self._scope is None:
            raise errors.value_error(
                f'No name available for layer scope because the layer "{self._name}" has not been '
                "used yet. The scope name is determined the first time the layer instance is "
                "called. You must therefore call the layer before querying `scope_name`.",
                see="order-of-calls",
            )
        name: str = self._scope.name
        return name

    def _layers(self) -> Iterator[Layer]:
        """The layers that are attributes of this one."""
        for value in vars(self).values():
            for item in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(item, Layer):
                    yield item

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that are trained; none if the layer is not `trainable`."""
        if not self.trainable:
            return []
        inner = (v for layer in self._layers() for v in layer.trainable_weights)
        return _unique(self._trainable_weights, inner)

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The variables that are not trained."""
        inner = (v for layer in self._layers() for v in layer.non_trainable_weights)
        if self.trainable:
            return _unique(self._non_trainable_weights, inner)
        inner = (v for layer in self._layers() for v in layer.weights)
        return _unique(self._trainable_weights, self._non_trainable_weights, inner)

    @property
    def weights(self) -> list[Any]:
        """All variables: first those that are trained."""
        return self.trainable_weights + self.non_trainable_weights

    @property
    def trainable_variables(self) -> list[Any]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    @property
    def variables(self) -> list[Any]:
        """The same as `weights`."""
        return self.weights

    @property
    def losses(self) -> list[Any]:
        """The losses of its regularizers, and those that it was given by `add_loss`."""
        return _unique(self._losses, (loss for layer in self._layers() for loss in layer.losses))

    @property
    def updates(self) -> list[Any]:
        """The operations to run with each training step; none if it is not `trainable`."""
        if not self.trainable:
            return []
        return _unique(self._updates, (u for layer in self._layers() for u in layer.updates))

    def count_params(self) -> int:
        """How many numbers its variables hold.

        Raises:
          ValueError: before the layer has its variables.
        """
        if not self.built:
            raise errors.value_error(
                f"You tried to call `count_params` on {self._name}, but the layer isn't built. You "
                f"can build it manually via: `{self._name}.build(batch_input_shape)`.",
                see="order-of-calls",
            )
        return sum(int(v.shape.num_elements()) for v in self.weights)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The static shape of the output for an input of a given shape.

        Nothing is added to the graph.

        Raises:
          NotImplementedError: if the layer has other layers in it.

        >>> import minitf as tf
        >>> print(tf.layers.Conv2D(32, 5, padding="same").compute_output_shape([None, 28, 28, 1]))
        (?, 28, 28, 32)
        """
        if any(self._layers()):
            raise errors.not_implemented(f'The layer "{self._name}" has other layers in it.')
        with Graph().as_default():
            # A layer like this one, as yet unused, is called in a graph of its own.
            trial = copy.copy(self)
            trial.built, trial._graph, trial._scope, trial._reuse = False, None, None, None
            trial._trainable_weights, trial._non_trainable_weights = [], []
            trial._losses, trial._updates = [], []
            return trial(array_ops.placeholder(self._dtype or dtypes.float32, input_shape)).shape

    # ---- making variables, losses and updates

    def add_weight(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Callable[[Any], Any] | None = None,
        trainable: bool | None = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        partitioner: Any = None,
    ) -> Any:
        """Makes a variable of the layer, or shares one, as its scope says: see `tf.get_variable`.

        Args:
          name: its name in the layer.
          shape: its shape.
          dtype: its dtype; that of the layer, else float32, if None.
          initializer: what it begins at; what the variable scope says if None.
          regularizer: a function from it to a loss, which joins
            `GraphKeys.REGULARIZATION_LOSSES` when the variable is made, not when it is shared.
          trainable: whether it is trained; True if None.
          constraint, use_resource, synchronization, aggregation, partitioner: see
            `tf.get_variable`.

        Raises:
          ValueError: if it may not be shared or made, as the scope's `reuse` says.
        """
        if trainable is None:
            trainable = synchronization is not VariableSynchronization.ON_READ
        made = get_default_graph().get_collection_ref(GraphKeys.GLOBAL_VARIABLES)
        known = len(made)
        with self._inside():
            variable = variable_scope.get_variable(
                name,
                shape=shape,
                dtype=dtype or self._dtype or dtypes.float32,
                initializer=initializer,
                trainable=trainable and self.trainable,
                constraint=constraint,
                use_resource=use_resource,
                synchronization=synchronization,
                aggregation=aggregation,
                partitioner=partitioner,
            )
            if regularizer is not None and any(v is variable for v in made[known:]):
                with name_scope(f"{name}/Regularizer"):
                    self.add_loss(regularizer(variable))
        (self._trainable_weights if trainable else self._non_trainable_weights).append(variable)
        return variable

    def add_variable(self, *args: Any, **kwargs: Any) -> Any:
        """The older name of `add_weight`."""
        return self.add_weight(*args, **kwargs)

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds to `losses` and to `GraphKeys.REGULARIZATION_LOSSES`.

        Args:
          losses: a tensor or a list of them; None is left out.
          inputs: accepted, without effect.
        """
        new = [loss for loss in _as_list(losses) if loss is not None]
        self._losses.extend(new)
        _add_new_to_collection(new, GraphKeys.REGULARIZATION_LOSSES)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Adds to `updates` and to `GraphKeys.UPDATE_OPS`, to be run with each training step.

        Args:
          updates: an operation, a tensor (which stands for its operation), or a list of them.
          inputs: accepted, without effect.
        """
        self._updates.extend(getattr(update, "op", update) for update in _as_list(updates))
        _add_new_to_collection(self.updates, GraphKeys.UPDATE_OPS)

    # ---- calling it

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Adds the layer's ops to the graph; at the first time also its variables.

        Args:
          inputs: a tensor, or for some layers a list of them; arrays are converted.
          *args, **kwargs: further arguments of `call`; and `scope`, the variable scope to use.

        Raises:
          TypeError: if `inputs` is None.
          ValueError: if the inputs do not fit the layer, or are in another graph than it.
        """
        if inputs is None:
            raise TypeError(
                errors.report(
                    f"The inputs of layer {self._name!r} are None.",
                    line=str(traceback_lib.capture()),
                    do="give a tensor; a function that made it may lack its `return`.",
                    see="arguments",
                )
            )
        inputs = _as_tensors(inputs)
        flat = _as_list(inputs)
        self._enter_graph(flat)
        with self._inside(kwargs.pop("scope", None)):
            check_inputs(self.input_spec, flat, self._name)
            if not self.built:
                if self._dtype is None and flat:
                    self._dtype = flat[0].dtype.base_dtype
                self.build(flat[0].shape if flat[0] is inputs else [t.shape for t in flat])
                self.built = True
            outputs = self.call(inputs, *args, **kwargs)
            self._regularize_activity(outputs)
        return outputs

    def apply(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The same as calling the layer."""
        return self(inputs, *args, **kwargs)

    @contextmanager
    def _inside(self, scope: Any = None) -> Iterator[None]:
        """Where its variables and nodes are made: a call again enters the same name scope."""
        self._open_scope(scope)
        assert self._scope is not None
        with (
            variable_scope.variable_scope(
                self._scope, reuse=self.built or self._reuse, auxiliary_name_scope=False
            ),
            name_scope(self._scope.original_name_scope),
        ):
            yield

    def _open_scope(self, scope: Any = None) -> None:
        """Opens the variable scope that the layer stays in, at its first use."""
        if self._scope is not None:
            return
        if self._reuse:
            opened = variable_scope.variable_scope(scope or self._base_name)
        else:
            opened = variable_scope.variable_scope(scope, default_name=self._base_name)
        with opened as self._scope:
            pass

    def _enter_graph(self, inputs: list[Tensor]) -> None:
        graph = graph_of(inputs)
        if self._graph is not None and self._graph is not graph:
            raise ValueError(
                errors.report(
                    f'Input graph and Layer graph are not the same: the layer "{self._name}" was '
                    "used in another graph before.",
                    facts=f"input: {errors.describe(inputs[0])}",
                    line=str(traceback_lib.capture()),
                    do="make a new layer for each graph.",
                    see="arguments",
                )
            )
        self._graph = graph

    def _regularize_activity(self, outputs: Any) -> None:
        if self.activity_regularizer is None:
            return
        with name_scope("ActivityRegularizer"):
            for output in _as_list(outputs):
                loss = self.activity_regularizer(output)
                # The mean over the batch, so that the batch size does not change its weight.
                batch_size = math_ops.cast(array_ops.shape(output)[0], loss.dtype)
                self.add_loss(loss / batch_size)


# ---- helpers


def _snake_case(class_name: str) -> str:
    """The name of a layer that was given none.

    >>> [_snake_case(name) for name in ("Dense", "Conv2DTranspose", "MaxPooling2D", "MyLSTMCell")]
    ['dense', 'conv2d_transpose', 'max_pooling2d', 'my_lstm_cell']
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z0-9])", "_", class_name)
    name = re.sub("__+", "_", words).lower()
    return f"private{name}" if name.startswith("_") else name


_COUNTS_KEY = ("layer_names",)


def _numbered(base_name: str) -> str:
    """The base name with how many layers of the graph have it, from 1: "dense_1"."""
    kept = get_default_graph().get_collection_ref(_COUNTS_KEY)
    if not kept:
        kept.append({})
    kept[0][base_name] = kept[0].get(base_name, 0) + 1
    return f"{base_name}_{kept[0][base_name]}"


def _as_list(value: Any) -> list[Any]:
    """The leaves of nested lists, tuples and dicts; one value as a list of itself."""
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in _as_list(value[key])]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _as_list(item)]
    return [value]


def _as_tensors(inputs: Any) -> Any:
    """The same structure of tensors; a list of numbers is one tensor."""
    leaves = _as_list(inputs)
    if isinstance(inputs, (list, tuple)) and all(hasattr(leaf, "shape") for leaf in leaves):
        return [_as_tensors(item) for item in inputs]
    if isinstance(inputs, dict):
        return {key: _as_tensors(item) for key, item in inputs.items()}
    return convert_to_tensor(inputs)


def _unique(*groups: Any) -> list[Any]:
    return list({id(item): item for group in groups for item in group}.values())


def _add_new_to_collection(items: list[Any], key: str) -> None:
    graph = get_default_graph()
    for item in items:
        if not any(item is other for other in graph.get_collection(key)):
            graph.add_to_collection(key, item)
