"""What each node of a graph is for, and where it belongs."""

import minitf as tf
from minitf.visualize import grouping
from minitf.visualize.grouping import Place, parts, places


def training_graph(optimizer=None, **minimize):
    """A layer, its loss and the step that trains it."""
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.name_scope("layer"):
        w = tf.Variable(tf.zeros([3, 2]), name="w")
        y = tf.nn.relu(tf.matmul(x, w), name="y")
    loss = tf.reduce_mean(y, name="loss")
    return (optimizer or tf.train.AdamOptimizer(0.1)).minimize(loss, **minimize)


def named(part):
    ops = tf.get_default_graph().get_operations()
    return {op.name for op, found in parts(ops).items() if found == part}


def test_the_model_is_what_is_left():
    training_graph()
    assert named("forward") == {
        *("x", "layer/w", "layer/w/read", "layer/MatMul", "layer/y", "Const", "loss"),
    }


def test_gradients_are_what_tf_gradients_made():
    training_graph()
    gradients = named("gradient")
    assert gradients
    assert all(name.startswith("gradients/") for name in gradients)
    assert "gradients/layer/MatMul_grad/MatMul" in gradients


def test_a_gradient_scope_may_have_any_name():
    x = tf.constant(3.0, name="x")
    (slope,) = tf.gradients(x * x, x, name="slopes")
    assert slope.op.name in named("gradient")
    assert grouping.frame_of_gradient(slope.op) == "slopes"


def test_gradients_of_an_imported_graph_are_known_by_their_name():
    x = tf.constant(3.0, name="x")
    (slope,) = tf.gradients(x * x, x)
    graph_def = tf.get_default_graph().as_graph_def()
    with tf.Graph().as_default() as other:
        tf.import_graph_def(graph_def, name="")
    assert parts(other.get_operations())[other.get_operation_by_name(slope.op.name)] == "gradient"


def test_the_optimizer_has_its_slots_its_rate_and_its_step():
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(0.1, step, 100, 0.9)
    training_graph(tf.train.AdamOptimizer(rate), global_step=step)
    update = named("update")
    assert {"layer/w/Adam", "layer/w/Adam_1", "layer/w/Adam/read", "beta1_power"} <= update
    assert {"Adam/update_layer/w/ApplyAdam", "Adam", "global_step", "ExponentialDecay"} <= update
    assert "layer/w" not in update


def test_initializers_and_what_only_they_need():
    training_graph()
    tf.global_variables_initializer()
    initialize = named("initialize")
    assert {"layer/zeros", "layer/w/Assign", "beta1_power/initial_value", "init"} <= initialize
    assert "layer/w" not in initialize


def test_saving_and_summaries():
    training_graph()
    before = set(tf.get_default_graph().get_operations())
    tf.train.Saver()
    save = named("save")
    made = {op.name for op in set(tf.get_default_graph().get_operations()) - before}
    assert "save/SaveV2" in save and "save/RestoreV2" in save and "save/Assign" in save
    assert made <= save
    assert "layer/w" not in save


def test_what_is_only_summarized_belongs_to_the_model():
    error = tf.reduce_mean(tf.placeholder(tf.float32, [None], name="x"), name="error")
    tf.summary.scalar("of_error", error)
    tf.summary.merge_all()
    assert {"error", "x"} <= named("forward")
    assert {"of_error", "of_error/tags", "Merge/MergeSummary"} <= named("summary")


def test_a_variable_that_nothing_reads_is_still_the_models():
    tf.Variable(1.0, name="alone")
    assert "alone" in named("forward")


def test_a_counter_belongs_to_the_model():
    count = tf.Variable(0, name="count")
    tf.assign_add(count, 1, name="step")
    assert {"count", "step"} <= named("forward")


def test_places_put_gradients_beside_the_model_and_slots_beside_their_update():
    training_graph()
    ops = tf.get_default_graph().get_operations()
    by_name = {op.name: place for op, place in places(ops, parts(ops)).items()}
    assert by_name["layer/MatMul"] == Place("", ("layer",))
    assert by_name["x"] == Place("", ())
    assert by_name["gradients/layer/MatMul_grad/MatMul"] == Place(
        "gradients", ("layer", "MatMul_grad")
    )
    assert by_name["layer/w/Adam"] == Place("", ("Adam", "update_layer", "w"))
    assert by_name["beta1_power"] == Place("", ("Adam",))


def test_a_node_that_gave_a_scope_its_name_stands_in_it():
    x = tf.constant(1.0, name="a")
    with tf.name_scope("a/"):
        y = tf.identity(x, name="b")
    ops = [x.op, y.op]
    assert places(ops, parts(ops))[x.op] == Place("", ("a",))


def test_a_long_chain_is_sorted_in_linear_time_and_without_recursion():
    x = tf.constant(1.0)
    for _ in range(5000):
        x = tf.identity(x)
    assert set(parts(x.graph.get_operations()).values()) == {"forward"}
