"""With this module one can say what a model takes and gives: its signatures.

A signature names the tensors to feed and to fetch, so that who serves a model need not know its
graph. The three usual kinds, predict, classify and regress, differ in what they may take and give.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minitf.framework import dtypes, errors, protos
from minitf.saved_model import signature_constants as names
from minitf.saved_model.utils import build_tensor_info

_FLOAT, _STRING = dtypes.float32.as_datatype_enum, dtypes.string.as_datatype_enum


def build_signature_def(
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    method_name: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Any:
    """A signature (mirrors `tf.saved_model.build_signature_def`).

    Args:
      inputs: by name, a `TensorInfo` of each tensor to feed.
      outputs: by name, a `TensorInfo` of each tensor to fetch.
      method_name: what kind of signature it is, as in `signature_constants`.
      defaults: by name, a `TensorProto` for each input that need not be fed.

    Returns:
      A `SignatureDef`.

    >>> import minitf as tf
    >>> x = tf.saved_model.build_tensor_info(tf.placeholder(tf.float32, name="x"))
    >>> build_signature_def({"x": x}, method_name="double").inputs["x"].name
    'x:0'
    """
    signature = protos.SignatureDef(method_name=method_name or "")
    for written, given in (
        (signature.inputs, inputs),
        (signature.outputs, outputs),
        (signature.defaults, defaults),
    ):
        for name, info in (given or {}).items():
            written[name].ParseFromString(info.SerializeToString())
    return signature


def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
    """The signature of any function of tensors (mirrors `tf.saved_model.predict_signature_def`).

    Args:
      inputs: by name the tensors to feed.
      outputs: by name the tensors to fetch.

    Raises:
      ValueError: if there are none.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float32)
    >>> predict_signature_def({"x": x}, {"y": 2 * x}).method_name
    'tensorflow/serving/predict'
    """
    if not inputs:
        raise errors.value_error("Prediction `inputs` cannot be None or empty.", see="checkpoints")
    if not outputs:
        raise errors.value_error("Prediction `outputs` cannot be None or empty.", see="checkpoints")
    return build_signature_def(_infos(inputs), _infos(outputs), names.PREDICT_METHOD_NAME)


def _infos(tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {name: build_tensor_info(tensor) for name, tensor in tensors.items()}


def classification_signature_def(examples: Any, classes: Any, scores: Any) -> Any:
    """The signature of a classifier (mirrors `tf.saved_model.classification_signature_def`).

    Args:
      examples: a tensor of serialized examples (strings).
      classes: a tensor of class names (strings), or None.
      scores: a float32 tensor of the classes' scores, or None.

    Raises:
      ValueError: if a tensor is missing, or of another dtype.

    >>> import minitf as tf
    >>> examples = tf.placeholder(tf.string, [None])
    >>> sorted(classification_signature_def(examples, None, tf.ones([1, 2])).outputs)
    ['scores']
    """
    if examples is None:
        raise errors.value_error("Classification `examples` cannot be None.", see="checkpoints")
    if classes is None and scores is None:
        raise errors.value_error(
            "Classification `classes` and `scores` cannot both be None.", see="checkpoints"
        )
    inputs = {names.CLASSIFY_INPUTS: _info("examples", examples, dtypes.string)}
    outputs = {}
    if classes is not None:
        outputs[names.CLASSIFY_OUTPUT_CLASSES] = _info("classes", classes, dtypes.string)
    if scores is not None:
        outputs[names.CLASSIFY_OUTPUT_SCORES] = _info("scores", scores, dtypes.float32)
    return build_signature_def(inputs, outputs, names.CLASSIFY_METHOD_NAME)


def regression_signature_def(examples: Any, predictions: Any) -> Any:
    """The signature of a regression (mirrors `tf.saved_model.regression_signature_def`).

    Args:
      examples: a tensor of serialized examples (strings).
      predictions: a float32 tensor.

    Raises:
      ValueError: if a tensor is missing, or of another dtype.

    >>> import minitf as tf
    >>> examples = tf.placeholder(tf.string, [None])
    >>> sorted(regression_signature_def(examples, tf.ones([1])).outputs)
    ['outputs']
    """
    if examples is None:
        raise errors.value_error("Regression `examples` cannot be None.", see="checkpoints")
    if predictions is None:
        raise errors.value_error("Regression `predictions` cannot be None.", see="checkpoints")
    inputs = {names.REGRESS_INPUTS: _info("examples", examples, dtypes.string)}
    outputs = {names.REGRESS_OUTPUTS: _info("predictions", predictions, dtypes.float32)}
    return build_signature_def(inputs, outputs, names.REGRESS_METHOD_NAME)


def _info(name: str, tensor: Any, dtype: dtypes.DType) -> Any:
    """What describes a tensor that has to be of a dtype."""
    info = build_tensor_info(tensor)
    if info.dtype != dtype.as_datatype_enum:
        raise errors.value_error(
            f"`{name}` must be a tensor of dtype {dtype.name}; {tensor.name} is of dtype "
            f"{tensor.dtype.name}.",
            see="checkpoints",
        )
    return info


def is_valid_signature(signature_def: Any) -> bool:
    """Whether a signature is as its kind wants it (mirrors `tf.saved_model.is_valid_signature`).

    Args:
      signature_def: a `SignatureDef`.

    >>> is_valid_signature(build_signature_def(method_name="tensorflow/serving/predict"))
    False
    """
    if signature_def is None or not signature_def.inputs or not signature_def.outputs:
        return False
    inputs, outputs = _dtypes(signature_def.inputs), _dtypes(signature_def.outputs)
    if signature_def.method_name == names.PREDICT_METHOD_NAME:
        return True
    if signature_def.method_name == names.CLASSIFY_METHOD_NAME:
        allowed = {names.CLASSIFY_OUTPUT_CLASSES: _STRING, names.CLASSIFY_OUTPUT_SCORES: _FLOAT}
        return inputs == {names.CLASSIFY_INPUTS: _STRING} and outputs.items() <= allowed.items()
    if signature_def.method_name == names.REGRESS_METHOD_NAME:
        return inputs == {names.REGRESS_INPUTS: _STRING} and outputs == {
            names.REGRESS_OUTPUTS: _FLOAT
        }
    return False


def _dtypes(infos: Mapping[str, Any]) -> dict[str, int]:
    return {name: info.dtype for name, info in infos.items()}
