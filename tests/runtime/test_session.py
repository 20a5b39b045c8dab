"""Sessions: what may be fetched and fed, what runs, and what lives between runs."""

import collections
import threading

import numpy as np
import pytest

import minitf as tf


@pytest.fixture
def sess():
    with tf.Session() as session:
        yield session


# ---- fetches


def test_nested_fetches(sess):
    a, b = tf.constant(1), tf.constant([2.0, 3.0])
    Pair = collections.namedtuple("Pair", ["left", "right"])
    fetches = {"pair": Pair(a, [b, a]), "op": a.op, "names": ("Const:0", "Const"), "empty": []}
    values = sess.run(fetches)
    assert isinstance(values["pair"], Pair) and values["pair"].left == 1
    np.testing.assert_array_equal(values["pair"].right[0], [2, 3])
    assert values["op"] is None and values["names"] == (1, None) and values["empty"] == []
    ordered = sess.run(collections.OrderedDict([("z", a), ("a", a)]))
    assert list(ordered) == ["z", "a"] and isinstance(ordered, collections.OrderedDict)
    assert sess.run([]) == [] and sess.run({}) == {}


def test_types_of_fetched_values(sess):
    assert type(sess.run(tf.constant(1.0))) is np.float32
    assert type(sess.run(tf.constant([1.0]))) is np.ndarray
    assert sess.run(tf.constant("text")) == b"text"
    assert sess.run(tf.constant(["a", "b"])).tolist() == [b"a", b"b"]
    assert sess.run(tf.no_op()) is None


def test_fetch_indexed_slices(sess):
    slices = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([3]), tf.constant([9, 1]))
    value = sess.run(slices)
    assert value.values.tolist() == [[1.0]] and value.indices.tolist() == [3]
    assert value.dense_shape.tolist() == [9, 1]


def test_fetched_values_are_the_callers_own(sess):
    c = tf.constant([1.0, 2.0])
    v = tf.Variable([1.0, 2.0])
    sess.run(v.initializer)
    for fetch in (c, v, v.value(), tf.reshape(v, [2, 1]), tf.identity(c)):
        value = sess.run(fetch)
        value += 100
        assert sess.run(fetch).max() == 2.0
    fed = np.array([1.0, 2.0], np.float32)
    x = tf.placeholder(tf.float32)
    sess.run(x, {x: fed})[0] = 9
    assert fed[0] == 1.0
    first, second = sess.run([c, tf.identity(c)])
    first[0] = 7
    assert second[0] == 1


@pytest.mark.parametrize(
    ("fetch", "error", "match"),
    [
        (None, TypeError, "Cannot be None"),
        (1.5, TypeError, "invalid type 'float'"),
        (np.zeros(2), TypeError, "a value, perhaps of an earlier fetch"),
        ("foo:0", ValueError, "does not exist"),
        ("foo", ValueError, "not in the graph"),
        ([object()], TypeError, "invalid type 'object'"),
    ],
)
def test_what_cannot_be_fetched(sess, fetch, error, match):
    tf.constant(1)  # of a graph without nodes nothing can be fetched at all
    with pytest.raises(error, match=match):
        sess.run(fetch)


def test_fetch_of_another_graph(sess):
    with tf.Graph().as_default():
        other = tf.constant(1, name="Same")
    tf.constant(1, name="Same")
    with pytest.raises(ValueError, match="not an element of this graph") as error:
        sess.run(other)
    assert "did you mean that one" in str(error.value)


# ---- feeds


def test_feeding_any_tensor(sess):
    x = tf.placeholder(tf.float32)
    double = x * 2.0
    result = double + 1.0
    assert sess.run(result, {double: 10.0}) == 11.0
    assert sess.run([result, double], {double: 10.0}) == [11.0, 10.0]
    assert sess.run(tf.constant(1.0) + 1.0, {}) == 2.0
    c = tf.constant(5.0)
    assert sess.run(c + 1.0, {c: 6.0}) == 7.0
    assert sess.run(result, {"Placeholder:0": 3.0}) == 7.0


def test_feeding_one_output_of_several(sess):
    a, b = tf.split(tf.constant([1.0, 2.0]), 2)
    values = sess.run([a, b], {a: [9.0]})
    assert values[0] == [9.0] and values[1] == [2.0]


def test_feeds_are_converted(sess):
    x = tf.placeholder(tf.float32, [2])
    for value in ([1, 2], (1.0, 2.0), np.array([1, 2]), np.array([1.0, 2.0]), [np.float16(1), 2]):
        result = sess.run(x * 1.0, {x: value})
        assert result.dtype == np.float32 and result.tolist() == [1, 2]
    matrix = tf.placeholder(tf.float32)
    fortran = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(sess.run(tf.transpose(matrix), {matrix: fortran}), fortran.T)
    text = tf.placeholder(tf.string)
    assert sess.run(text, {text: ["a", b"b"]}).tolist() == [b"a", b"b"]


