"""With this package one can train: optimizers, learning rates, averages, the global step.

It mirrors `tf.train`. An optimizer's `minimize(loss)` is the operation that a training loop runs.
"""

from typing import Any

from minitf.train.adadelta import AdadeltaOptimizer as AdadeltaOptimizer
from minitf.train.adagrad import AdagradOptimizer as AdagradOptimizer
from minitf.train.adam import AdamOptimizer as AdamOptimizer
from minitf.train.async_replicas import AsyncReplicasOptimizer as AsyncReplicasOptimizer
from minitf.train.basic_hooks import FeedFnHook as FeedFnHook
from minitf.train.basic_hooks import FinalOpsHook as FinalOpsHook
from minitf.train.basic_hooks import GlobalStepWaiterHook as GlobalStepWaiterHook
from minitf.train.basic_hooks import LoggingTensorHook as LoggingTensorHook
from minitf.train.basic_hooks import NanLossDuringTrainingError as NanLossDuringTrainingError
from minitf.train.basic_hooks import NanTensorHook as NanTensorHook
from minitf.train.basic_hooks import SecondOrStepTimer as SecondOrStepTimer
from minitf.train.basic_hooks import StopAtStepHook as StopAtStepHook
from minitf.train.checkpoint_management import checkpoint_exists as checkpoint_exists
from minitf.train.checkpoint_management import (
    generate_checkpoint_state_proto as generate_checkpoint_state_proto,
)
from minitf.train.checkpoint_management import get_checkpoint_mtimes as get_checkpoint_mtimes
from minitf.train.checkpoint_management import get_checkpoint_state as get_checkpoint_state
from minitf.train.checkpoint_management import latest_checkpoint as latest_checkpoint
from minitf.train.checkpoint_management import remove_checkpoint as remove_checkpoint
from minitf.train.checkpoint_management import update_checkpoint_state as update_checkpoint_state
from minitf.train.checkpoint_utils import NewCheckpointReader as NewCheckpointReader
from minitf.train.checkpoint_utils import list_variables as list_variables
from minitf.train.checkpoint_utils import load_checkpoint as load_checkpoint
from minitf.train.checkpoint_utils import load_variable as load_variable
from minitf.train.coordinator import Coordinator as Coordinator
from minitf.train.coordinator import LooperThread as LooperThread
from minitf.train.device_setter import replica_device_setter as replica_device_setter
from minitf.train.ftrl import FtrlOptimizer as FtrlOptimizer
from minitf.train.gradient_descent import GradientDescentOptimizer as GradientDescentOptimizer
from minitf.train.graph_io import write_graph as write_graph
from minitf.train.input import batch as batch
from minitf.train.input import batch_join as batch_join
from minitf.train.input import input_producer as input_producer
from minitf.train.input import limit_epochs as limit_epochs
from minitf.train.input import range_input_producer as range_input_producer
from minitf.train.input import shuffle_batch as shuffle_batch
from minitf.train.input import shuffle_batch_join as shuffle_batch_join
from minitf.train.input import slice_input_producer as slice_input_producer
from minitf.train.input import string_input_producer as string_input_producer
from minitf.train.learning_rate_decay import cosine_decay as cosine_decay
from minitf.train.learning_rate_decay import cosine_decay_restarts as cosine_decay_restarts
from minitf.train.learning_rate_decay import exponential_decay as exponential_decay
from minitf.train.learning_rate_decay import inverse_time_decay as inverse_time_decay
from minitf.train.learning_rate_decay import linear_cosine_decay as linear_cosine_decay
from minitf.train.learning_rate_decay import natural_exp_decay as natural_exp_decay
from minitf.train.learning_rate_decay import noisy_linear_cosine_decay as noisy_linear_cosine_decay
from minitf.train.learning_rate_decay import piecewise_constant as piecewise_constant
from minitf.train.learning_rate_decay import piecewise_constant_decay as piecewise_constant_decay
from minitf.train.learning_rate_decay import polynomial_decay as polynomial_decay
from minitf.train.meta_graph import export_meta_graph as export_meta_graph
from minitf.train.meta_graph_import import import_meta_graph as import_meta_graph
from minitf.train.momentum import MomentumOptimizer as MomentumOptimizer
from minitf.train.monitored_session import ChiefSessionCreator as ChiefSessionCreator
from minitf.train.monitored_session import MonitoredSession as MonitoredSession
from minitf.train.monitored_session import SessionCreator as SessionCreator
from minitf.train.monitored_session import SingularMonitoredSession as SingularMonitoredSession
from minitf.train.monitored_session import WorkerSessionCreator as WorkerSessionCreator
from minitf.train.monitored_training_session import (
    MonitoredTrainingSession as MonitoredTrainingSession,
)
from minitf.train.moving_averages import ExponentialMovingAverage as ExponentialMovingAverage
from minitf.train.optimizer import Optimizer as Optimizer
from minitf.train.proximal_adagrad import ProximalAdagradOptimizer as ProximalAdagradOptimizer
from minitf.train.proximal_gradient_descent import (
    ProximalGradientDescentOptimizer as ProximalGradientDescentOptimizer,
)
from minitf.train.queue_runner import QueueRunner as QueueRunner
from minitf.train.queue_runner import add_queue_runner as add_queue_runner
from minitf.train.queue_runner import start_queue_runners as start_queue_runners
from minitf.train.rmsprop import RMSPropOptimizer as RMSPropOptimizer
from minitf.train.saver import Saver as Saver
from minitf.train.scaffold import Scaffold as Scaffold
from minitf.train.session_manager import SessionManager as SessionManager
from minitf.train.session_run_hook import SessionRunArgs as SessionRunArgs
from minitf.train.session_run_hook import SessionRunContext as SessionRunContext
from minitf.train.session_run_hook import SessionRunHook as SessionRunHook
from minitf.train.session_run_hook import SessionRunValues as SessionRunValues
from minitf.train.summary_io import summary_iterator as summary_iterator
from minitf.train.supervisor import Supervisor as Supervisor
from minitf.train.sync_replicas import SyncReplicasOptimizer as SyncReplicasOptimizer
from minitf.train.training_util import assert_global_step as assert_global_step
from minitf.train.training_util import create_global_step as create_global_step
from minitf.train.training_util import get_global_step as get_global_step
from minitf.train.training_util import get_or_create_global_step as get_or_create_global_step
from minitf.train.training_util import global_step as global_step

# Messages, and what the rest of training does without: made or imported when first asked for.
from minitf.train.writing_hooks import CheckpointSaverHook as CheckpointSaverHook
from minitf.train.writing_hooks import CheckpointSaverListener as CheckpointSaverListener
from minitf.train.writing_hooks import ProfilerHook as ProfilerHook
from minitf.train.writing_hooks import StepCounterHook as StepCounterHook
from minitf.train.writing_hooks import SummarySaverHook as SummarySaverHook

_MESSAGES = frozenset({"CheckpointState", "ClusterDef", "JobDef", "SaverDef", "ServerDef"})
_DISTRIBUTED = {"ClusterSpec": "cluster_spec", "Server": "server"}


def __getattr__(name: str) -> Any:
    if name in _MESSAGES:
        from minitf.framework import protos

        return getattr(protos, name)
    if name in _DISTRIBUTED:
        import importlib

        return getattr(importlib.import_module(f"minitf.distributed.{_DISTRIBUTED[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
