"""What each optimizer's op does to one parameter, in Python's own floats."""

from __future__ import annotations

import math
from typing import Any

Slots = dict[str, float]


def changed(op: str, slots: Slots, g: float, c: Slots, attrs: dict[str, Any]) -> Slots:
    """The variable and its slots after one step.

    Args:
      op: the op type.
      slots: their values before.
      g: the gradient.
      c: the op's scalars.
      attrs: the op's attributes.
    """
    return FORMULAS[op.removeprefix("Sparse").removesuffix("V2")](dict(slots), g, c, attrs)


def descent(s: Slots, g: float, c: Slots, attrs: dict[str, Any]) -> Slots:
    s["var"] -= c["alpha"] * g
    return s


def momentum(s: Slots, g: float, c: Slots, attrs: dict[str, Any]) -> Slots:
    s["accum"] = c["momentum"] * s["accum"] + g
    step = g + c["momentum"] * s["accum"] if attrs["use_nesterov"] else s["accum"]
    s["var"] -= c["lr"] * step
    return s


def adagrad(s: Slots, g: float, c: Slots, attrs: dict[str, Any]) -> Slots:
    if attrs["update_slots"]:
        s["accum"] += g**2
    s["var"] -= c["lr"] * g / math.sqrt(s["accum"])
    return s


def adadelta(s: Slots, g: float, c: Slots, attrs: dict[str, Any]) -> Slots:
    s["accum"] = c["rho"] * s["accum"] + (1 - c["rho"]) * g**2
    step = math.sqrt((s["accum_update"] + c["epsilon"]) / (s["accum"] + c["epsilon"])) * g
    s["accum_update"] = c["rho"] * s["accum_update"] + (1 - c["rho"]) * step**2
    s["var"] -= c["lr"] * step
    return s


def rms_prop(s: Slots, g: float, c: Slots, attrs: dict[str, Any]) -> Slots:
    s["ms"] = c["rho"] * s["ms"] + (1 - c["rho"]) * g**2
    size = s["ms"]
    if "mg" in s:
        s["mg"] = c["rho"] * s["mg"] + (1 - c["rho"]) * g
        size -= s["mg"] ** 2
    s["mom"] = c["momentum"] * s["mom"] + c["lr"] * g / math.sqrt(size + c["epsilon"])
    s["var"] -= s["mom"]
    return s


def adam(s: Slots, g: float, c: Slots, attrs: dict[str, Any]) -> Slots:
    s["m"] = c["beta1"] * s["m"] + (1 - c["beta1"]) * g
    s["v"] = c["beta2"] * s["v"] + (1 - c["beta2"]) * g**2
    rate = c["lr"] * math.sqrt(1 - c["beta2_power"]) / (1 - c["beta1_power"])
    ahead = c["beta1"] * s["m"] + (1 - c["beta1"]) * g if attrs["use_nesterov"] else s["m"]
    s["var"] -= rate * ahead / (math.sqrt(s["v"]) + c["epsilon"])
    return s


def ftrl(s: Slots, g: float, c: Slots, attrs: dict[str, Any]) -> Slots:
    slope = g + 2 * c.get("l2_shrinkage", 0.0) * s["var"]
    before = s["accum"] ** -c["lr_power"]
    s["accum"] += g**2
    after = s["accum"] ** -c["lr_power"]
    if attrs["multiply_linear_by_lr"]:  # all is the same, times lr
        s["linear"] += c["lr"] * slope - (after - before) * s["var"]
        l1, quadratic = c["l1"] * c["lr"], after + 2 * c["l2"] * c["lr"]
    else:
        s["linear"] += slope - (after - before) / c["lr"] * s["var"]
        l1, quadratic = c["l1"], after / c["lr"] + 2 * c["l2"]
    inside = abs(s["linear"]) <= l1
    s["var"] = 0.0 if inside else (math.copysign(l1, s["linear"]) - s["linear"]) / quadratic
    return s


def shrunk(there: float, rate: float, c: Slots) -> float:
    least = max(abs(there) - rate * c["l1"], 0.0)
    return math.copysign(least, there) / (1 + rate * c["l2"])


def proximal(s: Slots, g: float, c: Slots, attrs: dict[str, Any]) -> Slots:
    s["var"] = shrunk(s["var"] - c["alpha"] * g, c["alpha"], c)
    return s


def proximal_adagrad(s: Slots, g: float, c: Slots, attrs: dict[str, Any]) -> Slots:
    s["accum"] += g**2
    rate = c["lr"] / math.sqrt(s["accum"])
    s["var"] = shrunk(s["var"] - rate * g, rate, c)
    return s


FORMULAS = {
    "ApplyGradientDescent": descent,
    "ApplyMomentum": momentum,
    "ApplyAdagrad": adagrad,
    "ApplyAdadelta": adadelta,
    "ApplyRMSProp": rms_prop,
    "ApplyCenteredRMSProp": rms_prop,
    "ApplyAdam": adam,
    "ApplyFtrl": ftrl,
    "ApplyProximalGradientDescent": proximal,
    "ApplyProximalAdagrad": proximal_adagrad,
}
