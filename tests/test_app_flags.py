"""tf.flags and tf.app: the command line of a script."""

from __future__ import annotations

import copy
import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import minitf
from tests.engines import ENGINES, load


@pytest.fixture(params=ENGINES)
def tf(request: pytest.FixtureRequest) -> Any:
    return load(request.param)


def some_flags(tf: Any) -> Any:
    """A set of flags of all kinds, apart from those of other tests."""
    define, values = tf.flags, tf.flags.FlagValues()
    define.DEFINE_string("s", "text", "Some text.", flag_values=values)
    define.DEFINE_integer("i", 1, "A whole number.", flag_values=values)
    define.DEFINE_float("f", 1, "A number.", flag_values=values)
    define.DEFINE_boolean("b", False, "Yes or no.", flag_values=values)
    define.DEFINE_bool("t", True, "Yes or no.", flag_values=values)
    define.DEFINE_list("l", "a,b", "Several.", flag_values=values)
    define.DEFINE_enum("e", "A", ["A", "bee"], "One.", case_sensitive=False, flag_values=values)
    define.DEFINE_multi_integer("m", [7], "Any number of numbers.", flag_values=values)
    define.DEFINE_string("none", None, "Nothing.", flag_values=values)
    return values


DEFAULTS = {"s": "text", "i": 1, "f": 1.0, "b": False, "t": True, "l": ["a", "b"], "e": "A"}
DEFAULTS |= {"m": [7], "none": None}


# Reading a command line


@pytest.mark.parametrize(
    ("arguments", "changed", "rest"),
    [
        ([], {}, []),
        (["--s=x", "--i=5", "--f=2.5"], {"s": "x", "i": 5, "f": 2.5}, []),
        (["--s", "x", "--i", "-5", "--f", "1e3"], {"s": "x", "i": -5, "f": 1000.0}, []),
        (["-s=x", "-i", "3", "-b", "-not"], {"s": "x", "i": 3, "b": True, "t": False}, []),
        (["p", "--i=5", "q", "--b", "r"], {"i": 5, "b": True}, ["p", "q", "r"]),
        (["--i=5", "--", "--i=6", "--", "x"], {"i": 5}, ["--i=6", "--", "x"]),
        (["-", "--i=3", "--=3"], {"i": 3}, ["-", "--=3"]),
        (["--i=5", "--i=6"], {"i": 6}, []),
        (["--i=0x1f"], {"i": 31}, []),
        (["--i=0o17"], {"i": 15}, []),
        (["--i= 1_000 "], {"i": 1000}, []),
        (["--b", "--not"], {"b": True, "t": False}, []),
        (["--b=TRUE", "--t=f"], {"b": True, "t": False}, []),
        (["--b=1", "--t=0"], {"b": True, "t": False}, []),
        (["--b", "true"], {"b": True}, ["true"]),
        (["--nob"], {}, []),
        (["--s=", "--l="], {"s": "", "l": []}, []),
        (["--s=a=b"], {"s": "a=b"}, []),
        (["--s", "--i"], {"s": "--i"}, []),
        (['--l=x, y,"z,w"'], {"l": ["x", "y", "z,w"]}, []),
        (["--l=x y"], {"l": ["x y"]}, []),
        (["--e=BEE"], {"e": "bee"}, []),
        (["--m=3", "--m", "4"], {"m": [3, 4]}, []),
        (["--none=x"], {"none": "x"}, []),
    ],
)
def test_arguments_become_values(
    tf: Any, arguments: list[str], changed: dict[str, Any], rest: list[str]
) -> None:
    flags = some_flags(tf)
    assert flags(["prog", *arguments]) == ["prog", *rest]
    values = flags.flag_values_dict()
    assert values == {**DEFAULTS, **changed}
    assert all(type(values[name]) is type(value) for name, value in changed.items())
    assert flags.is_parsed()