def test_feeding_indexed_slices_and_tuples(sess):
    a, b = tf.placeholder(tf.float32), tf.placeholder(tf.int32)
    assert sess.run([a, b], {(a, b): (1.0, 2)}) == [1.0, 2]
    slices = tf.IndexedSlices(a, b)
    value = sess.run(slices, {slices: (np.ones((1, 1)), [0])})
    assert value.values.tolist() == [[1.0]]


def test_wrong_shape_is_explained(sess):
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    with pytest.raises(ValueError, match=r"Cannot feed value of shape \(50, 2352\)") as error:
        sess.run(x, {x: np.zeros((50, 2352))})
    text = str(error.value)
    assert "'x:0'" in text and "(?, 784)" in text and "axis 1 is 2352, not 784" in text
    assert __file__ in text


@pytest.mark.parametrize(
    ("shape", "value", "hint"),
    [
        ([None, 784], np.zeros((784, 50)), "value.T"),
        ([None, 784], np.zeros(784), r"value\[None\]"),
        ([None, 28, 28, 1], np.zeros((5, 784)), r"reshape\(\[-1, 28, 28, 1\]\)"),
        ([None, 10], np.zeros(7), r"numpy.eye\(10\)\[value\]"),
    ],
)
def test_hints_for_wrong_shapes(sess, shape, value, hint):
    x = tf.placeholder(tf.float32, shape)
    with pytest.raises(ValueError, match=hint):
        sess.run(x, {x: value})


def test_wrong_values(sess):
    x = tf.placeholder(tf.float32, name="x")
    n = tf.placeholder(tf.int8)
    other = tf.Graph()
    with other.as_default():
        foreign = tf.placeholder(tf.float32)
    for feed, error, match in (
        ({x: "text"}, ValueError, "could not convert string to float"),
        ({x: [[1], [2, 3]]}, ValueError, "inhomogeneous"),
        ({x: tf.constant(1.0)}, TypeError, "cannot be a tf.Tensor"),
        ({n: 300}, (TypeError, ValueError), "300"),
        ({"y:0": 1}, TypeError, "Cannot interpret feed_dict key as Tensor"),
        ({foreign: 1}, TypeError, "not an element of this graph"),
        ({1: 1}, TypeError, "Can not convert a int"),
        ({x.op: 1}, TypeError, "Can not convert a Operation"),
        (x, TypeError, r"run\(\[a, b\]\)"),
    ):
        with pytest.raises(error, match=match):
            sess.run(x, feed)


def test_unfed_placeholder_shows_the_way_to_it(sess):
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    y = tf.identity(tf.square(x, name="sq"), name="y")
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        sess.run([tf.constant(1), y])
    text = str(error.value)
    assert "You must feed a value for placeholder tensor 'x'" in text
    assert "float32" in text and "(?, 2)" in text
    assert "y <- sq <- x" in text and __file__ in text
    assert error.value.op is x.op and error.value.error_code == 3


def test_only_what_is_fetched_runs(sess):
    ran = []
    a = tf.py_func(lambda: ran.append("a") or np.float32(1), [], tf.float32)
    b = tf.py_func(lambda: ran.append("b") or np.float32(2), [], tf.float32)
    sess.run(a)
    assert ran == ["a"]
    sess.run([a, a + b, a])
    assert ran == ["a", "a", "b"]


# ---- state


def test_variables_belong_to_the_session():
    v = tf.Variable(0)
    up = v.assign_add(1)
    with tf.Session() as one, tf.Session() as two:
        one.run(v.initializer)
        one.run(up)
        with pytest.raises(tf.errors.FailedPreconditionError):
            two.run(v)
        two.run(v.initializer)
        assert one.run(v) == 1 and two.run(v) == 0


def test_fetching_a_variable_with_its_update_gives_the_updated_value(sess):
    v = tf.Variable([1.0, 2.0])
    up = v.assign_add([1.0, 1.0])
    sess.run(v.initializer)
    value, _ = sess.run([v, up.op])
    assert value.tolist() == [2.0, 3.0]


def test_closed_session():
    session = tf.Session()
    c = tf.constant(1)
    call = session.make_callable(c)
    session.close()
    session.close()
    for use in (lambda: session.run(c), call, lambda: session.make_callable(c)):
        with pytest.raises(RuntimeError, match="closed Session") as error:
            use()
        assert __file__ in str(error.value)


def test_default_sessions():
    c = tf.constant(1)
    with pytest.raises(ValueError, match="No default session"):
        c.eval()
    with tf.Session() as outer:
        assert tf.get_default_session() is outer and c.eval() == 1
        inner = tf.Session()
        with inner.as_default():
            assert tf.get_default_session() is inner
        assert tf.get_default_session() is outer
        assert inner.run(c) == 1  # as_default does not close
        with outer.as_default(), inner.as_default():
            with outer.as_default():
                assert tf.get_default_session() is outer
            assert tf.get_default_session() is inner
    assert tf.get_default_session() is None
    graph = tf.Graph()
    with tf.Session(graph=graph), pytest.raises(ValueError, match="graph"):
        c.eval()
    with tf.Session(graph=graph):
        assert tf.get_default_graph() is graph


