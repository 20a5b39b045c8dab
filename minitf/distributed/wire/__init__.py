"""With this package one process can call another: plain sockets, and frames with tensors in them.

A `Listener` offers methods by name at an address; a `Channel` calls them. Both sides of a call see
a small header, which is a dict of JSON values, and any number of numpy arrays, which travel as raw
bytes straight from their memory and into the other side's.

>>> import numpy as np
>>> from minitf.distributed.wire import Channel, Listener
>>> def scale(header, tensors, call):
...     return {"done": True}, [header["by"] * tensors[0]]
>>> with Listener("localhost:0", {"scale": scale}) as listener:
...     with Channel(listener.address) as channel:
...         reply = channel.call("scale", {"by": 3}, [np.arange(4)], deadline=10.0)
>>> reply.header, reply.tensors[0]
({'done': True}, array([0, 3, 6, 9]))

What one may rely on:

- **Exactly once.** A call is executed once, also where the connection breaks on the way and the
  channel sends it again: the listener knows it by its number and the channel's incarnation.
- **Deadlines.** No call waits longer than its deadline; the error says for whom it waited, at which
  address, and since when that one has been silent.
- **Errors.** What a handler raises is raised again at the caller: the same class of `tf.errors`,
  its message, and the caller's op of that name.
- **No code travels.** Headers are JSON, arrays are of numeric types or strings. Nothing is pickled.
- **Strangers.** Every length is compared with a limit before memory is taken. Other addresses than
  this machine's own need a shared secret, which both sides prove to know.

`frame` has the format byte by byte, `handshake` says who may come in.
"""

from minitf.distributed.wire.channel import Cancellation as Cancellation
from minitf.distributed.wire.channel import Channel as Channel
from minitf.distributed.wire.handshake import secret_from_environment as secret_from_environment
from minitf.distributed.wire.heartbeat import Heartbeats as Heartbeats
from minitf.distributed.wire.interface import Call as Call
from minitf.distributed.wire.interface import Handler as Handler
from minitf.distributed.wire.interface import Limits as Limits
from minitf.distributed.wire.interface import Method as Method
from minitf.distributed.wire.interface import Reply as Reply
from minitf.distributed.wire.listener import Listener as Listener
