"""Training on several processes: one parameter server and two workers, with one command.

Every process runs this script. Each builds the same graph; `tf.train.replica_device_setter` puts
the variables on the parameter server and the rest on the worker itself. The first worker, the
chief, initializes the variables and saves them; the other waits for that. From then on each worker
goes its own way: it reads its own batch, takes the variables from the server, and sends gradients.

Asynchronously, the server applies gradients as they come, whatever has changed meanwhile. With
--sync it waits for one gradient of each worker, and applies their mean as one step.

    python examples/08_distributed.py
    python examples/08_distributed.py --sync --workers 3

On several machines each process is started by hand, with the same lists of addresses, and with a
secret that all know, in the variable MINITF_SECRET:

    python examples/08_distributed.py --ps_hosts=a:2222 --worker_hosts=b:2222,c:2222 \\
        --job_name=worker --task_index=1
"""

import argparse
import socket
import subprocess
import sys

import minitf as tf
from minitf.examples.tutorials.mnist import input_data


def build_model(args, workers):
    """Builds the graph; returns its placeholders, what to run, and the hooks that go with it."""
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    y_ = tf.placeholder(tf.float32, [None, 10], name="y_")
    hidden = tf.layers.dense(x, 100, tf.nn.relu, name="hidden")
    logits = tf.layers.dense(hidden, 10, name="logits")
    loss = tf.losses.softmax_cross_entropy(y_, logits)
    correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y_, 1))
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))

    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.GradientDescentOptimizer(args.learning_rate)
    hooks = [tf.train.StopAtStepHook(last_step=args.steps)]
    if args.sync:
        optimizer = tf.train.SyncReplicasOptimizer(
            optimizer, replicas_to_aggregate=workers, total_num_replicas=workers
        )
    train_step = optimizer.minimize(loss, step)
    if args.sync:
        hooks.append(optimizer.make_session_run_hook(args.task_index == 0))
    return x, y_, loss, train_step, accuracy, hooks


def run_task(args):
    """Is one process of the cluster."""
    cluster = tf.train.ClusterSpec(
        {"ps": args.ps_hosts.split(","), "worker": args.worker_hosts.split(",")}
    )
    server = tf.train.Server(cluster, job_name=args.job_name, task_index=args.task_index)
    if args.job_name == "ps":
        server.join()

    mnist = input_data.read_data_sets(args.data_dir, one_hot=True, seed=args.task_index)
    worker = f"/job:worker/task:{args.task_index}"
    tf.set_random_seed(1)
    with tf.device(tf.train.replica_device_setter(worker_device=worker, cluster=cluster)):
        x, y_, loss, train_step, accuracy, hooks = build_model(args, cluster.num_tasks("worker"))

    step = tf.train.get_global_step()
    is_chief = args.task_index == 0
    folder = args.log_dir if is_chief else ""
    value = own_steps = 0
    # A worker sees the servers and itself: it waits for no other worker.
    config = tf.ConfigProto(device_filters=["/job:ps", worker])
    with tf.train.MonitoredTrainingSession(
        server.target, is_chief, folder or None, hooks=hooks, config=config
    ) as sess:
        while not sess.should_stop():
            images, labels = mnist.train.next_batch(args.batch_size)
            _, last_loss, value = sess.run([train_step, loss, step], {x: images, y_: labels})
            own_steps += 1
            if own_steps % 100 == 0:
                print(f"{worker}: step {value}, of these {own_steps} here, loss {last_loss:.3f}")
    print(f"{worker}: done at step {value}, of these {own_steps} here", flush=True)

    if is_chief:  # the variables are still on the server
        with tf.Session(server.target, config=config) as sess:
            test = {x: mnist.test.images, y_: mnist.test.labels}
            found = sess.run(accuracy, test)
        print(f"test accuracy on {mnist.test.num_examples} digits: {found:.4f}", flush=True)
    server.stop()


def run_cluster(argv, workers):
    """Starts one parameter server and some workers on this machine; ends when these have."""
    ports = free_ports(1 + workers)
    hosts = [f"localhost:{port}" for port in ports]
    more = [f"--ps_hosts={hosts[0]}", f"--worker_hosts={','.join(hosts[1:])}"]

    def start(job, index):
        place = [f"--job_name={job}", f"--task_index={index}"]
        return subprocess.Popen([sys.executable, __file__, *argv, *more, *place])

    server = start("ps", 0)
    running = [start("worker", index) for index in range(workers)]
    try:
        codes = [process.wait() for process in running]
    finally:
        for process in [server, *running]:
            process.kill()
            process.wait()
    if any(codes):
        sys.exit(f"workers ended with {codes}")


def free_ports(count):
    """Ports that nobody listens at."""
    probes = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def main(argv=None):
    """Starts a cluster, or is one of its tasks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sync", action="store_true", help="one step for all workers together")
    parser.add_argument("--workers", type=int, default=2, help="how many workers to start")
    parser.add_argument("--steps", type=int, default=1000, help="steps of all workers together")
    parser.add_argument("--batch_size", type=int, default=100, help="images per worker and step")
    parser.add_argument("--learning_rate", type=float, default=0.5, help="step size")
    parser.add_argument("--data_dir", default="MNIST_data", help="where the data are kept")
    parser.add_argument("--log_dir", default="", help="where the chief saves")
    parser.add_argument("--job_name", default="", choices=["", "ps", "worker"])
    parser.add_argument("--task_index", type=int, default=0)
    parser.add_argument("--ps_hosts", default="")
    parser.add_argument("--worker_hosts", default="")
    argv = sys.argv[1:] if argv is None else argv
    args = parser.parse_args(argv)
    if args.job_name:
        run_task(args)
    else:
        run_cluster(argv, args.workers)


if __name__ == "__main__":
    main()
