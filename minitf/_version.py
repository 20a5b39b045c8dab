"""With this module one can tell which release of minitf this is.

It stands apart, and imports nothing, because the build reads the number without running minitf.
`tf.__version__` is another matter: scripts compare it with versions of TensorFlow, so it is that
of the last TensorFlow with this programming model.
"""

VERSION = "0.1.0"
TENSORFLOW_VERSION = "1.15.5"
