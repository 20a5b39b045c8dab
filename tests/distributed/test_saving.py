"""Two workers that save what is on the servers under one name, at the same time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checkpoint.at_once import save_at_once
from tests.distributed.clusters import cluster_of
from tests.distributed.processes import task


@pytest.mark.parametrize("style", ["plain", "sharded", "numbered sharded"])
def test_workers_save_at_once(style: str, tmp_path: Path) -> None:
    spec = cluster_of(ps=2, worker=2)
    with task(spec, "ps", 0), task(spec, "ps", 1):
        save_at_once(tmp_path, style, json.dumps(spec.as_dict()))
