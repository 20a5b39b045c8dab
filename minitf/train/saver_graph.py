"""With this module a graph gets the nodes that save and restore variables.

    save/Const (the prefix) --> save/SaveV2 (all variables) --> save/control_dependency
    save/Const --> save/RestoreV2 --> save/Assign, save/Assign_1 ... --> save/restore_all

Names and wiring are TensorFlow's, so that a graph that either wrote is restored by the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minitf.framework import errors, protos
from minitf.framework.device import DeviceSpec
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.framework.scopes import control_dependencies, device, name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops, constant_op, control_flow_ops, io_ops, state_ops, string_ops
from minitf.ops.variables import Variable


@dataclass(frozen=True)
class SaveSpec:
    """One tensor to save.

    Attributes:
      tensor: the tensor.
      slice_spec: which part of a larger tensor it is, as in `checkpoint.slices`; "" for a whole.
      name: its name in the checkpoint.
      dtype: what is restored; the tensor's if None.
    """

    tensor: Tensor
    slice_spec: str
    name: str
    dtype: Any = None


class SaveableObject:
    """Something that is saved as one or several tensors, and knows how to take them back.

    What is in the collection `GraphKeys.SAVEABLE_OBJECTS` is saved beside the variables.

    Args:
      op: what it belongs to.
      specs: the tensors.
      name: its name; checkpoints are ordered by it.
    """

    def __init__(self, op: Any, specs: Sequence[SaveSpec], name: str) -> None:
        self.op = op
        self.specs = list(specs)
        self.name = name

    @property
    def device(self) -> str:
        """Where its tensors are."""
        return self.specs[0].tensor.device

    def restore(self, restored_tensors: list[Tensor], restored_shapes: list[Any] | None) -> Any:
        """Builds the operation that takes the values back.

        Args:
          restored_tensors: a tensor for each spec.
          restored_shapes: what they are to be reshaped to, or None to take them as they are.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it is restored")


class _SaveableVariable(SaveableObject):
    """A variable, or a part of one."""

    def __init__(self, ref: Tensor, slice_spec: str, name: str, value: Tensor) -> None:
        super().__init__(ref, [SaveSpec(value, slice_spec, name)], name)

    def restore(self, restored_tensors: list[Tensor], restored_shapes: list[Any] | None) -> Any:
        (value,) = restored_tensors
        if restored_shapes is not None:
            value = array_ops.reshape(value, restored_shapes[0])
        known = self.op.shape.is_fully_defined()
        return state_ops.assign(self.op, value, validate_shape=restored_shapes is None and known)


def saveables(var_list: Any) -> list[SaveableObject]:
    """What is to be saved, ordered by name.

    Args:
      var_list: a list of variables, or of `SaveableObject`s; or a dictionary to these from names.

    Raises:
      TypeError: if one is no variable.
      ValueError: if two have one name, or one has two.
    """
    named = var_list if isinstance(var_list, Mapping) else _by_name(var_list)
    found: list[SaveableObject] = []
    seen: dict[Any, str] = {}
    for name in sorted(named):
        if not isinstance(name, str):
            raise errors.type_error(
                f"names_to_saveables must be a dict mapping string names: {name!r}",
                see="checkpoints",
            )
        for item in named[name] if isinstance(named[name], list) else [named[name]]:
            made = _saveable(name, item)
            if made.op in seen:
                raise errors.value_error(
                    f"The same saveable will be restored with two names: {name} and "
                    f"{seen[made.op]}",
                    see="checkpoints",
                )
            seen[made.op] = name
            found.append(made)
    return found


def _by_name(var_list: Any) -> dict[str, Any]:
    if not isinstance(var_list, (list, tuple, set)):
        raise errors.type_error(
            f"Variables to save should be passed in a dict or a list: {var_list}",
            see="checkpoints",
        )
    named: dict[str, Any] = {}
    for item in sorted(var_list, key=_name_of) if isinstance(var_list, set) else var_list:
        part = getattr(item, "_save_slice_info", None)
        if part is not None:
            named.setdefault(part.full_name, []).append(item)
            continue
        name = _name_of(item)
        if name in named:
            raise errors.value_error(
                f"At least two variables have the same name: {name}", see="checkpoints"
            )
        named[name] = item
    return named


def _name_of(item: Any) -> str:
    if isinstance(item, SaveableObject):
        return item.name
    return str(_reference(item).op.name)


def _reference(item: Any) -> Tensor:
    """A variable's reference."""
    ref = item._ref() if isinstance(item, Variable) else item
    if not isinstance(ref, Tensor) or not ref.dtype._is_ref_dtype:
        raise errors.type_error(f"Variable to save is not a Variable: {item}", see="checkpoints")
    return ref


def _saveable(name: str, item: Any) -> SaveableObject:
    if isinstance(item, SaveableObject):
        return item
    ref, part = _reference(item), getattr(item, "_save_slice_info", None)
    if part is None:
        return _SaveableVariable(ref, "", name, ref)
    return _SaveableVariable(ref, part.spec, name, item.value())


# ---- nodes


