"""Layers, losses and metrics build TensorFlow's nodes and get TensorFlow's numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

import minitf as tf
from tests.golden.record_layer_graphs import FAMILIES, built, computed

GOLDEN = Path(__file__).parents[1] / "golden"
BUILT = [(family, name) for family, (graphs, _) in FAMILIES.items() for name in graphs]
COMPUTED = [(family, name) for family, (_, values) in FAMILIES.items() for name in values]


@pytest.mark.parametrize(("family", "name"), BUILT)
def test_graph(family, name):
    recorded = json.loads((GOLDEN / f"{family}_graphs.json").read_text())[name]
    lines = built(tf, {name: FAMILIES[family][0][name]})[name]
    assert recorded
    assert lines == recorded


@pytest.mark.parametrize(("family", "name"), COMPUTED)
def test_values(family, name):
    with np.load(GOLDEN / f"{family}_values.npz") as recorded:
        expected = {key: recorded[key] for key in recorded if key.rpartition("_")[0] == name}
    actual = computed(tf, {name: FAMILIES[family][1][name]})
    assert expected and actual.keys() == expected.keys()
    for key, value in actual.items():
        assert value.dtype == expected[key].dtype and value.shape == expected[key].shape
        np.testing.assert_allclose(value, expected[key], rtol=2e-5, atol=1e-7, err_msg=key)
