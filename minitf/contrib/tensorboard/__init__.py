"""With this package one can set TensorBoard's plugins up, as `tf.contrib.tensorboard` does."""

from minitf.contrib.tensorboard import plugins as plugins