def build(
    var_list: Any,
    *,
    name: str | None,
    filename: str | None,
    reshape: bool,
    sharded: bool,
    max_to_keep: int | None,
    keep_checkpoint_every_n_hours: float,
) -> Any:
    """Adds the nodes to the default graph.

    Returns:
      A `SaverDef`, which names them.
    """
    items = saveables(var_list)
    if max_to_keep is None:
        max_to_keep = 0
    with name_scope(name, "save", [item.op for item in items]):
        given = array_ops.placeholder_with_default(filename or "model", [], name="filename")
        prefix = array_ops.placeholder_with_default(given, [], name="Const")
        if sharded:
            groups = _by_device(items)
            saved = _save_shards(prefix, groups)
            restored = _restore_shards(prefix, groups, reshape)
        else:
            saved = _save(prefix, items)
            restored = _restore(prefix, items, reshape, "restore_all")
    return protos.SaverDef(
        filename_tensor_name=prefix.name,
        save_tensor_name=saved.name,
        restore_op_name=restored.name,
        max_to_keep=max_to_keep,
        sharded=sharded,
        keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours,
        version=protos.SaverDef.V2,
    )


def _specs(items: Sequence[SaveableObject]) -> list[SaveSpec]:
    return [spec for item in items for spec in item.specs]


def _save(prefix: Tensor, items: Sequence[SaveableObject]) -> Any:
    specs = _specs(items)
    save = io_ops.SAVE_V2(
        prefix,
        [spec.name for spec in specs],
        [spec.slice_spec for spec in specs],
        [spec.tensor for spec in specs],
    )
    return control_flow_ops.with_dependencies([save], prefix)


def _restore(
    prefix: Tensor, items: Sequence[SaveableObject], reshape: bool, name: str
) -> Operation:
    specs = _specs(items)
    with device("cpu:0"):
        values = io_ops.RESTORE_V2(
            prefix,
            [spec.name for spec in specs],
            [spec.slice_spec for spec in specs],
            dtypes=[(spec.dtype or spec.tensor.dtype).base_dtype for spec in specs],
        )
    left = list(values)
    assigned = []
    for item in items:
        own, left = left[: len(item.specs)], left[len(item.specs) :]
        shapes = [_shape(spec.tensor) for spec in item.specs] if reshape else None
        assigned.append(item.restore(own, shapes))
    return control_flow_ops.group(*assigned, name=name)


def _shape(tensor: Tensor) -> Any:
    if tensor.shape.is_fully_defined():
        return tensor.shape
    return array_ops.shape(tensor)


# ---- one file per device


def _by_device(items: Sequence[SaveableObject]) -> list[tuple[str, list[SaveableObject]]]:
    groups: dict[str, list[SaveableObject]] = {}
    for item in items:
        groups.setdefault(item.device, []).append(item)
    return sorted(groups.items())


def _cpu_of(of_task: str) -> str:
    """The CPU of the task that a device belongs to."""
    spec = DeviceSpec.from_string(of_task)
    spec.device_type, spec.device_index = "CPU", 0
    return spec.to_string()


def _save_shards(prefix: Tensor, groups: Sequence[tuple[str, list[SaveableObject]]]) -> Tensor:
    """Each device writes its part into a folder of its own; then the parts become one."""
    with device("CPU"):
        in_cloud = string_ops.STATIC_REGEX_FULL_MATCH(prefix, pattern="^s3://.*")
        part, folder = constant_op.constant(".part"), constant_op.constant("_temp/part")
        base = string_ops.string_join([prefix, array_ops.where(in_cloud, part, folder)])
    count = constant_op.constant(len(groups), name="num_shards")
    prefixes, saved = [], []
    for shard, (where, items) in enumerate(groups):
        with device(_cpu_of(where)):
            prefixes.append(io_ops.SHARDED_FILENAME(base, shard, count))
            saved.append(_save(prefixes[-1], items))
    with control_dependencies([each.op for each in saved]), device(_cpu_of(groups[-1][0])):
        merge = io_ops.MERGE_V2_CHECKPOINTS(prefixes, prefix, delete_old_dirs=True)
        with control_dependencies([merge]):
            return array_ops.identity(prefix)


def base_of_parts(graph: Graph, saver_def: Any) -> Tensor | None:
    """The tensor that the names of a sharded checkpoint's parts begin with; None without parts."""
    if not saver_def.sharded:
        return None
    saved = graph.as_graph_element(saver_def.save_tensor_name)
    for merge in (saved.op if isinstance(saved, Tensor) else saved).control_inputs:
        if merge.type == "MergeV2Checkpoints":
            first: Operation = merge.inputs[0].op.inputs[0].op
            return first.inputs[0] if first.type == "ShardedFilename" else None
    return None


def _restore_shards(
    prefix: Tensor, groups: Sequence[tuple[str, list[SaveableObject]]], reshape: bool
) -> Operation:
    restored = []
    for where, items in groups:
        with device(where):
            restored.append(_restore(prefix, items, reshape, "restore_shard"))
    return control_flow_ops.group(*restored, name="restore_all")
