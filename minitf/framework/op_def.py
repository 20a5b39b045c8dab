"""With this module one can declare an op: its signature, its traits, its shape rule, its kernel
and its gradient. The registry of all declarations is data that tests, passes and docs walk.

A declaration reads as TensorFlow's own documentation of the op does. `&` marks an input that
is a reference to a variable; `N * T` is a list of N tensors; a bare dtype is a fixed one.

    RELU = op_def(
        "Relu(features: T) -> (activations: T)",
        "T: realnumber",
        elementwise=True,
        shape=unchanged,
    )

    @RELU.kernel
    def relu_kernel(features): ...

    @RELU.gradient
    def relu_gradient(op, grad): ...

The declared op is called like a function to build a node: tensors by position, attributes by
keyword, `name` last: `RELU(x, name="hidden")`. It returns the output tensor, a named tuple of
several outputs, or the `Operation` when it has no outputs.
"""

from __future__ import annotations

import inspect
import re
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from minitf.framework import dtypes, errors, tensor_shape

if TYPE_CHECKING:
    from minitf.framework.operation import Operation

F = TypeVar("F", bound=Callable[..., Any])

# Named sets of dtypes, as attribute constraints. minitf computes with what numpy has.
TYPE_SETS: dict[str, tuple[dtypes.DType, ...]] = {
    "type": (),
    "float": (dtypes.float16, dtypes.float32, dtypes.float64),
    "integer": dtypes._INTEGER,
    "complex": (dtypes.complex64, dtypes.complex128),
    "index": (dtypes.int32, dtypes.int64),
}
TYPE_SETS["realnumber"] = TYPE_SETS["float"] + TYPE_SETS["integer"]
TYPE_SETS["number"] = TYPE_SETS["realnumber"] + TYPE_SETS["complex"]
TYPE_SETS["inexact"] = TYPE_SETS["float"] + TYPE_SETS["complex"]

_ATTR_KINDS = ("int", "float", "bool", "string", "shape", "tensor")


class ArgDef:
    """One input or output of a declaration: `values: N * T`, `ref: &T`, `axis: int32`."""

    __slots__ = ("is_list", "is_ref", "name", "number_attr", "type", "type_attr", "type_list_attr")

    def __init__(self, text: str, attrs: dict[str, AttrDef]) -> None:
        name, _, kind = (part.strip() for part in text.partition(":"))
        self.name = name
        self.is_ref = kind.startswith("&")
        kind = kind.lstrip("&").strip()
        self.number_attr = ""
        if "*" in kind:
            self.number_attr, kind = (part.strip() for part in kind.split("*"))
        self.type: dtypes.DType | None = None
        self.type_attr = self.type_list_attr = ""
        if kind in attrs and attrs[kind].is_list:
            self.type_list_attr = kind
        elif kind in attrs:
            self.type_attr = kind
        else:
            self.type = dtypes.as_dtype(kind)
        self.is_list = bool(self.number_attr or self.type_list_attr)


class AttrDef:
    """One attribute of a declaration: `padding: {"SAME", "VALID"}`, `strides: list(int)`.

    `T: realnumber` and `T: {float32, float64}` are dtypes from a set; `= value` gives a default.
    `alpha: float = 0.2` is a number, for its default is one; `color: tensor = uint8 255 0 0` has
    a vector for its default.
    """

    __slots__ = ("allowed", "default", "has_default", "is_list", "kind", "minimum", "name")

    def __init__(self, text: str) -> None:
        head, _, default = (part.strip() for part in text.partition("="))
        name, _, kind = (part.strip() for part in head.partition(":"))
        self.name = name
        self.minimum = 0
        if " >" in kind:
            kind, _, least = (part.strip() for part in kind.partition(" >"))
            self.minimum = int(least)
        self.is_list = kind.startswith("list(")
        kind = kind[5:-1] if self.is_list else kind
        self.allowed: tuple[Any, ...] = ()
        if kind.startswith("{"):
            choices = [choice.strip() for choice in kind[1:-1].split(",")]
            if choices[0].startswith('"'):
                kind, self.allowed = "string", tuple(choice.strip('"') for choice in choices)
            else:
                kind, self.allowed = "type", tuple(dtypes.as_dtype(choice) for choice in choices)
        elif kind in TYPE_SETS and not _is_number(default):
            kind, self.allowed = "type", TYPE_SETS[kind]
        elif kind not in _ATTR_KINDS:
            raise errors.value_error(f"Attribute {name!r} has no known kind: {kind!r}")
        self.kind = kind
        self.has_default = bool(default)
        self.default = self._parse_default(default) if default else None

    def _parse_default(self, text: str) -> Any:
        if self.is_list:
            inside = text.strip("[]").strip()
            return [self._parse_one(part.strip()) for part in inside.split(",")] if inside else []
        return self._parse_one(text)

    def _parse_one(self, text: str) -> Any:
        if self.kind == "type":
            return dtypes.as_dtype(text)
        if self.kind == "bool":
            return text == "true"
        if self.kind == "string":
            return text.strip('"')
        if self.kind == "shape":
            return tensor_shape.unknown_shape()
        if self.kind == "tensor":
            dtype, *elements = text.split()
            return np.array(elements, dtype)
        # Float attributes are stored in 32 bits: what another program reads is what runs here.
        return int(text) if self.kind == "int" else float(np.float32(text))


