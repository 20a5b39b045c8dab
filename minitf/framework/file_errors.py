"""With this module the system's errors about files become TensorFlow's, with the path in them.

>>> import os
>>> import minitf as tf
>>> try:
...     with as_tensorflow_errors("no/such/file"):
...         os.stat("no/such/file")
... except tf.errors.NotFoundError as error:
...     print(error)
no/such/file; No such file or directory
  see: docs/errors.md#notfounderror
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from minitf.framework import errors

_ERROR_BY_ERRNO: dict[int, type[errors.OpError]] = {
    errno.ENOENT: errors.NotFoundError,
    errno.EEXIST: errors.AlreadyExistsError,
    errno.EACCES: errors.PermissionDeniedError,
    errno.EPERM: errors.PermissionDeniedError,
    errno.EROFS: errors.PermissionDeniedError,
    errno.EISDIR: errors.FailedPreconditionError,
    errno.ENOTDIR: errors.FailedPreconditionError,
    errno.ENOTEMPTY: errors.FailedPreconditionError,
    errno.EBUSY: errors.UnavailableError,
    errno.EINVAL: errors.InvalidArgumentError,
    errno.ENAMETOOLONG: errors.InvalidArgumentError,
    errno.ENOSPC: errors.ResourceExhaustedError,
    errno.EDQUOT: errors.ResourceExhaustedError,
    errno.EMFILE: errors.ResourceExhaustedError,
}


@contextlib.contextmanager
def as_tensorflow_errors(path: str, advice: str = "") -> Iterator[None]:
    """Turns the system's error about a path into TensorFlow's class for it.

    Args:
      path: what the message begins with.
      advice: what it ends with, if there is more to say than what happened.
    """
    try:
        yield
    except OSError as error:
        cls = _ERROR_BY_ERRNO.get(error.errno or 0, errors.UnknownError)
        message = f"{path}; {error.strerror or error}" + (f"\n  {advice}" if advice else "")
        raise cls(None, None, message) from error
