"""Device strings: what they say, how they merge; checked against what TensorFlow 2.21 answers."""

from __future__ import annotations

import pytest

import minitf as tf
from minitf.framework.device import DeviceSpec, canonical_name


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("/cpu:0", "/device:CPU:0"),
        ("/job:ps/task:1/cpu:*", "/job:ps/task:1/device:CPU:*"),
        ("/device:GPU:3", "/device:GPU:3"),
        ("/CPU", "/device:CPU:*"),
        ("cpu:0", "/device:CPU:0"),
        ("/job:a/replica:0/task:1/device:CPU:0", "/job:a/replica:0/task:1/device:CPU:0"),
        ("", ""),
    ],
)
def test_canonical_names(text: str, canonical: str) -> None:
    assert canonical_name(text) == canonical
    assert DeviceSpec.from_string(canonical).to_string() == canonical


@pytest.mark.parametrize("text", ["/device:cpu", "/foo:1", "/job", "/task:x", "/job:a/job:b/cpu:x"])
def test_what_is_no_device(text: str) -> None:
    with pytest.raises(ValueError, match="Unknown part"):
        DeviceSpec.from_string(text)


def test_two_types_of_devices() -> None:
    with pytest.raises(ValueError, match="Multiple device types"):
        DeviceSpec.from_string("/cpu:0/gpu:1")


def test_merging_and_replacing() -> None:
    spec = DeviceSpec.from_string("/job:ps/cpu:0")
    assert spec.make_merged_spec(DeviceSpec(task=3)).to_string() == "/job:ps/task:3/device:CPU:0"
    spec.merge_from(DeviceSpec(job="worker", task=1))
    assert spec == DeviceSpec.from_string("/job:worker/task:1/cpu:0")
    assert spec.replace(task=None).to_string() == "/job:worker/device:CPU:0"
    assert spec.parse_from_string("/gpu:1").to_string() == "/device:GPU:1"
    with pytest.raises(TypeError, match="no part"):
        spec.replace(rack=1)


def test_a_spec_matches_what_it_leaves_open() -> None:
    full = DeviceSpec.from_string("/job:ps/replica:0/task:1/device:CPU:0")
    assert DeviceSpec.from_string("/job:ps").matches(full)
    assert DeviceSpec.from_string("/job:ps/cpu:*").matches(full)
    assert not DeviceSpec.from_string("/job:ps/task:0").matches(full)


def test_blocks_merge_from_the_inside() -> None:
    with tf.device("/job:ps/task:1/cpu:0"), tf.device("/task:2"):
        assert tf.constant(1.0).op.device == "/job:ps/task:2/device:CPU:0"
        with tf.device(None):
            assert tf.constant(1.0).op.device == ""
