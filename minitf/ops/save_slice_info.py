"""With this module a variable can say that it is saved as a part of a larger one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minitf.framework import protos


@dataclass(frozen=True)
class SaveSliceInfo:
    """Which part of which tensor of a checkpoint a variable is (mirrors the one of `tf.Variable`).

    Attributes:
      full_name: the name of the tensor.
      full_shape: its shape.
      var_offset: where the part begins.
      var_shape: the part's shape.

    >>> SaveSliceInfo("table", [5, 2], [3, 0], [2, 2]).spec
    '5 2 3,2:0,2'
    """

    full_name: str
    full_shape: Sequence[int]
    var_offset: Sequence[int]
    var_shape: Sequence[int]

    @property
    def spec(self) -> str:
        """The part as the op SaveV2 is told of it."""
        sizes = "".join(f"{size} " for size in self.full_shape)
        extents = zip(self.var_offset, self.var_shape, strict=True)
        return sizes + ":".join(f"{begin},{size}" for begin, size in extents)

    def of_slot(self, name: str) -> SaveSliceInfo:
        """The same part of what an optimizer keeps of the whole."""
        full_name = f"{self.full_name}/{name}"
        return SaveSliceInfo(full_name, self.full_shape, self.var_offset, self.var_shape)

    def to_proto(self, export_scope: str | None = None) -> Any:
        """This as a `SaveSliceInfoDef`; None if it is outside of a scope."""
        scope = f"{export_scope}/" if export_scope else ""
        if not self.full_name.startswith(scope):
            return None
        return protos.SaveSliceInfoDef(
            full_name=self.full_name.removeprefix(scope),
            full_shape=self.full_shape,
            var_offset=self.var_offset,
            var_shape=self.var_shape,
        )

    @classmethod
    def from_proto(cls, message: Any, import_scope: str | None = None) -> SaveSliceInfo:
        """What a `SaveSliceInfoDef` says."""
        scope = f"{import_scope}/" if import_scope else ""
        return cls(
            scope + message.full_name,
            list(message.full_shape),
            list(message.var_offset),
            list(message.var_shape),
        )
