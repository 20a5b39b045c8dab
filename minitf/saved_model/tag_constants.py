"""The usual tags, which tell the graphs of one SavedModel apart."""

SERVING = "serve"
TRAINING = "train"
GPU = "gpu"
TPU = "tpu"
