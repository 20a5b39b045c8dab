"""Trains as the distributed examples of TensorFlow 1 do: a linear model, on random numbers."""

import os
import time

import numpy as np
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_string("job_name", None, "job name: worker or ps")
flags.DEFINE_integer(
    "task_index", None, "Worker task index, should be >= 0. task_index=0 is the chief"
)
flags.DEFINE_string("ps_hosts", "localhost:2222", "Comma-separated list of hostname:port pairs")
flags.DEFINE_string("worker_hosts", "localhost:2223", "Comma-separated list of hostname:port pairs")
flags.DEFINE_integer("train_steps", 40, "Number of (global) training steps to perform")
flags.DEFINE_float("pause", 0.0, "Seconds between two steps")
flags.DEFINE_boolean("sync_replicas", False, "Use the sync_replicas mode")
flags.DEFINE_string("train_dir", None, "Where checkpoints go")
FLAGS = flags.FLAGS

FACTORS = np.arange(10, dtype=np.float32).reshape(10, 1) / 10


def main(_):
    ps_spec = FLAGS.ps_hosts.split(",")
    worker_spec = FLAGS.worker_hosts.split(",")
    num_workers = len(worker_spec)
    cluster = tf.train.ClusterSpec({"ps": ps_spec, "worker": worker_spec})
    server = tf.train.Server(cluster, job_name=FLAGS.job_name, task_index=FLAGS.task_index)
    if FLAGS.train_dir:
        name = f"{FLAGS.job_name}-{FLAGS.task_index}.{os.environ.get('MINITF_NODE')}"
        open(os.path.join(FLAGS.train_dir, name), "w").close()
    if FLAGS.job_name == "ps":
        server.join()
    is_chief = FLAGS.task_index == 0
    device = f"/job:worker/task:{FLAGS.task_index}"
    with tf.device(tf.train.replica_device_setter(worker_device=device, cluster=cluster)):
        global_step = tf.train.get_or_create_global_step()
        x = tf.placeholder(tf.float32, [None, 10])
        y_ = tf.placeholder(tf.float32, [None, 1])
        w = tf.Variable(tf.zeros([10, 1]), name="w")
        loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - y_))
        opt = tf.train.GradientDescentOptimizer(0.1)
        hooks = [tf.train.StopAtStepHook(last_step=FLAGS.train_steps)]
        if FLAGS.sync_replicas:
            opt = tf.train.SyncReplicasOptimizer(
                opt, replicas_to_aggregate=num_workers, total_num_replicas=num_workers
            )
            hooks.append(opt.make_session_run_hook(is_chief))
        train_op = opt.minimize(loss, global_step=global_step)

    rng = np.random.RandomState(FLAGS.task_index)
    with tf.train.MonitoredTrainingSession(
        master=server.target,
        is_chief=is_chief,
        hooks=hooks,
        checkpoint_dir=FLAGS.train_dir,
        save_checkpoint_secs=1,
    ) as sess:
        while not sess.should_stop():
            batch_xs = rng.randn(32, 10).astype(np.float32)
            feed = {x: batch_xs, y_: batch_xs @ FACTORS}
            _, value, step = sess.run([train_op, loss, global_step], feed_dict=feed)
            print(f"global step: {step} loss: {value:.6f}")
            time.sleep(FLAGS.pause)
    print("Training ends")


if __name__ == "__main__":
    tf.app.run()
