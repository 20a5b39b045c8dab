"""With this package one can set up the plugin of TensorBoard that shows embeddings: `projector`."""

from minitf.contrib.tensorboard.plugins import projector as projector