def test_interactive_session():
    session = tf.InteractiveSession()
    v = tf.Variable(3.0)
    tf.global_variables_initializer().run()
    assert v.eval() == 3.0 and (v * 2.0).eval() == 6.0
    session.close()
    assert tf.get_default_session() is None


def test_arguments_of_a_session():
    with pytest.raises(TypeError, match="graph must be"):
        tf.Session(graph=tf.constant(1))
    with pytest.raises(TypeError, match="config must be"):
        tf.Session(config={"a": 1})
    with pytest.raises(AttributeError, match="no field 'alow_growth'"):
        tf.GPUOptions(alow_growth=True)
    config = tf.ConfigProto(allow_soft_placement=True, log_device_placement=False)
    config.gpu_options.allow_growth = True
    with tf.Session(config=config) as session:
        assert session.run(tf.constant(1)) == 1


def test_make_callable(sess):
    x, y = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    call = sess.make_callable([x - y, {"sum": x + y}], [x, y])
    assert call(3.0, 1.0) == [2.0, {"sum": 4.0}]
    with pytest.raises(TypeError, match="takes 2 values"):
        call(1.0)


# ---- programs


def test_other_nodes_do_not_disturb_a_program(sess):
    c = tf.constant(1) + 1
    sess.run(c)
    program = sess._program([c], [])
    tf.constant(2) * 3
    assert sess._program([c], []) is program


def test_a_changed_node_makes_a_new_program(sess):
    a, b = tf.constant(1), tf.constant(2)
    c = tf.identity(a)
    other = tf.identity(b)
    assert sess.run(c) == 1
    program = sess._program([c], [])
    other.op._add_control_input(a.op)
    assert sess._program([c], []) is program
    c.op._update_input(0, b)
    assert sess.run(c) == 2


def test_explain(sess):
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    y = tf.nn.relu(x, name="y")
    lines = sess.explain(y * 1.0, [x]).splitlines()
    assert lines == [
        "# 3 nodes are needed",
        "# simplify: without 1 Mul",
        "def step(x):",
        "    y = relu_kernel(x)                                    # float32(?, 2)",
        "    return [y]",
    ]


def test_runs_from_many_threads(sess):
    v = tf.Variable(0)
    x = tf.placeholder(tf.int32)
    up = tf.assign_add(v, x, use_locking=True)
    double = x * 2
    sess.run(v.initializer)
    wrong = []

    def work(n):
        for i in range(200):
            if sess.run(double, {x: i}) != 2 * i:
                wrong.append(i)
            sess.run(up, {x: n})

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert sess.run(v) == 200 * (1 + 2 + 3 + 4)


def test_a_graph_that_grows_in_a_loop_is_told_once(sess, caplog):
    x = tf.constant(0)
    for _ in range(60):
        x = x + 1  # the culprit
        sess.run(x)
    messages = [r.getMessage() for r in caplog.records if "grew" in r.getMessage()]
    assert len(messages) == 1
    assert "the culprit" in messages[0]


def test_adding_and_running_a_few_times_is_no_reason_to_complain(sess, caplog):
    for _ in range(5):
        sess.run(tf.constant(1))
    assert not [r for r in caplog.records if "grew" in r.getMessage()]


def test_random_numbers_start_anew_in_each_session():
    tf.set_random_seed(5)
    r = tf.random_uniform([3])
    with tf.Session() as one:
        first, second = one.run(r), one.run(r)
    with tf.Session() as two:
        np.testing.assert_array_equal(two.run(r), first)
        np.testing.assert_array_equal(two.run(r), second)
    assert not np.array_equal(first, second)


def test_a_variable_may_be_fed_to_what_reads_it(sess):
    v = tf.Variable([1.0, 2.0], name="v")
    double = v * 2.0
    sess.run(v.initializer)
    for _ in range(3):
        assert sess.run([double, v], {v: [5.0, 6.0]})[0].tolist() == [10.0, 12.0]
        assert sess.run(v, {v: [5.0, 6.0]}).tolist() == [5.0, 6.0]
        assert sess.run(double).tolist() == [2.0, 4.0]


def test_a_fed_variable_cannot_be_updated(sess):
    v = tf.Variable([1.0, 2.0], name="v")
    update = tf.assign_add(v, [1.0, 1.0])
    sess.run(v.initializer)
    for run in (sess.run, lambda *args: sess.run_observed(*args, lambda *_: None)):
        for _ in range(3):
            with pytest.raises(tf.errors.InvalidArgumentError, match="a value is fed in") as error:
                run(update, {v: [5.0, 6.0]})
            assert error.value.op is update.op
            assert "test_session.py" in str(error.value)
    assert sess.run(v).tolist() == [1.0, 2.0]
