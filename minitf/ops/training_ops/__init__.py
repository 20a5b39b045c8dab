"""The ops that optimizers emit: each changes a variable and its slots in place, by a gradient."""

from minitf.ops.training_ops.adagrad_ops import APPLY_ADADELTA as APPLY_ADADELTA
from minitf.ops.training_ops.adagrad_ops import APPLY_ADAGRAD as APPLY_ADAGRAD
from minitf.ops.training_ops.adagrad_ops import APPLY_PROXIMAL_ADAGRAD as APPLY_PROXIMAL_ADAGRAD
from minitf.ops.training_ops.adagrad_ops import SPARSE_APPLY_ADADELTA as SPARSE_APPLY_ADADELTA
from minitf.ops.training_ops.adagrad_ops import SPARSE_APPLY_ADAGRAD as SPARSE_APPLY_ADAGRAD
from minitf.ops.training_ops.adagrad_ops import (
    SPARSE_APPLY_PROXIMAL_ADAGRAD as SPARSE_APPLY_PROXIMAL_ADAGRAD,
)
from minitf.ops.training_ops.adam_ops import APPLY_ADAM as APPLY_ADAM
from minitf.ops.training_ops.adam_ops import APPLY_CENTERED_RMS_PROP as APPLY_CENTERED_RMS_PROP
from minitf.ops.training_ops.adam_ops import APPLY_RMS_PROP as APPLY_RMS_PROP
from minitf.ops.training_ops.adam_ops import (
    SPARSE_APPLY_CENTERED_RMS_PROP as SPARSE_APPLY_CENTERED_RMS_PROP,
)
from minitf.ops.training_ops.adam_ops import SPARSE_APPLY_RMS_PROP as SPARSE_APPLY_RMS_PROP
from minitf.ops.training_ops.descent_ops import APPLY_GRADIENT_DESCENT as APPLY_GRADIENT_DESCENT
from minitf.ops.training_ops.descent_ops import APPLY_MOMENTUM as APPLY_MOMENTUM
from minitf.ops.training_ops.descent_ops import (
    APPLY_PROXIMAL_GRADIENT_DESCENT as APPLY_PROXIMAL_GRADIENT_DESCENT,
)
from minitf.ops.training_ops.descent_ops import SPARSE_APPLY_MOMENTUM as SPARSE_APPLY_MOMENTUM
from minitf.ops.training_ops.descent_ops import (
    SPARSE_APPLY_PROXIMAL_GRADIENT_DESCENT as SPARSE_APPLY_PROXIMAL_GRADIENT_DESCENT,
)
from minitf.ops.training_ops.ftrl_ops import APPLY_FTRL as APPLY_FTRL
from minitf.ops.training_ops.ftrl_ops import APPLY_FTRL_V2 as APPLY_FTRL_V2
from minitf.ops.training_ops.ftrl_ops import SPARSE_APPLY_FTRL as SPARSE_APPLY_FTRL
from minitf.ops.training_ops.ftrl_ops import SPARSE_APPLY_FTRL_V2 as SPARSE_APPLY_FTRL_V2