def _is_number(text: str) -> bool:
    """Tells `alpha: float = 0.2` from `dtype: float = float32`."""
    return bool(re.fullmatch(r"[-+.\de]+", text))


class OpDef:
    """A declared op type with everything that belongs to it.

    Attributes:
      name: TensorFlow's name of the op type, such as "MatMul".
      signature: the declaration of inputs and outputs as it was written.
      inputs, outputs: the signature, as `ArgDef`s.
      attrs: the attributes by name, as `AttrDef`s.
      takes_references, takes_lists: whether an input is a reference, or a list of tensors.
      inferred_attrs: the attributes that the inputs decide.
      result_type: the named tuple of several outputs; None for fewer than two.
      stateful: running it twice may give two results or change something: never folded or merged.
      elementwise: the kernel is an expression of one element of each (broadcast) input, written
        so that it holds for arrays and, compiled, for scalars; chains of such ops can be fused.
      aliases: its output may share memory with its first input.
      commutative: `f(x, y)` is `f(y, x)`.
      foldable: its value may be computed ahead of the run when its inputs are constants. False
        for control flow, and where a session may feed another value.
      passes_on: its output is its first input, as it is: a node that only the graph needs.
      passes_on_same_shape: so it is where the output has that input's shape (Reshape to the shape
        that an array has; Sum over no axis, or over one of size 1).
      fills: the number that its output, of the first input's shape, consists of; else None.
      adds_up: it adds up its first input over the axes that its second says: "sum", or "mean" where
        it divides by their number; axes stay with size 1 if the attribute keep_dims says so.
      neutral: by input name, the number that as this input gives the other one back, exactly.
      sweep: a context in which the kernel puts off what it does to the arrays of variables, to the
        context's end: there, what several kernels have put off is done in one sweep over memory.
        Its last input but for scalars, the gradient, may then come in parts; see `in_parts`.
      may_wait: its kernel may wait for what another run does: see `framework.waiting`.
      feeds_waiters: ops that `may_wait` can be waiting for what it does: where one run does both,
        it goes first.
      is_control_flow: it may make its outputs dead (Switch) or run with a dead input (Merge).
      is_merge: one living input is enough to run it.
    """

    apply: ClassVar[Callable[[OpDef, tuple[Any, ...], dict[str, Any], str | None], Any]]
    """Builds a node. The module `apply_op`, which knows graphs as this one does not, puts it here.
    """

    def __init__(
        self,
        signature: str,
        *attrs: str,
        stateful: bool = False,
        elementwise: bool = False,
        aliases: bool = False,
        commutative: bool = False,
        foldable: bool = True,
        passes_on: bool = False,
        passes_on_same_shape: bool = False,
        fills: int | None = None,
        adds_up: str = "",
        neutral: dict[str, float] | None = None,
        sweep: Callable[[], AbstractContextManager[None]] | None = None,
        may_wait: bool = False,
        feeds_waiters: bool = False,
        is_control_flow: bool = False,
        is_merge: bool = False,
        shape: Callable[[Operation], Any] | None = None,
    ) -> None:
        head, _, outputs = signature.partition("->")
        self.name, _, self._inputs_text = head.strip().rstrip(")").partition("(")
        self._outputs_text = outputs.strip().strip("()")
        self._attr_texts = attrs
        self.signature = signature
        self.stateful = stateful
        self.elementwise = elementwise
        self.aliases = aliases
        self.commutative = commutative
        self.foldable = foldable and not is_control_flow
        self.passes_on = passes_on
        self.passes_on_same_shape = passes_on_same_shape
        self.fills = fills
        self.adds_up = adds_up
        self.neutral = neutral or {}
        self.sweep = sweep
        self.may_wait = may_wait
        self.feeds_waiters = feeds_waiters
        self.is_control_flow = is_control_flow
        self.is_merge = is_merge
        self.shape_fn = shape
        self.kernel_fn: Callable[..., Any] | None = None
        self.kernel_takes_context = False
        self.kernel_takes_out = False
        self.gradient_fn: Callable[..., Any] | None = None
        self.differentiable: bool | None = None  # None: nobody has said
        self.refuses_gradients = False
        self.parts_fn: Callable[..., Any] | None = None
        self.constant_fn: Callable[[Operation], Any] | None = None
        self.partial_fn: Callable[[Operation], Any] | None = None

    # What was declared is read when it is first asked for: most programs use few of all ops.

    @cached_property
    def attrs(self) -> dict[str, AttrDef]:
        return {attr.name: attr for attr in map(AttrDef, self._attr_texts)}

    @cached_property
    def inputs(self) -> list[ArgDef]:
        return [ArgDef(part, self.attrs) for part in _split(self._inputs_text)]

    @cached_property
    def outputs(self) -> list[ArgDef]:
        return [ArgDef(part, self.attrs) for part in _split(self._outputs_text)]

    @cached_property
    def takes_references(self) -> bool:
        return any(arg.is_ref for arg in self.inputs)

    @cached_property
    def takes_lists(self) -> bool:
        return any(arg.is_list for arg in self.inputs)

    @cached_property
    def inferred_attrs(self) -> frozenset[str]:
        found = ((arg.type_attr, arg.number_attr, arg.type_list_attr) for arg in self.inputs)
        return frozenset(attr for attrs in found for attr in attrs if attr)

    @cached_property
    def result_type(self) -> Any:
        fields = [arg.name for arg in self.outputs]
        return namedtuple(self.name, fields, rename=True) if len(fields) > 1 else None

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def ref_inputs(self, count: int) -> list[bool]:
        """For each of a node's `count` input tensors, whether a reference is wanted."""
        fixed = [arg.is_ref for arg in self.inputs]
        if len(fixed) == count and not self.takes_lists:
            return fixed
        # A list input has any number of tensors; no declaration mixes lists and references.
        return [bool(self.inputs) and self.inputs[0].is_ref] * count

    def __call__(self, *inputs: Any, name: str | None = None, **attrs: Any) -> Any:
        return self.apply(inputs, attrs, name)

    def shape(self, function: F) -> F:
        """Declares the shape rule: `(op) -> [shape of each output]`, given static input shapes.

        The rule raises ValueError, saying what does not fit, when no result could exist.
        """
        self.shape_fn = function
        return function

    def kernel(self, function: F) -> F:
        """Declares the kernel: arrays in, array (or tuple of arrays) out.

        Attributes that the function names as keyword-only parameters are passed to it; if its
        first parameter is named `ctx`, so is a `KernelContext`. A list input `N * T` is passed
        as its N arrays, so that `(*values, axis)` reads as in the declaration.

        A keyword-only parameter `out` (with the default None) is an array of the result's shape
        and dtype to put the result into and return, from a caller who has planned its memory; a
        kernel with several outputs takes a tuple of arrays, or of None.
        """
        self.kernel_fn = function
        parameters = list(inspect.signature(function).parameters.values())
        self.kernel_takes_context = bool(parameters) and parameters[0].name == "ctx"
        keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
        self.kernel_takes_out = "out" in keywords
        self._kernel_attrs = [name for name in keywords if name != "out"]
        return function

    def in_parts(self, function: F) -> F:
        """Declares how the result can be made part by part, by whoever passes over it once.

        `(*inputs, **attributes) -> object or None`, with the attributes that the kernel takes: what
        makes the parts, where that gives the kernel's numbers and is faster. Before the run it is
        asked with inputs that have the right shapes and dtypes, and any numbers.
        """
        self.parts_fn = function
        return function

    def gradient(self, function: F) -> F:
        """Declares the gradient: `(op, *output_grads) -> input grads`, built from other ops.

        One value may be returned bare; None stands for an input that gets no gradient. Where there
        are several, each may be given as a function that builds it: it is called only if the
        gradient by this input is asked for, so that none is built for a mere constant.
        """
        self.gradient_fn = function
        self.differentiable = True
        return function

    def not_differentiable(self) -> None:
        """Declares that no gradient flows through: a path through this op counts as none."""
        self.differentiable = False

    def refuse_gradients(self) -> None:
        """Declares that a gradient that arrives here is an error, until a user registers a rule.

        So it is in TensorFlow for ops of which nobody said either of the two things above.
        """
        self.refuses_gradients = True

    def constant_value(self, function: F) -> F:
        """Declares how the output's value can be known when the graph is built.

        `(op) -> array or None`; ops that are cheap and pure need none: their kernel is run.
        """
        self.constant_fn = function
        return function

    def partial_shape_value(self, function: F) -> F:
        """Declares what is known of an integer vector that stands for a shape.

        `(op) -> TensorShape`; this is what lets `tf.reshape(x, [tf.shape(y)[0], 10])` have the
        static shape `(?, 10)`.
        """
        self.partial_fn = function
        return function

    def bind_kernel(self, attrs: dict[str, Any], ctx: Any = None) -> Callable[..., Any]:
        """The kernel with a node's attributes (and its context) filled in: arrays in and out."""
        if self.kernel_fn is None:
            raise NotImplementedError(f"Op type {self.name!r} has no kernel in minitf.")
        keywords = {name: attrs[name] for name in self._kernel_attrs}
        if self.kernel_takes_context:
            return partial(self.kernel_fn, ctx, **keywords)
        return partial(self.kernel_fn, **keywords) if keywords else self.kernel_fn

    def bind_parts(self, attrs: dict[str, Any]) -> Callable[..., Any] | None:
        """What was declared by `in_parts`, with a node's attributes filled in; None if nothing."""
        keywords = {name: attrs[name] for name in self._kernel_attrs}
        return self.parts_fn and partial(self.parts_fn, **keywords)


