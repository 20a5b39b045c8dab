"""With this room one can stop a session between its nodes and look at values.

From a terminal, `minitf debug script.py`; from Python, as TensorFlow's own debugger is used:

    from minitf import debug as tf_debug

    sess = tf_debug.LocalCLIDebugWrapperSession(tf.Session())
    sess.add_tensor_filter("has_inf_or_nan", tf_debug.has_inf_or_nan)
    sess.run(train)        # asks what to do: step, until, print, find, continue ...

Where the session is made elsewhere, `hooks=[tf_debug.LocalCLIDebugHook()]` does the same.
"""

from minitf.debug.filters import Datum as Datum
from minitf.debug.filters import has_inf_or_nan as has_inf_or_nan
from minitf.debug.hook import LocalCLIDebugHook as LocalCLIDebugHook
from minitf.debug.wrapper import LocalCLIDebugWrapperSession as LocalCLIDebugWrapperSession
