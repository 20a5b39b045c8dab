"""With this module one can say where an op should run: `tf.device("/job:ps/task:0")`."""

from __future__ import annotations

from typing import Any

from minitf.framework import errors

_FIELDS = ("job", "replica", "task", "device_type", "device_index")


class DeviceSpec:
    """The parts of a device string, each of which may be left open (mirrors `tf.DeviceSpec`).

    >>> DeviceSpec.from_string("/job:worker/task:1/cpu:0").to_string()
    '/job:worker/task:1/device:CPU:0'
    """

    __slots__ = _FIELDS

    def __init__(
        self,
        job: str | None = None,
        replica: int | None = None,
        task: int | None = None,
        device_type: str | None = None,
        device_index: int | None = None,
    ) -> None:
        self.job = job
        self.replica = replica
        self.task = task
        self.device_type = device_type
        self.device_index = device_index

    @classmethod
    def from_string(cls, spec: str) -> DeviceSpec:
        """Reads a device string.

        Raises:
          ValueError: if a part of it is not known.
        """
        found = cls()
        for part in filter(None, spec.split("/")):
            key, *values = part.split(":")
            if not key:
                continue
            try:
                if key == "job" and len(values) == 1:
                    found.job = values[0]
                elif key in ("replica", "task") and len(values) == 1:
                    setattr(found, key, int(values[0]))
                elif key == "device" and len(values) == 2:
                    _refuse_second_type(found, spec)
                    found.device_type = values[0] if values[0] == "*" else values[0].upper()
                    found.device_index = _index(values[1])
                elif key.lower() in ("cpu", "gpu") and len(values) <= 1:
                    _refuse_second_type(found, spec)
                    found.device_type = key.upper()
                    found.device_index = _index(values[0]) if values else None
                else:
                    raise ValueError
            except _TwoTypesError:
                raise
            except ValueError:
                raise errors.value_error(
                    f"Unknown part {part!r} in the device {spec!r}. A device is written like "
                    "'/job:worker/replica:0/task:1/device:CPU:0', with any part left out.",
                    see="devices",
                ) from None
        return found

    def to_string(self) -> str:
        """The device string, with the parts that are set."""
        parts = [
            f"/{key}:{value}"
            for key, value in (("job", self.job), ("replica", self.replica), ("task", self.task))
            if value is not None
        ]
        if self.device_type is not None:
            index = "*" if self.device_index is None else self.device_index
            parts.append(f"/device:{self.device_type}:{index}")
        return "".join(parts)

    def merged_with(self, inner: DeviceSpec) -> DeviceSpec:
        """This spec with every part that `inner` sets taken from `inner`."""
        merged = DeviceSpec()
        for field in _FIELDS:
            value = getattr(inner, field)
            setattr(merged, field, getattr(self, field) if value is None else value)
        return merged

    make_merged_spec = merged_with

    def merge_from(self, dev: DeviceSpec) -> None:
        """Takes over, in place, every part that `dev` sets."""
        for field in _FIELDS:
            value = getattr(dev, field)
            if value is not None:
                setattr(self, field, value)

    def parse_from_string(self, spec: str) -> DeviceSpec:
        """Takes the parts of a device string in the place of its own; returns itself."""
        parsed = DeviceSpec.from_string(spec)
        for field in _FIELDS:
            setattr(self, field, getattr(parsed, field))
        return self

    def replace(self, **parts: Any) -> DeviceSpec:
        """A copy with some parts set anew.

        >>> DeviceSpec.from_string("/job:ps/cpu:0").replace(task=2).to_string()
        '/job:ps/task:2/device:CPU:0'
        """
        unknown = set(parts) - set(_FIELDS)
        if unknown:
            raise errors.type_error(
                f"a device has no part {sorted(unknown)}; it has {list(_FIELDS)}.", see="devices"
            )
        return DeviceSpec(**{**{field: getattr(self, field) for field in _FIELDS}, **parts})

    def matches(self, other: DeviceSpec) -> bool:
        """Whether every part that this spec sets is the same in `other`."""
        return all(getattr(self, field) in (None, "*", getattr(other, field)) for field in _FIELDS)

    def __repr__(self) -> str:
        return f"DeviceSpec({self.to_string()!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceSpec) and self.to_string() == other.to_string()

    def __hash__(self) -> int:
        return hash(self.to_string())


class _TwoTypesError(ValueError):
    """A device string that names two kinds of devices."""


def _refuse_second_type(found: DeviceSpec, spec: str) -> None:
    if found.device_type is not None:
        what = f"Multiple device types are not allowed while parsing the device spec: {spec}."
        raise _TwoTypesError(errors.report(what, see="devices"))


def canonical_name(device: Any) -> str:
    """A device string as TensorFlow writes it: "/job:ps/cpu:0" is "/job:ps/device:CPU:0"."""
    if device is None:
        return ""
    return (
        device if isinstance(device, DeviceSpec) else DeviceSpec.from_string(device)
    ).to_string()


def _index(text: str) -> int | None:
    return None if text == "*" else int(text)


def merge(outer: Any, inner: str) -> str:
    """The device string that results where `inner` stands inside `outer`: inner parts win."""
    outer_spec = outer if isinstance(outer, DeviceSpec) else DeviceSpec.from_string(outer or "")
    return outer_spec.merged_with(DeviceSpec.from_string(inner or "")).to_string()