def test_a_float_may_be_no_number(tf: Any) -> None:
    flags = some_flags(tf)
    flags(["prog", "--f=nan"])
    assert math.isnan(flags.f)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--zz"], "UnrecognizedFlagError", "Unknown command line flag 'zz'"),
        (["--nozz=3", "--zz"], "UnrecognizedFlagError", "Unknown command line flag 'nozz'"),
        (["--I=3"], "UnrecognizedFlagError", "Unknown command line flag 'I'"),
        (["---i=3"], "UnrecognizedFlagError", "Unknown command line flag '-i'"),
        (["--nos"], "UnrecognizedFlagError", "Unknown command line flag 'nos'"),
        (["--nonee=1"], "UnrecognizedFlagError", "Did you mean: none ?"),
        (["--i=abc"], "IllegalFlagValueError", "flag --i=abc: invalid literal"),
        (["--i=1e3"], "IllegalFlagValueError", "flag --i=1e3: invalid literal"),
        (["--i="], "IllegalFlagValueError", "flag --i=: invalid literal"),
        (["--f=x"], "IllegalFlagValueError", "flag --f=x: could not convert"),
        (["--b=yes"], "IllegalFlagValueError", "flag --b=yes: "),
        (["--b="], "IllegalFlagValueError", "flag --b=: "),
        (["--e=C"], "IllegalFlagValueError", "value should be one of <A|bee>"),
        (["--m=3", "--m=x"], "IllegalFlagValueError", "flag --m=x: "),
        (["--i"], "Error", "Missing value for flag --i"),
    ],
)
def test_what_is_wrong_with_a_command_line(
    tf: Any, arguments: list[str], error: str, message: str
) -> None:
    flags = some_flags(tf)
    with pytest.raises(tf.flags.Error) as raised:
        flags(["prog", *arguments])
    assert type(raised.value) is getattr(tf.flags, error)
    assert message in str(raised.value)
    assert not flags.is_parsed()


def test_the_command_line_must_be_a_list_that_begins_with_a_name(tf: Any) -> None:
    flags = some_flags(tf)
    with pytest.raises(ValueError, match="empty list"):
        flags([])
    with pytest.raises(TypeError, match="not bytes or string"):
        flags("--i=3")
    with pytest.raises(ValueError, match="--nob=1 does not take an argument"):
        flags(["prog", "--nob=1"])


@pytest.mark.parametrize(
    ("arguments", "rest"),
    [
        (["--zz", "--i=5", "-q", "5", "--nozz"], ["--zz", "-q", "5", "--nozz"]),
        (["--zz=3", "--i=5", "--", "--i=6"], ["--zz=3", "--", "--i=6"]),
    ],
)
def test_unknown_flags_can_be_left(tf: Any, arguments: list[str], rest: list[str]) -> None:
    flags = some_flags(tf)
    assert flags(["prog", *arguments], known_only=True) == ["prog", *rest]
    assert flags.i == 5


# Definitions


@pytest.mark.parametrize(
    ("define", "default", "value"),
    [
        ("string", "5", "5"),
        ("integer", "4", 4),
        ("float", 2, 2.0),
        ("float", "2", 2.0),
        ("boolean", 1, True),
        ("boolean", "false", False),
        ("list", ["a", "b"], ["a", "b"]),
        ("list", "", []),
        ("multi_string", "a", ["a"]),
        ("multi_float", [1, 2], [1.0, 2.0]),
        *((kind, None, None) for kind in ("string", "integer", "float", "boolean", "list")),
    ],
)
def test_defaults_are_of_the_flags_kind(tf: Any, define: str, default: Any, value: Any) -> None:
    flags = tf.flags.FlagValues()
    getattr(tf.flags, f"DEFINE_{define}")("x", default, "help", flag_values=flags)
    flags(["prog"])
    assert flags.x == value and type(flags.x) is type(value)
    assert flags["x"].default == value


@pytest.mark.parametrize(
    ("define", "default"),
    [("string", 5), ("integer", 2.5), ("integer", "abc"), ("float", "abc"), ("boolean", "yes")],
)
def test_a_default_of_another_kind_is_refused(tf: Any, define: str, default: Any) -> None:
    flags = tf.flags.FlagValues()
    with pytest.raises(tf.flags.IllegalFlagValueError, match=f"flag --x={default}: "):
        getattr(tf.flags, f"DEFINE_{define}")("x", default, "help", flag_values=flags)
    assert "x" not in flags


def test_the_names_of_arguments_before_tensorflow_1_5(tf: Any) -> None:
    flags = tf.flags.FlagValues()
    tf.flags.DEFINE_integer(flag_name="i", default_value=3, docstring="Doc.", flag_values=flags)
    tf.flags.DEFINE_string(name="s", default="x", help="Help.", flag_values=flags)
    assert (flags["i"].default, flags["i"].help, flags["s"].help) == (3, "Doc.", "Help.")


