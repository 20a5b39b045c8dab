"""What TensorFlow 1 scripts import for TensorBoard; the config of its projector."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import text_format

import minitf as tf
from minitf.contrib.tensorboard.plugins import projector
from tests.source_tree import ROOT

SCRIPT = """
import os, sys
import tensorflow as tf
from tensorflow.contrib.tensorboard.plugins import projector

folder = sys.argv[1]
vectors = tf.Variable(tf.random_normal([3, 2]), name="vectors")
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    tf.train.Saver([vectors]).save(sess, os.path.join(folder, "model.ckpt"), 1)
with open(os.path.join(folder, "metadata.tsv"), "w") as f:
    f.write("a\\nb\\nc\\n")
writer = tf.summary.FileWriter(folder)
config = projector.ProjectorConfig()
embedding = config.embeddings.add()
embedding.tensor_name = vectors.name
embedding.metadata_path = "metadata.tsv"
embedding.sprite.image_path = "sprite.png"
embedding.sprite.single_image_dim.extend([28, 28])
projector.visualize_embeddings(writer, config)
assert tf.contrib.tensorboard.plugins.projector is projector
"""


def test_a_script_of_tensorflow_1(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    subprocess.run(
        [sys.executable, "-m", "minitf", "run", str(tmp_path / "script.py"), str(tmp_path)],
        cwd=ROOT,
        timeout=120,
        check=True,
    )
    written = (tmp_path / "projector_config.pbtxt").read_text()
    config = text_format.Parse(written, projector.ProjectorConfig())
    (embedding,) = config.embeddings
    assert embedding.tensor_name == "vectors:0"
    assert list(embedding.sprite.single_image_dim) == [28, 28]
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-1")


IMPORTS = """
import glob, sys
import tensorflow as tf
from tensorflow.core.framework import summary_pb2
from tensorflow.core.util.event_pb2 import Event, SessionLog
from tensorflow.python.summary.summary_iterator import summary_iterator
from tensorflow.python.summary.writer.writer import FileWriter
from tensorflow.python.summary.writer.writer_cache import FileWriterCache

assert summary_pb2.Summary is tf.Summary and Event is tf.Event and SessionLog is tf.SessionLog
assert FileWriter is tf.summary.FileWriter and FileWriterCache is tf.summary.FileWriterCache
value = summary_pb2.Summary.Value(tag="loss", simple_value=0.5)
with FileWriter(sys.argv[1]) as writer:
    writer.add_event(Event(step=3, summary=summary_pb2.Summary(value=[value])))
(path,) = glob.glob(sys.argv[1] + "/*tfevents*")
assert [event.step for event in summary_iterator(path)] == [0, 3]
"""


def test_private_modules_that_scripts_import(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(IMPORTS)
    subprocess.run(
        [sys.executable, "-m", "minitf", "run", str(tmp_path / "script.py"), str(tmp_path)],
        cwd=ROOT,
        timeout=120,
        check=True,
    )


def test_what_it_refuses(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="logdir"):
        projector.visualize_embeddings("", projector.ProjectorConfig())
    with pytest.raises(TypeError, match="must be a ProjectorConfig, not a dict"):
        projector.visualize_embeddings(tmp_path, {})
