"""With this module a server decides what graphs that come from elsewhere may do on its machine.

Only ops that minitf has are ever run, and their kernels compute. A few reach further, to Python
functions and to files:

- `py_func`: its function is in the process that built the graph, and nowhere else. Refused.
- checkpoints (Save, Restore): they read and write only files in the checkpoints' own format, under
  their own names. Allowed in the folder that the server was started in and in the one for temporary
  files, so that scripts that shard a checkpoint over parameter servers run unchanged, and in the
  folders that the server's owner allows.
- any other file: only in folders that the server's owner allows, with
  `tf.train.Server(..., allow_files=["/data"])` or the variable `MINITF_ALLOW_FILES`.

A session of the server's own process is its owner: it may do all.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation

# By op type, which inputs are the names of files.
CHECKPOINT_OPS = {
    "SaveV2": (0,),
    "RestoreV2": (0,),
    "MergeV2Checkpoints": (0, 1),
    "Save": (0,),
    "SaveSlices": (0,),
    "Restore": (0,),
    "RestoreSlice": (0,),
}
FILE_OPS = {"ReadFile": (0,), "WriteFile": (0,), "MatchingFiles": (0,)}
REFUSED_OPS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})


class Permissions:
    """What a server allows.

    Args:
      folders: where any file may be read and written; None for those that the environment names.
    """

    def __init__(self, folders: Iterable[str] | None = None) -> None:
        if folders is None:
            folders = filter(None, os.environ.get("MINITF_ALLOW_FILES", "").split(os.pathsep))
        self.folders = [os.path.realpath(folder) for folder in folders]
        self.checkpoint_folders = [
            *self.folders,
            os.path.realpath(os.getcwd()),
            os.path.realpath(tempfile.gettempdir()),
        ]

    def check(self, graph: Graph) -> None:
        """Refuses a graph with a node that may not run here.

        Raises:
          PermissionDeniedError: it names the node.
        """
        for op in graph.get_operations():
            if op.type in REFUSED_OPS:
                raise errors.PermissionDeniedError(
                    None,
                    op,
                    errors.report(
                        f"A server does not call Python functions of others: {op.name!r} is a "
                        "tf.py_func.",
                        op=op,
                        do="place it on the task of the process that builds the graph, with "
                        "tf.device.",
                    ),
                )

    def guard(self, op: Operation, kernel: Callable[..., Any]) -> Callable[..., Any]:
        """A kernel that refuses the names of files in other folders."""
        if op.type in CHECKPOINT_OPS:
            return self._guarded(op, kernel, CHECKPOINT_OPS[op.type], self.checkpoint_folders)
        if op.type in FILE_OPS:
            return self._guarded(op, kernel, FILE_OPS[op.type], self.folders)
        return kernel

    def _guarded(
        self,
        op: Operation,
        kernel: Callable[..., Any],
        positions: Sequence[int],
        folders: Sequence[str],
    ) -> Callable[..., Any]:
        def guarded(*inputs: Any) -> Any:
            for position in positions:
                for name in np.asarray(inputs[position], object).reshape(-1):
                    path = os.path.realpath(name if isinstance(name, str) else name.decode())
                    if not any(is_inside(path, folder) for folder in folders):
                        raise _denied(op, path, folders)
            return kernel(*inputs)

        return guarded


def is_inside(path: str, folder: str) -> bool:
    """Whether a path, without links in it, is in a folder or below."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _denied(op: Operation, path: str, folders: Sequence[str]) -> errors.OpError:
    allowed = ", ".join(folders) or "none"
    return errors.PermissionDeniedError(
        None,
        None,
        f"This server does not let the graphs of others use the file {path!r} (in {op.type}); the "
        f"folders that it allows: {allowed}. Start it with tf.train.Server(..., "
        "allow_files=[folder]) or with MINITF_ALLOW_FILES.",
    )