def test_a_flag_is_defined_once(tf: Any) -> None:
    flags = some_flags(tf)
    with pytest.raises(tf.flags.DuplicateFlagError, match="'i' is defined twice"):
        tf.flags.DEFINE_float("i", 2.0, "Again.", flag_values=flags)
    del flags.i
    tf.flags.DEFINE_float("i", 2.0, "Again.", flag_values=flags)


def test_both_places_of_a_duplicate_are_named() -> None:
    flags = minitf.flags.FlagValues()
    line = sys._getframe().f_lineno
    minitf.flags.DEFINE_integer("steps", 1, "First help.", flag_values=flags)
    with pytest.raises(minitf.flags.DuplicateFlagError) as raised:
        minitf.flags.DEFINE_integer("steps", 1, "x", flag_values=flags)
    message = str(raised.value)
    assert f"first at {__file__}:{line + 1}, second at {__file__}:{line + 3}" in message
    assert "First help." in message and "del FLAGS.steps" in message


@pytest.mark.parametrize("name", ["", "two words", "is_parsed"])
def test_names_that_no_flag_can_have(tf: Any, name: str) -> None:
    with pytest.raises(tf.flags.Error):
        tf.flags.DEFINE_string(name, "x", "help", flag_values=tf.flags.FlagValues())


@pytest.mark.parametrize(
    ("bounds", "legal", "illegal"),
    [
        ({"lower_bound": 3}, "3", "2"),
        ({"upper_bound": 3}, "3", "4"),
        ({"lower_bound": 0, "upper_bound": 3}, "0", "-1"),
        ({"lower_bound": 0, "upper_bound": 3}, "3", "4"),
    ],
)
@pytest.mark.parametrize("kind", ["integer", "float"])
def test_bounds(tf: Any, kind: str, bounds: dict[str, int], legal: str, illegal: str) -> None:
    flags = tf.flags.FlagValues()
    getattr(tf.flags, f"DEFINE_{kind}")("x", None, "help", flag_values=flags, **bounds)
    flags(["prog", f"--x={legal}"])
    assert flags.x == float(legal)
    with pytest.raises(tf.flags.IllegalFlagValueError, match=f"flag --x={illegal}: .* is not "):
        flags(["prog", f"--x={illegal}"])


def test_required_flags(tf: Any) -> None:
    flags = some_flags(tf)
    tf.flags.mark_flag_as_required("none", flag_values=flags)
    with pytest.raises(tf.flags.IllegalFlagValueError, match="--none must have a value other than"):
        flags(["prog"])
    assert flags(["prog", "--none=x"]) == ["prog"]
    with pytest.raises(KeyError):
        tf.flags.mark_flag_as_required("undefined", flag_values=flags)


def test_validators_see_the_command_line_and_assignments(tf: Any) -> None:
    flags = some_flags(tf)
    tf.flags.register_validator("i", lambda i: i > 0, message="be positive", flag_values=flags)
    with pytest.raises(tf.flags.IllegalFlagValueError, match="flag --i=-1: be positive"):
        flags(["prog", "--i=-1"])
    with pytest.raises(tf.flags.IllegalFlagValueError, match="flag --i=-7: be positive"):
        flags.i = -7


# What scripts do with FLAGS


def test_flags_are_attributes_items_and_names(tf: Any) -> None:
    flags = some_flags(tf)
    flags(["prog", "--i=9"])
    assert flags.i == flags["i"].value == flags.get_flag_value("i", 0) == 9
    assert flags.get_flag_value("none", 5) == 5
    assert "i" in flags and "zz" not in flags and set(DEFAULTS) <= set(flags)
    assert set(DEFAULTS) <= set(dir(flags)) and len(flags) >= len(DEFAULTS)
    assert not hasattr(flags, "zz")
    with pytest.raises(KeyError):
        flags["zz"]
    with pytest.raises(AttributeError):
        del flags.zz
    with pytest.raises(tf.flags.UnrecognizedFlagError, match="'zz'"):
        flags.zz = 3


