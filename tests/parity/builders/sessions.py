"""What monitored sessions and their hooks add to a graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("sessions")

# The graphs are finalized, and what they are for is done by sessions: nodes are compared.


def _variables(tf: Any) -> None:
    tf.Variable([1.0, 2.0], name="w")
    tf.get_local_variable("local", [], initializer=tf.zeros_initializer())
    tf.train.get_or_create_global_step()


@family.graph(run=False)
def scaffold(tf: Any) -> None:
    _variables(tf)
    tf.train.Scaffold(init_feed_dict={}, local_init_feed_dict={}).finalize()


@family.graph(run=False)
def scaffold_of_nothing(tf: Any) -> None:
    tf.train.Scaffold().finalize()


@family.graph(run=False)
def scaffold_with_parts(tf: Any) -> None:
    _variables(tf)
    parts = tf.train.Scaffold(
        init_op=tf.global_variables_initializer(),
        init_fn=lambda scaffold, sess: None,
        ready_op=tf.constant([], tf.string),
        ready_for_local_init_op=tf.constant([], tf.string, name="ready"),
        local_init_op=tf.no_op(),
        summary_op=tf.constant(b"", name="summaries"),
        saver=tf.train.Saver(),
    )
    tf.train.Scaffold(copy_from_scaffold=parts).finalize()


@family.graph(run=False)
def hooks_that_count(tf: Any) -> None:
    """Two of them share the node that reads the global step."""
    _variables(tf)
    for hook in (tf.train.StopAtStepHook(last_step=3), tf.train.StopAtStepHook(num_steps=3)):
        hook.begin()


@family.graph(run=False)
def no_tables(tf: Any) -> None:
    tf.tables_initializer()
    tf.tables_initializer(name="tables")


def _begin(hook: Any) -> None:
    hook.begin()


family.error("no global step", lambda tf: _begin(tf.train.StopAtStepHook(last_step=3)))
family.error("nothing to stop at", lambda tf: tf.train.StopAtStepHook())
family.error("no interval", lambda tf: tf.train.LoggingTensorHook(["a"]))
family.error("interval of nothing", lambda tf: tf.train.LoggingTensorHook(["a"], every_n_iter=0))
family.error("two intervals", lambda tf: tf.train.SecondOrStepTimer(1, 1))
family.error("no summaries", lambda tf: tf.train.SummarySaverHook(save_steps=1))
family.error("no scaffold", lambda tf: tf.train.Scaffold(copy_from_scaffold=1))
family.error("no session", lambda tf: tf.train.start_queue_runners())
family.error("no queue", lambda tf: tf.train.QueueRunner())
family.error("no coordinator", lambda tf: tf.train.LooperThread(None, None))
family.error(
    "init without a way", lambda tf: tf.train.SessionManager().prepare_session("", init_op=None)
)
family.error(
    "init that leaves a variable out",
    lambda tf: tf.train.SessionManager(
        ready_op=tf.report_uninitialized_variables([tf.Variable(1.0)])
    ).prepare_session("", init_op=tf.no_op()),
)


def _replicated(tf: Any, **options: Any) -> Any:
    """Synchronous training of a dense variable and a sparse one, on two parameter servers."""
    with tf.device("/job:ps/task:0"):
        w = tf.Variable([1.0, 2.0], name="w")
        step = tf.train.get_or_create_global_step()
    with tf.device("/job:ps/task:1"):
        table = tf.Variable(tf.zeros([5, 2]), name="table")
    loss = tf.reduce_sum(w * w) + tf.reduce_sum(tf.nn.embedding_lookup(table, [1, 2]))
    optimizer = tf.train.SyncReplicasOptimizer(tf.train.MomentumOptimizer(0.1, 0.9), **options)
    optimizer.apply_gradients(optimizer.compute_gradients(loss), step)
    return optimizer


def _nodes_of_training(tf: Any) -> list[Any]:
    """All nodes, but for the tokens: minitf reads the global step anew for them."""
    lines = [
        f"{op.name} {op.type} {op.device} {[t.name for t in op.inputs]}"
        f" {sorted(c.name for c in op.control_inputs)}"
        for op in tf.get_default_graph().get_operations()
        if not op.name.startswith(("gradients/", "Fill", "global_step_now", "sync_token_q_Enq"))
    ]
    return [np.array([line.encode() for line in lines], object)]


@family.values(nodes=False)
def synchronous_training(tf: Any) -> list[Any]:
    optimizer = _replicated(tf, replicas_to_aggregate=2, total_num_replicas=3, name="sync")
    optimizer.get_init_tokens_op()
    optimizer.get_init_tokens_op(0)
    return _nodes_of_training(tf)


@family.values(nodes=False)
def synchronous_training_with_averages(tf: Any) -> list[Any]:
    average = tf.train.ExponentialMovingAverage(0.9)
    optimizer = _replicated(
        tf,
        replicas_to_aggregate=2,
        variable_averages=average,
        variables_to_average=tf.trainable_variables(),
        use_locking=True,
    )
    optimizer.get_init_tokens_op(num_tokens=4)
    return _nodes_of_training(tf)


family.error(
    "no step to synchronize",
    lambda tf: tf.train.SyncReplicasOptimizer(tf.train.AdamOptimizer(), 2).minimize(
        tf.Variable(1.0) * 1.0
    ),
)
family.error(
    "no gradients to synchronize",
    lambda tf: tf.train.SyncReplicasOptimizer(tf.train.AdamOptimizer(), 2).apply_gradients([]),
)
family.error(
    "too few tokens",
    lambda tf: _replicated(tf, replicas_to_aggregate=3, total_num_replicas=2).get_init_tokens_op(0),
)
family.error(
    "tokens before gradients",
    lambda tf: tf.train.SyncReplicasOptimizer(tf.train.AdamOptimizer(), 2).get_init_tokens_op(),
)
