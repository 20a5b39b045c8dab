"""docs/errors.md: every message stands in it word for word, and every message leads into it.

Who changes the wording of a message runs `python -m tests.errors_page`, and reads the difference.
"""

from __future__ import annotations

import ast
import re

import pytest

import minitf as tf
from tests.error_sites import LAID_OUT, Source, name_of
from tests.errors_page import HEADING, PAGE, examples, message_of
from tests.source_tree import modules

EXAMPLES = examples()


@pytest.mark.parametrize(
    ("code", "message"), [pytest.param(code, text, id=name) for name, code, text in EXAMPLES]
)
def test_what_minitf_says_is_what_the_page_says(code: str, message: str) -> None:
    assert message_of(code) == message


@pytest.mark.parametrize(
    ("section", "message"), [(name, text) for name, _, text in EXAMPLES], ids=lambda text: text[:30]
)
def test_a_message_says_all_that_it_has_to(section: str, message: str) -> None:
    assert f"docs/errors.md#{anchor(section)}" in message.splitlines()[-1]
    assert "script.py:" in message
    assert "what to do: " in message or message.startswith("WARNING: ")


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections() -> set[str]:
    return {anchor(heading) for heading in HEADING.findall(PAGE.read_text())}


def sections_named_in_messages() -> set[str]:
    """The values of `see` in all calls that lay out a message or a warning."""
    found = set()
    for path in modules().values():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and name_of(node) in {*LAID_OUT, "warn"}:
                given = [k.value for k in node.keywords if k.arg == "see"]
                found |= {see.value for see in given if isinstance(see, ast.Constant)}
    return found


def test_every_section_that_a_message_names_is_there() -> None:
    named = sections_named_in_messages()
    assert len(named) > 25
    assert named <= sections()


def test_every_class_has_a_section_and_leads_to_it() -> None:
    for cls in [tf.errors.OpError, *tf.errors.OpError.__subclasses__()]:
        if cls.__module__ == tf.errors.__name__:
            error = cls(None, None, "What happened.")
            assert str(error) == f"What happened.\n  see: docs/errors.md#{cls.__name__.lower()}"
            assert cls.__name__.lower() in sections()


def test_no_section_is_without_a_message() -> None:
    classes = {cls.__name__.lower() for cls in tf.errors.OpError.__subclasses__()} | {"operror"}
    frame = {"errors", "how-to-read-an-error", "running", "training", "building"}
    assert sections() - sections_named_in_messages() - classes - frame == {"classes-of-errors"}


def test_the_section_of_a_message_is_the_most_special_one() -> None:
    report = tf.errors.report("What.", line="a.py:1", see="fetching")
    assert tf.errors.NotFoundError(None, None, report).message == report
    general = tf.errors.report("What.", line="a.py:1")
    assert general.endswith("\n  see: docs/errors.md#how-to-read-an-error")
    error = tf.errors.NotFoundError(None, None, general)
    assert str(error) == "What.\n  created at: a.py:1\n  see: docs/errors.md#notfounderror"
    again = tf.errors.report(str(error), line="b.py:2", see="fetching")
    assert again.count("see:") == 1 and again.endswith("#fetching")


def test_a_class_of_the_users_own_leads_to_that_of_its_base() -> None:
    class MyError(tf.errors.AbortedError):
        pass

    assert str(MyError(None, None, "Gone.")).endswith("#abortederror")