def test_assigned_values_stay_until_the_command_line_sets_them(tf: Any) -> None:
    flags = some_flags(tf)
    flags(["prog", "--i=9"])
    flags.i, flags.s = 3, "assigned"
    flags(["prog", "--s=parsed"])
    assert (flags.i, flags.s) == (3, "parsed")
    assert (flags["i"].present, flags["s"].present, flags["f"].present) == (1, 1, 0)
    assert flags["f"].using_default_value and not flags["i"].using_default_value


def test_defaults_can_change_and_the_command_line_be_forgotten(tf: Any) -> None:
    flags = some_flags(tf)
    flags(["prog", "--i=9"])
    flags.set_default("i", 44)
    flags.set_default("f", 5)
    assert (flags.i, flags.f, flags["i"].default) == (9, 5.0, 44)
    flags.unparse_flags()
    assert not flags.is_parsed() and flags["i"].value == 44


def test_what_define_returns_has_the_value(tf: Any) -> None:
    flags = tf.flags.FlagValues()
    holder = tf.flags.DEFINE_integer("i", 3, "help", flag_values=flags)
    flags(["prog", "--i=4"])
    assert (holder.name, holder.value, holder.default, holder.present) == ("i", 4, 3, True)


def test_all_flags_can_be_printed_as_scripts_do(tf: Any) -> None:
    flags = some_flags(tf)
    flags(["prog"])
    assert {name: flag.value for name, flag in flags._flags().items() if name in DEFAULTS} == (
        DEFAULTS
    )
    if tf is minitf:  # `FLAGS.__flags` is spelled thus inside a class or a test's function
        lines = [f"{name.upper()}={flag}" for name, flag in getattr(flags, "__flags").items()]
        assert lines[:3] == ["S=text", "I=1", "F=1.0"]


def test_an_undefined_flag_is_an_attribute_error_that_helps() -> None:
    flags = some_flags(minitf)
    minitf.flags.DEFINE_integer("learning_steps", 1, "x", flag_values=flags)
    with pytest.raises(AttributeError, match=r"'learning_step' .* Did you mean: learning_steps"):
        _ = flags.learning_step


def test_sys_argv_is_read_at_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["prog", "--other=1", "--i=5", "file"])
    flags = some_flags(minitf)
    assert flags.i == 5 and flags.is_parsed()
    flags._parse_flags(["--i=6", "--unknown"])
    assert flags.i == 6


def test_flags_defined_after_the_first_use_are_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["prog", "--late", "8", "--i=5"])
    flags = some_flags(minitf)
    assert flags.i == 5
    minitf.flags.DEFINE_integer("late", 1, "Defined late.", flag_values=flags)
    assert flags.late == 8


def test_what_follows_two_dashes_never_sets_a_later_flag() -> None:
    flags = some_flags(minitf)
    assert flags(["prog", "--", "--late=8"]) == ["prog", "--late=8"]
    minitf.flags.DEFINE_integer("late", 1, "Defined late.", flag_values=flags)
    assert flags.late == 1


def test_flags_can_be_copied(tf: Any) -> None:
    flags = some_flags(tf)
    flags(["prog", "--i=9"])
    copied = copy.deepcopy(flags)
    copied.i = 3
    assert (flags.i, copied.i) == (9, 3)


# Scripts


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