def _split(text: str) -> list[str]:
    return [part for part in (p.strip() for p in text.split(",")) if part]


_REGISTRY: dict[str, OpDef] = {}
_SIGNATURE = re.compile(r"^\w+\([^()]*\)( -> \([^()]*\))?$")


def op_def(signature: str, *attrs: str, **traits: Any) -> OpDef:
    """Declares an op type and registers it; see this module's docstring.

    Args:
      signature: `"Name(input: type, ...) -> (output: type, ...)"`.
      *attrs: one text per attribute: `"name: kind"` or `"name: kind = default"`.
      **traits: see `OpDef`.

    Raises:
      ValueError: if the signature cannot be read or the name is taken.
    """
    if not _SIGNATURE.match(signature):
        raise errors.value_error(f"Cannot read the op signature {signature!r}")
    declared = OpDef(signature, *attrs, **traits)
    if declared.name in _REGISTRY:
        raise errors.value_error(f"Op type {declared.name!r} is declared twice.")
    _REGISTRY[declared.name] = declared
    return declared


def get(name: str) -> OpDef:
    """The declaration of an op type.

    Raises:
      KeyError: if minitf has no op of this type; the message names the nearest ones.
    """
    try:
        return _REGISTRY[name]
    except KeyError:
        import difflib

        near = difflib.get_close_matches(name, _REGISTRY, n=3)
        hint = f" The nearest names are {', '.join(near)}." if near else ""
        raise errors.key_error(
            f"minitf has no op of type {name!r}.{hint}", see="names-that-are-not-there"
        ) from None


