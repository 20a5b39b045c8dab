"""What tells TensorBoard's projector which vectors to show."""

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


def test_what_it_refuses(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="logdir"):
        projector.visualize_embeddings("", projector.ProjectorConfig())
    with pytest.raises(TypeError, match="must be a ProjectorConfig, not a dict"):
        projector.visualize_embeddings(tmp_path, {})
