"""With this module one can tell which release of minitf this is.

It stands apart, and imports nothing, because the build reads the number without running minitf.
`tf.__version__` is another matter: scripts compare it with versions of TensorFlow.
"""

VERSION = "0.1.0"