# Exceptions whose messages do not lead into the page, and why. Each is a module, a class of
# exceptions, or a "module:function".
APART = {
    "minitf.kernels": "see no graph: the op that called them is told of",
    # Made into an error that says more, by who called.
    "AttrError": "importing a graph names the node",
    "KernelError": "the session names the op",
    "Unfit": "the nodes run one by one",
    "UnfitError": "the nodes run one by one",
    "BadFrame": "the channel makes it an UnavailableError or an InternalError",
    "Broken": "the channel makes it an UnavailableError",
    "ConnectionRefusedError": "the channel makes it an UnavailableError",
    "minitf.distributed.wire.codec": "the channel makes it an UnavailableError or an InternalError",
    "minitf.distributed.piece:read_graph": "the server makes it an InvalidArgumentError",
    "minitf.checkpoint.coding": "the reader makes it a DataLossError",
    "minitf.checkpoint.table": "the reader makes it a DataLossError",
    "minitf.checkpoint.tensors": "the reader makes it a DataLossError",
    "minitf.checkpoint.files:reserve": "becomes the tf.errors class of its number",
    "Damaged": "the next source of the data is tried; the OSError in the end tells of each",
    "Unavailable": "the next source of the data is tried; the OSError in the end tells of each",
    "minitf.flags:DEFINE_enum": "the flag makes it an IllegalFlagValueError",
    "minitf.flags:_boolean": "the flag makes it an IllegalFlagValueError",
    "minitf.flags:_bounded": "the flag makes it an IllegalFlagValueError",
    "minitf.flags:_integer": "the flag makes it an IllegalFlagValueError",
    "minitf.flags:_text": "the flag makes it an IllegalFlagValueError",
    "minitf.framework.apply_op:_of_kind": "the caller names the op and the attribute",
    "minitf.framework.attr_value": "importing a graph names the node",
    "minitf.framework.op_def:OpDef.bind_kernel": "the session names the op",
    "minitf.framework.protos:own_copy": "importing a graph says which",
    # Helpers of shape rules and kernels, which the search takes for more, by their names.
    "minitf.ops.array_ops.pad_ops:_checked_paddings": "of a kernel",
    "minitf.ops.array_ops.patch_ops:_places": "of a shape rule",
    "minitf.ops.array_ops.unique_ops:_unique": "of a kernel",
    "minitf.ops.array_ops.unique_ops:_vector": "of a shape rule",
    "minitf.ops.data_flow_ops.accumulator_resources": "of kernels",
    "minitf.ops.data_flow_ops.queue_ops:_checked": "of a kernel",
    "minitf.ops.data_flow_ops.queue_ops:_given": "of a kernel",
    "minitf.ops.math_ops.einsum:_meet": "of a shape rule",
    "minitf.ops.nn_ops.batch_norm_ops:_check_channels": "of a kernel",
    "minitf.ops.nn_ops.conv_ops:_groups": "of a kernel",
    "minitf.ops.nn_ops.layer_patterns:_convolution": "of a kernel",
    "minitf.ops.nn_ops.windows:Window": "of shape rules and kernels",
    "minitf.ops.nn_ops.windows:check_rank_4": "of kernels",
    "minitf.ops.nn_ops.windows:four_dims": "of shape rules",
    "minitf.ops.random_ops:_dims": "of kernels",
    "minitf.ops.sparse_ops:_check_order": "of kernels",
    # They end as the message does that they quote, which leads into the page.
    "minitf.runtime.feeds:_resolve_key": "quotes what the graph says",
    "minitf.runtime.fetches:FetchPlan._resolve": "quotes what the graph says",
    # What Python asks for, to catch it: the text is not what matters.
    "__getattr__": "hasattr asks with it, and Python itself",
    "ModuleNotFoundError": "an import asks for it",
    "StopIteration": "ends a loop",
    "minitf.train.saver_graph:SaveableObject.restore": "a method that a subclass has to have",
    "create_session": "a method that a subclass has to have",
    "minitf.summary.event_file:_create": "cannot happen: the loop has no end",
    "minitf.train.session_manager": "cannot happen: the loops have no end",
    # Said in a terminal to who gave a command, where there is no script.
    "CannotRun": "the command line was wrong",
    "RayProblem": "the command line was wrong",
    # They lay out the message themselves.
    "Error": "in its __init__",
    "DuplicateFlagError": "in the __init__ of Error",
    "IllegalFlagValueError": "in the __init__ of Error",
    "UnrecognizedFlagError": "in the __init__ of Error",
    "minitf.framework.patterns:_line": "a pattern of minitf's own is wrong",
    "minitf.debug.values": "the debugger answers what was typed at it",
}


def test_every_message_leads_into_the_page() -> None:
    """Who adds an error writes `raise errors.value_error(...)`, or lays it out by `report`."""
    used = set()
    wrong = []
    for site in Source().bare():
        place = f"{site.module}:{site.function}"
        why = [
            name
            for name in APART
            if name in (site.kind, site.function.split(".")[-1], site.module)
            or site.module.startswith(f"{name}.")
            or f"{place}.".startswith(f"{name}.")
        ]
        used |= set(why)
        if not why:
            wrong.append(f"{place}, line {site.line}: {site.text}")
    assert not wrong, "no section of docs/errors.md: " + "\n".join(wrong)
    assert used == set(APART)
