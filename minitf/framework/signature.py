"""With this module one can hold a node's inputs and outputs against the declaration of its op.

The nodes that op functions build fit by construction (`apply_op`); those of a file need not.
"""

from __future__ import annotations

from typing import Any

from minitf.framework import dtypes, protos
from minitf.framework.attr_value import AttrError
from minitf.framework.op_def import ArgDef, OpDef
from minitf.framework.tensor import Tensor


def check_inputs(op_def: OpDef, attrs: dict[str, Any], inputs: list[Tensor], name: str) -> None:
    """Checks how many inputs a node has, and of what dtypes.

    Args:
      op_def: the declaration.
      attrs: the node's attributes, checked.
      inputs: the tensors that it takes.
      name: the node's name, for the message.

    Raises:
      AttrError: if they are not those that the declaration and the attributes ask for.
    """
    declared = op_def.inputs
    if op_def.takes_lists:
        counts = [_count(arg, attrs) for arg in declared]
        if sum(counts) != len(inputs):
            raise AttrError(_wrong_number(op_def, attrs, inputs))
        position = 0
        for arg, count in zip(declared, counts, strict=True):
            types = attrs[arg.type_list_attr] if arg.type_list_attr else None
            for i in range(count):
                wanted = types[i] if types is not None else arg.type or attrs[arg.type_attr]
                _check_dtype(inputs[position], arg, wanted, position, name)
                position += 1
        return
    if len(declared) != len(inputs):
        raise AttrError(_wrong_number(op_def, attrs, inputs))
    for position, arg in enumerate(declared):
        wanted = arg.type if arg.type is not None else attrs[arg.type_attr]
        _check_dtype(inputs[position], arg, wanted, position, name)


def _count(arg: ArgDef, attrs: dict[str, Any]) -> int:
    """How many tensors an argument stands for."""
    if arg.type_list_attr:
        return len(attrs[arg.type_list_attr])
    if not arg.number_attr:
        return 1
    count: int = attrs[arg.number_attr]
    if count < 0:
        raise AttrError(f"Value for attr '{arg.number_attr}' of {count} must be at least minimum 0")
    return count


def _check_dtype(
    tensor: Tensor, arg: ArgDef, wanted: dtypes.DType, position: int, name: str
) -> None:
    dtype = tensor._dtype
    if dtype is wanted and not arg.is_ref:
        return
    if dtype.base_dtype is not wanted or (arg.is_ref and not dtype._is_ref_dtype):
        expected = protos.data_type_name(wanted.as_datatype_enum)
        given = protos.data_type_name(dtype.as_datatype_enum)
        raise AttrError(
            f"Input {position} of node {name} was passed {given} from {tensor.name} incompatible "
            f"with expected {expected}{'_ref' if arg.is_ref else ''}."
        )


def _wrong_number(op_def: OpDef, attrs: dict[str, Any], inputs: list[Tensor]) -> str:
    wanted = []
    for arg in op_def.inputs:
        if arg.type_list_attr:
            wanted += [dtype.name for dtype in attrs[arg.type_list_attr][:10]]
            continue
        dtype = (arg.type or attrs[arg.type_attr]).name
        wanted.append(f"{attrs[arg.number_attr]} * {dtype}" if arg.number_attr else dtype)
    return (
        f"NodeDef expected inputs '{', '.join(wanted)}' do not match {len(inputs)} inputs specified"
    )


def output_types(op_def: OpDef, attrs: dict[str, Any], most: int) -> list[dtypes.DType]:
    """The dtypes of a node's outputs.

    Args:
      op_def: the declaration.
      attrs: the node's attributes, checked.
      most: how many outputs are believed.

    Raises:
      AttrError: if there are more, or a negative number.
    """
    types: list[dtypes.DType] = []
    for arg in op_def.outputs:
        count = _count(arg, attrs)
        if count > most:
            raise AttrError(f"Number of outputs is too big: {count}")
        if arg.type_list_attr:
            types += attrs[arg.type_list_attr]
            continue
        dtype = arg.type if arg.type is not None else attrs[arg.type_attr]
        types += [dtype._as_ref if arg.is_ref else dtype] * count
    return types
