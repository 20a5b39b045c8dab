"""With this module bytes are copied and summed in one pass: the checksum is that of the copy.

A variable may be changed by another thread while it is saved. What is written then is the copy, so
that the checkpoint is whole, with values of some moment.

>>> import numpy as np
>>> copy = np.zeros(9, np.uint8)
>>> hex(copied(np.frombuffer(b"123456789", np.uint8), copy)), copy.tobytes()
('0xe3069283', b'123456789')
"""

from __future__ import annotations

from typing import Any

from minitf.kernels.crc32c import crc32c, joined
from minitf.kernels.parallel import parallel_for

# What one thread copies at a time: it is still in a cache when its checksum is computed.
_BLOCK = 1 << 20


def copied(source: Any, target: Any) -> int:
    """Copies bytes, several threads a block each.

    Returns:
      The checksum of the copy; what the copy was made of may be changed meanwhile.
    """
    starts = range(0, len(source), _BLOCK)
    parts = [0] * len(starts)

    def block(index: int) -> None:
        start, end = starts[index], starts[index] + _BLOCK
        target[start:end] = source[start:end]
        parts[index] = crc32c(target[start:end])

    parallel_for(len(starts), block)
    crc = 0
    for part, start in zip(parts, starts, strict=True):
        crc = joined(crc, part, min(_BLOCK, len(source) - start))
    return crc
