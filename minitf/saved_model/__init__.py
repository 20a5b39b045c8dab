"""With this package one can write a model as a folder to serve it from, and load it again.

It mirrors `tf.saved_model` of TensorFlow 1.x, and shares its folders with it, both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minitf.framework.default import get_default_graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.saved_model import builder as builder
from minitf.saved_model import constants as constants
from minitf.saved_model import loader as loader
from minitf.saved_model import main_op as main_op
from minitf.saved_model import signature_constants as signature_constants
from minitf.saved_model import signature_def_utils as signature_def_utils
from minitf.saved_model import tag_constants as tag_constants
from minitf.saved_model import utils as utils
from minitf.saved_model.builder import SavedModelBuilder as Builder
from minitf.saved_model.constants import ASSETS_DIRECTORY as ASSETS_DIRECTORY
from minitf.saved_model.constants import ASSETS_KEY as ASSETS_KEY
from minitf.saved_model.constants import DEBUG_DIRECTORY as DEBUG_DIRECTORY
from minitf.saved_model.constants import DEBUG_INFO_FILENAME_PB as DEBUG_INFO_FILENAME_PB
from minitf.saved_model.constants import LEGACY_INIT_OP_KEY as LEGACY_INIT_OP_KEY
from minitf.saved_model.constants import MAIN_OP_KEY as MAIN_OP_KEY
from minitf.saved_model.constants import SAVED_MODEL_FILENAME_PB as SAVED_MODEL_FILENAME_PB
from minitf.saved_model.constants import SAVED_MODEL_FILENAME_PBTXT as SAVED_MODEL_FILENAME_PBTXT
from minitf.saved_model.constants import SAVED_MODEL_SCHEMA_VERSION as SAVED_MODEL_SCHEMA_VERSION
from minitf.saved_model.constants import VARIABLES_DIRECTORY as VARIABLES_DIRECTORY
from minitf.saved_model.constants import VARIABLES_FILENAME as VARIABLES_FILENAME
from minitf.saved_model.loader import contains_saved_model as contains_saved_model
from minitf.saved_model.loader import load as load
from minitf.saved_model.loader import maybe_saved_model_directory as maybe_saved_model_directory
from minitf.saved_model.main_op import main_op_with_restore as main_op_with_restore
from minitf.saved_model.signature_constants import CLASSIFY_INPUTS as CLASSIFY_INPUTS
from minitf.saved_model.signature_constants import CLASSIFY_METHOD_NAME as CLASSIFY_METHOD_NAME
from minitf.saved_model.signature_constants import (
    CLASSIFY_OUTPUT_CLASSES as CLASSIFY_OUTPUT_CLASSES,
)
from minitf.saved_model.signature_constants import CLASSIFY_OUTPUT_SCORES as CLASSIFY_OUTPUT_SCORES
from minitf.saved_model.signature_constants import (
    DEFAULT_SERVING_SIGNATURE_DEF_KEY as DEFAULT_SERVING_SIGNATURE_DEF_KEY,
)
from minitf.saved_model.signature_constants import PREDICT_INPUTS as PREDICT_INPUTS
from minitf.saved_model.signature_constants import PREDICT_METHOD_NAME as PREDICT_METHOD_NAME
from minitf.saved_model.signature_constants import PREDICT_OUTPUTS as PREDICT_OUTPUTS
from minitf.saved_model.signature_constants import REGRESS_INPUTS as REGRESS_INPUTS
from minitf.saved_model.signature_constants import REGRESS_METHOD_NAME as REGRESS_METHOD_NAME
from minitf.saved_model.signature_constants import REGRESS_OUTPUTS as REGRESS_OUTPUTS
from minitf.saved_model.signature_def_utils import build_signature_def as build_signature_def
from minitf.saved_model.signature_def_utils import (
    classification_signature_def as classification_signature_def,
)
from minitf.saved_model.signature_def_utils import is_valid_signature as is_valid_signature
from minitf.saved_model.signature_def_utils import predict_signature_def as predict_signature_def
from minitf.saved_model.signature_def_utils import (
    regression_signature_def as regression_signature_def,
)
from minitf.saved_model.tag_constants import GPU as GPU
from minitf.saved_model.tag_constants import SERVING as SERVING
from minitf.saved_model.tag_constants import TPU as TPU
from minitf.saved_model.tag_constants import TRAINING as TRAINING
from minitf.saved_model.utils import build_tensor_info as build_tensor_info
from minitf.saved_model.utils import get_tensor_from_tensor_info as get_tensor_from_tensor_info


def simple_save(
    session: Any,
    export_dir: Any,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    legacy_init_op: Operation | None = None,
) -> None:
    """Writes a model with one signature, to be served (mirrors `tf.saved_model.simple_save`).

    Args:
      session: the session whose graph and variables are written.
      export_dir: the folder, which is made.
      inputs: by name the tensors to feed.
      outputs: by name the tensors to fetch.
      legacy_init_op: what is run when the model has been loaded.

    Raises:
      AssertionError: if something is in the folder.
      ValueError: if there are no inputs or no outputs.

    >>> import minitf as tf, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with tf.Graph().as_default(), tf.Session() as sess:
    ...     x = tf.placeholder(tf.float32, name="x")
    ...     y = tf.square(x, name="y")
    ...     tf.saved_model.simple_save(sess, folder, {"x": x}, {"y": y})
    >>> with tf.Graph().as_default(), tf.Session() as sess:
    ...     _ = tf.saved_model.load(sess, [tf.saved_model.tag_constants.SERVING], folder)
    ...     print(sess.run("y:0", {"x:0": 3.0}))
    9.0
    """
    signature = predict_signature_def(inputs, outputs)
    with session.graph.as_default():
        assets = get_default_graph().get_collection(GraphKeys.ASSET_FILEPATHS)
        made = Builder(export_dir)
        made.add_meta_graph_and_variables(
            session,
            [SERVING],
            {DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature},
            assets_collection=assets,
            main_op=legacy_init_op,
            clear_devices=True,
        )
        made.save()