def run(engine: str, tmp_path: Path, script: str, *arguments: str) -> tuple[int, str, str]:
    """The return code, stdout and stderr of a script that imports the engine as tf."""
    path = tmp_path / "script.py"
    path.write_text(f"import sys\nimport {engine} as tf\n" + textwrap.dedent(script))
    environment = {**os.environ, "PYTHONPATH": str(Path(minitf.__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "script.py", *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    return result.returncode, result.stdout, result.stderr


SCRIPT = """
flags = tf.app.flags
FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "/data", "Where the data is, and a help text so long that it has "
                    "to be wrapped in order to stay within the eighty columns.")
flags.DEFINE_integer("steps", 10, "Steps.")
flags.DEFINE_boolean("fake", False, "Fake data.")
flags.DEFINE_enum("mode", "train", ["train", "test"], "Mode.")
flags.DEFINE_list("names", "a,b", None)
flags.DEFINE_float("rate", None, "Rate.", lower_bound=0.5, upper_bound=2)

def main(argv):
    print(argv, FLAGS.data_dir, FLAGS.steps, FLAGS.fake)
    return len(argv)

if __name__ == "__main__":
    tf.app.run()
"""


@pytest.mark.parametrize(
    ("arguments", "code", "output"),
    [
        (["--steps=5", "--nofake", "x"], 2, "['script.py', 'x'] /data 5 False\n"),
        (["--fake", "--zz", "-q"], 3, "['script.py', '--zz', '-q'] /data 10 True\n"),
        (["--steps", "7", "--", "--fake"], 3, "['script.py', '--', '--fake'] /data 7 False\n"),
        (["-h"], 2, "['script.py', '-h'] /data 10 False\n"),
    ],
)
def test_app_run(engine: str, tmp_path: Path, arguments: list[str], code: int, output: str) -> None:
    assert run(engine, tmp_path, SCRIPT, *arguments)[:2] == (code, output)


def test_app_run_takes_a_main_and_a_command_line(engine: str, tmp_path: Path) -> None:
    script = """
        tf.app.flags.DEFINE_integer("steps", 10, "Steps.")
        def first(argv):
            return f"{argv} {tf.app.flags.FLAGS.steps}"
        tf.app.run(main=first, argv=["prog", "--steps=5", "q"])
    """
    code, output, messages = run(engine, tmp_path, script, "--steps=6", "ignored")
    assert (code, output) == (1, "")
    assert messages.splitlines()[-1] == "['prog', 'q'] 5"


def test_a_bad_value_ends_the_script(engine: str, tmp_path: Path) -> None:
    code, output, messages = run(engine, tmp_path, SCRIPT, "--steps=abc")
    assert (code, output) == (1, "")
    assert "IllegalFlagValueError: flag --steps=abc" in messages


HELP = """flags:

script.py:
  --data_dir: Where the data is, and a help text so long that it has to be
    wrapped in order to stay within the eighty columns.
    (default: '/data')
  --[no]fake: Fake data.
    (default: 'false')
  --mode: <train|test>: Mode.
    (default: 'train')
  --names: (no help available)
    (default: 'a,b')
    (a comma separated list)
  --rate: Rate.
    (a number in the range [0.5, 2])
  --steps: Steps.
    (default: '10')
    (an integer)

Try --helpfull to get a list of all flags.
"""


@pytest.mark.parametrize("arguments", [["--help"], ["-helpshort"], ["--zz", "--help", "x"]])
def test_help_prints_the_flags_and_exits(engine: str, tmp_path: Path, arguments: list[str]) -> None:
    code, output, _ = run(engine, tmp_path, SCRIPT, *arguments)
    assert code == 1
    assert output.endswith(HELP) and "script.py [flags]" in output


def test_help_prints_the_docstring_and_full_help_other_modules(engine: str, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text(
        f"import {engine} as tf\ntf.flags.DEFINE_integer('helping', 3, 'In a module.')\n"
    )
    script = '__doc__ = "Run %s to train."\nimport helper\n' + SCRIPT
    code, output, _ = run(engine, tmp_path, script, "--help")
    assert output.startswith("Run script.py to train.\n") and "helping" not in output
    code, output, _ = run(engine, tmp_path, script, "--helpfull")
    assert code == 1
    assert "\nhelper:\n  --helping: In a module.\n    (default: '3')\n" in output
    assert "\nscript.py:\n  --data_dir: " in output


def test_help_after_two_dashes_is_no_flag(engine: str, tmp_path: Path) -> None:
    assert run(engine, tmp_path, SCRIPT, "--", "--help")[0] == 3


def test_flags_can_be_read_before_run(engine: str, tmp_path: Path) -> None:
    script = SCRIPT.replace("def main", "print(FLAGS.steps)\ndef main")
    assert run(engine, tmp_path, script, "--steps=5", "x")[:2] == (
        2,
        "5\n['script.py', 'x'] /data 5 False\n",
    )


def test_unknown_flags_do_not_matter_to_an_early_reader(tmp_path: Path) -> None:
    script = SCRIPT.replace("def main", "print(FLAGS.steps)\ndef main")
    code, output, _ = run("minitf", tmp_path, script, "--own=1", "--steps=5")
    assert (code, output) == (2, "5\n['script.py', '--own=1'] /data 5 False\n")
