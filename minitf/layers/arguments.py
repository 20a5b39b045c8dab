"""With this module layers can read the arguments that they share: sizes, paddings, activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.framework import errors
from minitf.framework import traceback as traceback_lib
from minitf.ops import init_ops

# What biases begin at unless the caller says otherwise.
ZEROS = init_ops.zeros_initializer()
ONES = init_ops.ones_initializer()


def explained(what: str, do: str) -> str:
    """A message about an argument or input of a layer, with the user's line."""
    return errors.report(what, line=str(traceback_lib.capture()), do=do, see="arguments")


def invalid(what: str, do: str) -> ValueError:
    """An error about an argument or input of a layer, with the user's line."""
    return ValueError(explained(what, do))


def sizes(value: Any, count: int, name: str) -> tuple[int, ...]:
    """`count` positive ints from one int or from a sequence.

    >>> sizes(3, 2, "strides"), sizes([1, 2], 2, "strides")
    ((3, 3), (1, 2))
    """
    try:
        given = (int(value),) * count if isinstance(value, int) else tuple(int(v) for v in value)
    except (TypeError, ValueError):
        given = ()
    what = f"The `{name}` argument must be a tuple of {count} integers. Received: {value}"
    if isinstance(value, str) or len(given) != count:
        raise invalid(what, f"give one int, or {count} of them.")
    if min(given) <= 0:
        wrong = {v for v in given if v <= 0}
        what += f" including {wrong} that does not satisfy the requirement `> 0`."
        raise invalid(what, "give ints greater than 0.")
    return given


def padding_name(value: Any) -> str:
    """ "valid" or "same", in whatever case it was written."""
    name = str(value).lower()
    if name not in ("valid", "same"):
        raise invalid(
            f'The `padding` argument must be one of "valid", "same". Received: {value}',
            'give "same" to keep the size (at stride 1), "valid" to use whole windows only.',
        )
    return name


def data_format_name(value: Any) -> str:
    """ "channels_last" or "channels_first"; the first if None."""
    name = "channels_last" if value is None else str(value).lower()
    if name not in ("channels_last", "channels_first"):
        raise invalid(
            'The `data_format` argument must be one of "channels_first", "channels_last". '
            f"Received: {value}",
            'layers say "channels_last" for what ops call NHWC, and "channels_first" for NCHW.',
        )
    return name


def layout(data_format: str, rank: int) -> str:
    """What ops call a data format of `rank` spatial dims.

    >>> layout("channels_last", 2), layout("channels_first", 1)
    ('NHWC', 'NCW')
    """
    spatial = "DHW"[3 - rank :]
    return f"N{spatial}C" if data_format == "channels_last" else f"NC{spatial}"


def activation_function(activation: Any) -> Callable[..., Any] | None:
    """The function that an `activation` argument means: itself, or one of `tf.nn` by its name."""
    if activation is None or activation == "linear":
        return None
    if isinstance(activation, str):
        from minitf import nn

        function = getattr(nn, activation, None)
        if function is None:
            raise invalid(
                f"Unknown activation function: {activation!r}.",
                'give a function such as tf.nn.relu, or its name in tf.nn, such as "relu".',
            )
        activation = function
    if not callable(activation):
        raise errors.type_error(
            f"Could not interpret activation function identifier: {activation!r}. Give a function "
            "such as tf.nn.relu."
        )
    chosen: Callable[..., Any] = activation
    return chosen


def initializer(value: Any) -> Any:
    """The initializer that an argument means: itself, or one of `tf.initializers` by its name."""
    if not isinstance(value, str):
        return value
    from minitf import initializers

    if value not in initializers.__all__:
        raise invalid(
            f"Unknown initializer: {value!r}.",
            'give one such as tf.zeros_initializer(), or its name in tf.initializers: "zeros".',
        )
    return getattr(initializers, value)()
