"""What `tf.import_graph_def` is given in tests: small GraphDefs as text, most of them wrong.

Each case is a text, and the arguments of the call, which may need tensors of the graph. What comes
of it is observed in both engines: the graph, or the class of the error and that nothing was added.

    python -m tests.parity.import_cases      has TensorFlow recorded in tests/golden
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf import text_format

from tests.parity.harness import engine
from tests.parity.recording import GOLDEN

RECORDED = GOLDEN / "import_cases.json"
Before = Callable[[Any], "dict[str, Any] | None"]
FLOAT = "type: DT_FLOAT"


@dataclass(frozen=True)
class ImportCase:
    """A GraphDef as text, the arguments of the call, and what is done in the graph before it."""

    text: str
    arguments: dict[str, Any]
    before: Before


CASES: dict[str, ImportCase] = {}
OPEN: list[Any] = []  # the `with` blocks that cases entered, which would end if nobody kept them


def case(label: str, text: str, before: Before = lambda tf: None, **arguments: Any) -> None:
    """Registers a case; `before` may return further arguments."""
    assert label not in CASES, label
    CASES[label] = ImportCase(text, arguments, before)


def node(name: str, op: str, *inputs: str, **attrs: str) -> str:
    """A node as text; attributes are the text of their values."""
    parts = [f'name: "{name}" op: "{op}"', *(f'input: "{text}"' for text in inputs)]
    parts += [f'attr {{ key: "{key}" value {{ {value} }} }}' for key, value in attrs.items()]
    return "node { " + " ".join(parts) + " }\n"


def shape(*dims: int) -> str:
    return " ".join(f"dim {{ size: {d} }}" for d in dims)


def placeholder(*dims: int, name: str = "a", dtype: str = "DT_FLOAT", **more: str) -> str:
    text = f"shape {{ {shape(*dims)} }}"
    return node(name, "Placeholder", dtype=f"type: {dtype}", shape=text, **more)


def const(value: str, dims: str = "", dtype: str = "DT_FLOAT", name: str = "c") -> str:
    tensor = f"tensor {{ dtype: {dtype} tensor_shape {{ {dims} }} {value} }}"
    return node(name, "Const", dtype=f"type: {dtype}", value=tensor)


def on(text: str, device: str) -> str:
    """The same node on a device."""
    return text.replace("op:", f'device: "{device}" op:', 1)


def relu(*inputs: str, name: str = "r", **attrs: str) -> str:
    return node(name, "Relu", *inputs, **{"T": FLOAT, **attrs})


A = placeholder(2)
AR = A + relu("a")


def tensor(tf: Any, name: str = "p", dtype: str = "float32") -> Any:
    return tf.placeholder(dtype, [2], name=name)


def made(*names: str) -> Before:
    """Placeholders of these names are in the graph before."""

    def before(tf: Any) -> None:
        for name in names:
            tf.placeholder(tf.float32, name=name)

    return before


def entered(scope: Callable[[Any], Any]) -> Before:
    """A `with` block is open around the call; it ends with the graph."""

    def before(tf: Any) -> None:
        OPEN.append(scope(tf))
        OPEN[-1].__enter__()

    return before


# ---- names and scopes

case("as it is", AR)
for _name in ("", "x/", "x", "_x y"):
    case(f"prefix {_name!r}", AR, name=_name)
case("prefix that is no text", AR, name=3)
case("name taken", AR, made("a"), name="")
case("names taken, and the next", AR, made("a", "a_1"), name="")
case("name taken, next one in the file", A + placeholder(2, name="a_1"), made("a"), name="")
case("name taken in other case", AR, made("A"), name="")
case("name taken inside the prefix", AR, made("import/a"))
case("prefix taken", AR, made("import"))
case("prefix taken in other case", AR, made("Import/z"))
case("prefix given and used", AR, made("x/a"), name="x/")
case("name of a scope", placeholder(name="outer"), made("outer/x"), name="")
case("scope of a name", const("", name="v") + const("", name="v/x"), made("v"), name="")
case("inner before outer", const("", name="v/x") + const("", name="v"), name="")
case("inside a name scope", AR, entered(lambda tf: tf.name_scope("outer")))
case("inside a name scope, no prefix", AR, entered(lambda tf: tf.name_scope("outer")), name="")
for _name in ("a b", "", "^a", "a:0", "_a", "a/", "a/b/", "/a", "//a", "a\\\\b", "a>b", "a>", ">a"):
    case(f"node called {_name!r}", placeholder(name=_name), name="")
for _name in ("a-b", ".a", "-a", "a\\n", "a~", "\u00e9"):
    case(f"node called {_name!r}", placeholder(name=_name), name="")
case("two nodes of one name", A + A)
case("two nodes of one name but for case", A + placeholder(2, name="A"))

# ---- inputs, order and control

for _text in (
    "b",
    "^b",
    "a:1",
    "a:-1",
    "a:x",
    "a:00",
    "a:99999999999999999999",
    "",
    "a:",
    "^",
    ":",
):
    case(f"input {_text!r}", A + relu(_text))
case("an input more", A + relu("a", "a"))
case("an input less", A + relu())
case("control before data", A + const("", name="b") + relu("^b", "a"))
case("control twice", A + relu("a", "^a", "^a"))
case("two in a cycle", relu("q", name="p") + relu("p", name="q"))
case("one in a cycle", relu("p", name="p"))
case("cycle by control", A + relu("a", "^q", name="p") + relu("a", "^p", name="q"))
case("user first", relu("a") + A + const("", name="z"))
case(
    "order of what is ready",
    const("", name="z") + relu("a") + const("", name="y") + A + const("", name="x"),
)
case(
    "backwards",
    relu("s", name="t") + relu("r", name="s") + relu("a") + A + const("", name="z"),
)
case(
    "merge without a loop",
    A + const("", name="b") + node("m", "Merge", "a", "b", T=FLOAT, N="i: 2"),
)
case("inside control dependencies", AR, entered(lambda tf: tf.control_dependencies([tf.no_op()])))

# ---- attributes

case("attr missing", A + node("r", "Relu", "a"))
for _value in ("i: 1", "", 's: "\\377"', 'func { name: "f" }', "list { type: DT_FLOAT }"):
    case(f"type is {_value!r}", A + relu("a", T=_value))
for _value in ("STRING", "DOUBLE", "INVALID", "FLOAT_REF"):
    case(f"type is {_value}", A + relu("a", T=f"type: DT_{_value}"))
for _value in ("9999", "100", "-1"):
    case(f"type is number {_value}", A + relu("a", T=f"type: {_value}"))
    case(f"placeholder of type number {_value}", placeholder(2, dtype=_value))
case("placeholder of references", placeholder(2, dtype="DT_FLOAT_REF"))
case("placeholder of resources", placeholder(2, dtype="DT_RESOURCE"))
for _count in ("3", "2", "1", "0", "-1", "1000000000000"):
    case(f"N is {_count}", A + node("r", "AddN", "a", "a", T=FLOAT, N=f"i: {_count}"))
case("N is missing", A + node("r", "AddN", "a", T=FLOAT))
for _count in ("1000000000000", "9223372036854775807", "3", "0", "-2"):
    _split = node("r", "Split", "d", "a", T=FLOAT, num_split=f"i: {_count}")
    case(f"split into {_count}", A + const("int_val: 0", "", "DT_INT32", "d") + _split)
for _types in ("FLOAT FLOAT", "FLOAT INT32", "FLOAT", ""):
    _list = "list { " + " ".join(f"type: DT_{each}" for each in _types.split()) + " }"
    case(f"types are {_types!r}", A + node("r", "IdentityN", "a", "a", T=_list))
case("types are missing", A + node("r", "IdentityN", "a", "a"))
case("unknown attr", A + relu("a", foo="i: 1"))
case("unknown attr, unset", A + relu("a", foo=""))
case("unknown attr of a newer producer", A + relu("a", foo="i: 1") + "versions { producer: 99999 }")
case("unknown attr with a function", A + relu("a", foo='func { name: "f" }'))
case("note of another program", A + relu("a", _foo="i: 1"))
_FILTER = placeholder(2, 2, 1, 1, name="w")
for _strides in (
    "i: 1",
    "list { f: 2 }",
    "list { i: 1 f: 2 }",
    "list { }",
    "list { i: 1 i: 0 i: 0 i: 1 }",
):
    _conv = node("r", "Conv2D", "a", "w", T=FLOAT, strides=_strides, padding='s: "SAME"')
    case(f"strides are {_strides}", placeholder(1, 4, 4, 1) + _FILTER + _conv)
_conv = node(
    "r", "Conv2D", "a", "w", T=FLOAT, strides="list { i: 1 i: -1 i: -1 i: 1 }", padding='s: "SAME"'
)
case("strides are negative", placeholder(1, 4, 4, 1) + _FILTER + _conv)
_conv = node(
    "r", "Conv2D", "a", "w", T=FLOAT, strides="list { i: 1 i: 1 i: 1 i: 1 }", padding='s: "SOME"'
)
case("padding is none", placeholder(1, 4, 4, 1) + _FILTER + _conv)
_VARIABLE = node("v", "VariableV2", dtype=FLOAT, shape=f"shape {{ {shape(2)} }}")
case("assign", _VARIABLE + A + node("r", "Assign", "v", "a", T=FLOAT))
case("assign to a value", A + node("r", "Assign", "a", "a", T=FLOAT))
case(
    "assign of another type",
    _VARIABLE.replace("FLOAT", "INT32") + A + node("r", "Assign", "v", "a", T=FLOAT),
)
case("read of a reference", _VARIABLE + relu("v"))
case(
    "variable of unknown size",
    node("v", "VariableV2", dtype=FLOAT, shape=f"shape {{ {shape(-1)} }}"),
)
case(
    "variable of unknown rank",
    node("v", "VariableV2", dtype=FLOAT, shape="shape { unknown_rank: true }"),
)
case("no op type", A.replace("Placeholder", ""))
case("unknown op type", A + relu("a").replace("Relu", "Rellu"))
case("unknown op type, not ASCII", A.replace("Placeholder", "\\303\\251"))

# ---- shapes and constants

for _dims in (
    (-1,),
    (-2,),
    (2**62,),
    (2**62, 2**62),
    (2**62, 0, 2**62),
    (2**40, 2**40, 0),
    (1,) * 300,
):
    case(f"placeholder of shape {str(_dims)[:30]}", placeholder(*_dims))
    case(f"constant of shape {str(_dims)[:30]}", const("float_val: 1", shape(*_dims)))
case(
    "placeholder of unknown rank with dims",
    A.replace("shape { dim", "shape { unknown_rank: true dim"),
)
for _value, _dims, _dtype in (
    ("", "", "FLOAT"),
    ("", shape(3), "FLOAT"),
    ("float_val: 1 float_val: 2", shape(4), "FLOAT"),
    ("float_val: 1 float_val: 2", shape(1), "FLOAT"),
    ("float_val: 1", shape(2**40), "FLOAT"),
    ("tensor_content: '\\000\\000\\200?'", shape(2**40), "FLOAT"),
    ("float_val: 1", "unknown_rank: true", "FLOAT"),
    ("float_val: 1", "unknown_rank: true " + shape(2), "FLOAT"),
    ("tensor_content: 'abc'", shape(1), "FLOAT"),
    ("tensor_content: 'abcdefgh'", shape(1), "FLOAT"),
    ("int_val: 1", "", "FLOAT"),
    ("float_val: 1", shape(*[1] * 65), "FLOAT"),
    ("float_val: 1", shape(*[1] * 255), "FLOAT"),
    ("string_val: 'a'", "", "STRING"),
    ("tensor_content: '\\001a'", "", "STRING"),
    ("tensor_content: '\\377\\377\\377\\377\\017a'", "", "STRING"),
    ("tensor_content: '\\001\\002abb'", shape(2), "STRING"),
    ("", shape(2), "STRING"),
    ("string_val: 'a' string_val: 'b'", shape(3), "STRING"),
    ("string_val: 'a'", shape(2**40), "STRING"),
    ("", "", "RESOURCE"),
    ("", "", "INVALID"),
    ("half_val: 1", "", "BFLOAT16"),
    ("half_val: 15360 half_val: 0", shape(3), "HALF"),
    ("int_val: 300", "", "UINT8"),
    ("int_val: -1000", "", "INT8"),
    ("tensor_content: '\\002'", "", "BOOL"),
    ("scomplex_val: 1", "", "COMPLEX64"),
    ("scomplex_val: 1 scomplex_val: 2 scomplex_val: 3 scomplex_val: 4", shape(3), "COMPLEX64"),
    ("uint32_val: 4000000000", "", "UINT32"),
    ("uint64_val: 18000000000000000000", "", "UINT64"),
):
    _label = f"constant {_dtype} {_value} [{_dims}]".replace("dim { size: ", "").replace(" }", "")
    case(f"{_label[:60]} {len(CASES)}", const(_value, _dims, f"DT_{_dtype}"))
case(
    "constant that says another type",
    const("int_val: 1", "", "DT_INT32").replace(
        "tensor { dtype: DT_INT32", "tensor { dtype: DT_FLOAT"
    ),
)
case("constant without a value", node("c", "Const", dtype=FLOAT))
case("shapes that do not fit", A + placeholder(3, name="b") + node("r", "AddV2", "a", "b", T=FLOAT))
_RESHAPE = node("r", "Reshape", "a", "c", T=FLOAT)
case("reshape to a negative size", A + const("int_val: -5", shape(1), "DT_INT32") + _RESHAPE)
case(
    "reshape by a damaged constant",
    placeholder(-1) + const("tensor_content: 'abc'", shape(1), "DT_INT32") + _RESHAPE,
)
case(
    "fill 2^40",
    const("int64_val: 1099511627776", shape(1), "DT_INT64")
    + const("", name="q")
    + node("r", "Fill", "c", "q", T=FLOAT, index_type="type: DT_INT64"),
)
for _shapes in (
    "shape { }",
    "",
    "shape { unknown_rank: true }",
    f"shape {{ {shape(-5)} }}",
    f"shape {{ {shape(3)} }}",
):
    case(
        f"told the output shapes {_shapes!r}", A + relu("a", _output_shapes=f"list {{ {_shapes} }}")
    )
case(
    "told more output shapes",
    A + relu("a", _output_shapes=f"list {{ shape {{ {shape(2)} }} shape {{ }} }}"),
)
case(
    "told a size", placeholder(-1) + relu("a", _output_shapes=f"list {{ shape {{ {shape(3)} }} }}")
)
case("told another kind of output shapes", A + relu("a", _output_shapes="i: 1"))

# ---- input_map and return_elements

for _key in ("a", "a:0", "a:1", "gone", "gone:0", "r", "r:7", "^a", "a:b", b"a"):
    case(f"map {_key!r}", AR, lambda tf, key=_key: {"input_map": {key: tensor(tf)}})
case(
    "map two names of one", AR, lambda tf: {"input_map": {"a": tensor(tf), "a:0": tensor(tf, "q")}}
)
case("map what waits", A + relu("a", "^a"), lambda tf: {"input_map": {"^a": tensor(tf)}})
case("map the data of what waits", A + relu("a", "^a"), lambda tf: {"input_map": {"a": tensor(tf)}})
case("map to an operation", AR, lambda tf: {"input_map": {"a": tensor(tf).op}})
case("map to another type", AR, lambda tf: {"input_map": {"a": tensor(tf, dtype="int32")}})
case("map to a number", AR, input_map={"a": 1.5})
case("map to a number, no prefix", AR, input_map={"a": 1.5}, name="")
case("map to a number, other prefix", AR, input_map={"a": 1.5}, name="x")
case("map to text", AR, input_map={"a": "p:0"})
case("map to a variable", AR, lambda tf: {"input_map": {"a": tf.Variable([1.0, 2.0])}})
case("map to nothing", AR, input_map={"a": None})
case("map that is a list", AR, input_map=["a"])
case("map that is an empty list", AR, input_map=[])
case("map of numbers", AR, lambda tf: {"input_map": {3: tensor(tf)}})
case("map a node that is missing", relu("gone"), lambda tf: {"input_map": {"gone": tensor(tf)}})
case(
    "map an output that is missing",
    relu("gone:3"),
    lambda tf: {"input_map": {"gone:3": tensor(tf)}},
)
case(
    "map to a tensor of another shape",
    placeholder(3) + relu("a"),
    lambda tf: {"input_map": {"a": tensor(tf)}},
)


def _of_another_graph(tf: Any) -> dict[str, Any]:
    with tf.Graph().as_default():
        return {"input_map": {"a": tensor(tf)}}


case("map to a tensor of another graph", AR, _of_another_graph)
for _elements in (["a", "a:0", "r:0"], [], ["a", "a"], ["gone"], ["gone:0"], ["a:1"], ["a:b"]):
    case(f"return {_elements}", AR, return_elements=_elements)
for _elements in (["a:0:0"], [3], "a", [b"a"], ["^a"], ("a",)):
    case(f"return {_elements}", AR, return_elements=_elements)
case(
    "return what is mapped",
    AR,
    lambda tf: {"input_map": {"a": tensor(tf)}},
    return_elements=["a:0", "a"],
)

# ---- devices, colocation, versions, functions

for _device in ("/job:ps/task:3", "/cpu:0", "junk", "/job:a/job:b/cpu:x"):
    case(f"device {_device}", on(A, _device))
case(
    "inside a device",
    on(A, "/job:ps/task:3") + relu("a"),
    entered(lambda tf: tf.device("/job:w/cpu:0")),
)
_NEAR_A = relu("a", _class='list { s: "loc:@a" }')
case("colocated", AR.replace("Relu", "Relu") + relu("a", name="s", _class='list { s: "loc:@r" }'))
case("colocated, on devices", on(A, "/job:ps/task:1") + on(_NEAR_A, "/job:w/task:9"))
case("colocated, leader anywhere", A + on(_NEAR_A, "/job:w/task:9"))
case("colocated, inside a device", A + _NEAR_A, entered(lambda tf: tf.device("/job:z")))
case("colocated, renamed", A + _NEAR_A, made("a"), name="")
case("colocated with what is missing", A + relu("a", _class='list { s: "loc:@gone" }'))
case(
    "colocated with the graph's own",
    A + relu("a", _class='list { s: "loc:@e" }'),
    made("e"),
    name="",
)
case("colocated with oneself", on(placeholder(name="s", _class='list { s: "loc:@s" }'), "/job:ps"))
case(
    "colocated with two",
    on(A, "/job:ps")
    + on(const("", name="b"), "/job:q")
    + relu("a", _class='list { s: "loc:@b" s: "loc:@a" s: "x" }'),
)
case(
    "colocated in a chain",
    on(A, "/job:ps/task:1") + _NEAR_A + relu("r", name="s", _class='list { s: "loc:@r" }'),
)
case(
    "colocated with a later one",
    on(A, "/job:ps/task:1") + relu("a", name="s", _class='list { s: "loc:@r" }') + _NEAR_A,
)
for _class in ('list { s: "foo" }', "i: 1", 's: "loc:@a"'):
    case(f"class is {_class}", A + relu("a", _class=_class))
case("mapped and colocated", A + _NEAR_A, lambda tf: {"input_map": {"a": tensor(tf)}})
for _versions in ("producer: 0", "producer: 5", "min_consumer: 99999", "bad_consumers: 2474"):
    case(f"versions {_versions}", AR + f"versions {{ {_versions} }}")
case("version in the old place", AR + "version: 5")
case("functions that are not used", AR + 'library { function { signature { name: "f" } } }')
case("finalized", AR, lambda tf: tf.get_default_graph().finalize())
for _given in (3, None, b"abc", "text"):
    case(f"not a GraphDef: {_given!r}", AR, graph_def=_given)


# ---- what comes of it


def outcome(tf: Any, each: ImportCase) -> list[Any]:
    """What comes of a case: the graph, or the class of the error."""
    message: Any = text_format.Parse(each.text, tf.GraphDef())
    with tf.Graph().as_default() as graph:
        arguments = {**each.arguments, **(each.before(tf) or {})}
        message = arguments.pop("graph_def", message)
        before = [op.name for op in graph.get_operations()]
        try:
            found = tf.import_graph_def(message, **arguments)
        except (TypeError, ValueError, RuntimeError, tf.errors.OpError) as error:
            if tf.__name__ == "minitf":
                after = [op.name for op in graph.get_operations()]
                assert after == before, "a part was added"
            return ["error", type(error).__name__]
        returned = None if found is None else [element.name for element in found]
        return ["graph", returned, [_described(op) for op in graph.get_operations()]]


def _described(op: Any) -> list[Any]:
    return [
        op.name[:80],
        op.type,
        [t.name for t in op.inputs],
        [c.name for c in op.control_inputs],
        op.device,
        [f"{t.dtype.name} {t.shape}" for t in op.outputs[:4]],
        [group.decode() for group in op.colocation_groups()],
    ]


def main() -> None:
    tf = engine("tensorflow.compat.v1")
    found = {label: outcome(tf, each) for label, each in CASES.items()}
    lines = [f"{json.dumps(label)}: {json.dumps(each)}" for label, each in found.items()]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    refused = sum(each[0] == "error" for each in found.values())
    print(f"{len(found)} cases, of which TensorFlow refuses {refused}")


if __name__ == "__main__":
    main()
