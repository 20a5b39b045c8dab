"""Functions that move the elements of tensors under the names that `tf.manip` gives them."""

from minitf.ops.array_ops import batch_to_space_nd as batch_to_space_nd
from minitf.ops.array_ops import gather_nd as gather_nd
from minitf.ops.array_ops import reshape as reshape
from minitf.ops.array_ops import reverse as reverse
from minitf.ops.array_ops import roll as roll
from minitf.ops.array_ops import scatter_nd as scatter_nd
from minitf.ops.array_ops import space_to_batch_nd as space_to_batch_nd
from minitf.ops.array_ops import tile as tile
