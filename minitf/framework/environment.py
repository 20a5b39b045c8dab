"""With this module one can read a setting from the environment, and nonsense there is refused.

A setting that is misspelt and ignored would look as if it had been heard.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from minitf.framework import errors

_ON = ("1", "true", "yes", "on")
_OFF = ("0", "false", "no", "off")


def choice(name: str, choices: Sequence[str], default: str) -> str:
    """One of some words; the default where the variable is not set, or empty.

    Raises:
      ValueError: if it is another word.

    >>> choice("NO_SUCH_SETTING", ("tf2", "tf1"), "tf2")
    'tf2'
    """
    given = os.environ.get(name)
    if not given:
        return default
    if given not in choices:
        raise _refused(name, " or ".join(map(repr, choices)), given)
    return given


def switch(name: str, default: bool) -> bool:
    """Whether something is switched on: 1, true, yes or on against 0, false, no or off.

    Raises:
      ValueError: if it is none of these.

    >>> switch("NO_SUCH_SETTING", default=True)
    True
    """
    given = os.environ.get(name, "").strip().lower()
    if given in _ON:
        return True
    if given in _OFF:
        return False
    if given:
        raise _refused(name, "1 or 0", os.environ[name])
    return default


def seconds(name: str, default: float) -> float:
    """How long something may take.

    Raises:
      ValueError: if it is no number above 0.

    >>> seconds("NO_SUCH_SETTING", 600.0)
    600.0
    """
    given = os.environ.get(name) or default
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise _refused(name, "a number of seconds above 0", str(given))
    return number


def _refused(name: str, wanted: str, given: str) -> ValueError:
    return errors.value_error(
        f"{name} must be {wanted}, not {given!r}.",
        do=f"correct the environment variable {name}, or unset it.",
    )