def find(name: str) -> OpDef | None:
    """The declaration of an op type, or None if minitf has no such op."""
    return _REGISTRY.get(name)


def all_ops() -> Iterator[OpDef]:
    """Every declared op, by name."""
    return iter([_REGISTRY[name] for name in sorted(_REGISTRY)])


def unchanged(op: Operation) -> list[tensor_shape.TensorShape]:
    """The shape rule of ops whose outputs have their first input's shape."""
    shape = op.inputs[0].shape
    return [shape] * len(op.op_def.outputs)


def broadcast(op: Operation) -> list[tensor_shape.TensorShape]:
    """The shape rule of ops that broadcast all inputs against one another."""
    shape = op.inputs[0].shape
    for other in op.inputs[1:]:
        shape = tensor_shape.broadcast_shape(shape, other.shape)
    return [shape] * len(op.op_def.outputs)


def alike(op: Operation) -> list[tensor_shape.TensorShape]:
    """The shape rule of ops whose inputs and outputs all have one shape."""
    shape = op.inputs[0].shape
    for other in op.inputs[1:]:
        shape = shape.merge_with(other.shape)
    return [shape] * len(op.op_def.outputs)


def scalars(op: Operation) -> list[tensor_shape.TensorShape]:
    """The shape rule of ops whose outputs are scalars."""
    return [tensor_shape.SCALAR] * len(op.op_def.outputs)


def unknown(op: Operation) -> list[tensor_shape.TensorShape]:
    """The shape rule of ops of which nothing can be said."""
    return [tensor_shape.unknown_shape()] * len(op.op_def.outputs)
