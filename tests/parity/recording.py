"""What TensorFlow was observed to do, kept in `tests/golden`: two files for each family.

`<family>.json` holds nodes and errors as text, so that a change shows in a diff; `<family>.npz` the
values, whose bytes stand one after another in a single array.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity.harness import Family, Observed

GOLDEN = Path(__file__).parents[1] / "golden"


def write(family: Family, observations: dict[str, Observed]) -> None:
    """Keeps what the cases of a family came to."""
    text = {
        name: {key: part for key in ("nodes", "errors") if (part := getattr(seen, key))}
        for name, seen in observations.items()
    }
    (GOLDEN / f"{family.name}.json").write_text(json.dumps(text, indent=0) + "\n")
    index: dict[str, Any] = {}
    chunks: list[bytes] = []
    for name, seen in observations.items():
        entries = index.setdefault(name, {})
        for key, value in seen.values.items():
            entry = [value.dtype.str, list(value.shape), seen.shapes[key]]
            if value.dtype == object or value.dtype.kind == "S":
                entry.append([text.decode("latin-1") for text in value.reshape(-1).tolist()])
            else:
                chunks.append(np.ascontiguousarray(value).tobytes())
            entries[key] = entry
    np.savez_compressed(
        GOLDEN / f"{family.name}.npz",
        index=np.frombuffer(json.dumps(index).encode(), np.uint8),
        data=np.frombuffer(b"".join(chunks), np.uint8),
    )


def read(family: str) -> dict[str, Observed]:
    """What the cases of a family came to when they were recorded; nothing if they never were."""
    path = GOLDEN / f"{family}.json"
    if not path.exists():
        return {}
    found = {name: Observed(**parts) for name, parts in json.loads(path.read_text()).items()}
    with np.load(GOLDEN / f"{family}.npz") as arrays:
        index, data = json.loads(arrays["index"].tobytes()), arrays["data"].tobytes()
    position = 0
    for name, entries in index.items():
        for key, (dtype, kept, shape, *text) in entries.items():
            if text:
                value = np.array([item.encode("latin-1") for item in text[0]], object)
            else:
                size = int(np.prod(kept, dtype=np.int64))
                value = np.frombuffer(data, dtype, size, position)
                position += value.nbytes
            found[name].values[key] = value.reshape(kept)
            found[name].shapes[key] = shape
    return found
