"""The builders leave nothing out: they use every public function and make every op.

A function counts when a builder whose nodes are compared asked `tf` for it by any of its names.
"""

from __future__ import annotations

import functools

import minitf
from minitf.framework import op_def
from tests.parity import builders, recording
from tests.parity.harness import FAMILIES, SEED, Case
from tests.parity.spy import Spy, parameters, public_functions

assert builders

SETTINGS = "says how a session runs or how gradients are made; makes no node"
LOOKS = "looks at what ran; makes no node; tests/profiler runs it in both engines"
THREADS = "runs threads; makes no node; tests/train/test_coordinator.py"
SESSIONS = "looks after a session; makes no node of its own; tests/train/test_monitored_session.py"
HOOKS = "called around runs; makes no node of its own; tests/train/test_hooks.py"
REGISTERS = "registers a function for the whole process; makes no node"
OF_GRAPH_DEFS = "takes and gives a GraphDef; makes no node"
OF_FILES = "looks at files; makes no node; tests/train/test_saver.py runs it in both engines"
OF_EVENTS = "writes or reads events; makes no node; tests/summary runs it in both engines"
OF_MODELS = "tests/saved_model runs it in both engines"
POLICY = "minitf's own; tests/parity/published.py compares what it does to seeds"

# Public names that no builder needs to use, each with the reason.
EXEMPT = {
    "ConfigProto": SETTINGS,
    "train.AsyncReplicasOptimizer": "minitf's own; tests/train/test_async_replicas.py",
    "ConditionalAccumulatorBase": "the base class of accumulators",
    "DType": "made by `tf.as_dtype`",
    "GPUOptions": SETTINGS,
    "GraphOptions": SETTINGS,
    "InteractiveSession": "as Session, for as long as it is open",
    "NotDifferentiable": REGISTERS,
    "OptimizerOptions": SETTINGS,
    "PartitionedVariable": "made by `tf.get_variable`",
    "RunOptions": SETTINGS,
    "UnconnectedGradients": SETTINGS,
    "approximate_equal": "TensorFlow 2.21 has only the op; the family `imported` makes it",
    "graph_util.convert_variables_to_constants": OF_GRAPH_DEFS,
    "graph_util.extract_sub_graph": OF_GRAPH_DEFS,
    "graph_util.must_run_on_cpu": OF_GRAPH_DEFS,
    "graph_util.remove_training_nodes": OF_GRAPH_DEFS,
    "graph_util.tensor_shape_from_node_def_name": OF_GRAPH_DEFS,
    "initializers.Initializer": "the base class of initializers; TensorFlow 2.21 hides it",
    "linspace": "TensorFlow 2.21 composes it; values are compared in `maths`, the op in `imported`",
    "profiler.ProfileOptionBuilder": LOOKS,
    "profiler.Profiler": LOOKS,
    "profiler.Timeline": LOOKS,
    "profiler.advise": LOOKS,
    "profiler.profile": LOOKS,
    "profiler.write_op_log": LOOKS,
    "random.seed_policy": POLICY,
    "random.set_seed_policy": POLICY,
    "register_tensor_conversion_function": REGISTERS,
    "reset_default_graph": "the harness builds in graphs of its own",
    "saved_model.Builder": OF_MODELS,
    "saved_model.build_signature_def": OF_MODELS,
    "saved_model.build_tensor_info": OF_MODELS,
    "saved_model.classification_signature_def": OF_MODELS,
    "saved_model.contains_saved_model": OF_MODELS,
    "saved_model.get_tensor_from_tensor_info": OF_MODELS,
    "saved_model.is_valid_signature": OF_MODELS,
    "saved_model.load": OF_MODELS,
    "saved_model.main_op_with_restore": OF_MODELS,
    "saved_model.predict_signature_def": OF_MODELS,
    "saved_model.regression_signature_def": OF_MODELS,
    "saved_model.simple_save": OF_MODELS,
    "summary.FileWriter": OF_EVENTS,
    "summary.FileWriterCache": OF_EVENTS,
    "train.Optimizer": "the base class of optimizers",
    "train.replica_device_setter": "tests/train/test_device_setter.py has the devices",
    "train.Coordinator": THREADS,
    "train.LooperThread": THREADS,
    "train.QueueRunner": THREADS,
    "train.add_queue_runner": THREADS,
    "train.start_queue_runners": THREADS,
    "train.ChiefSessionCreator": SESSIONS,
    "train.MonitoredSession": SESSIONS,
    "train.MonitoredTrainingSession": SESSIONS,
    "train.SessionCreator": SESSIONS,
    "train.SessionManager": SESSIONS,
    "train.SingularMonitoredSession": SESSIONS,
    "train.Supervisor": "as a monitored session; tests/train/test_supervisor.py",
    "train.WorkerSessionCreator": SESSIONS,
    "train.CheckpointSaverHook": HOOKS,
    "train.CheckpointSaverListener": HOOKS,
    "train.FeedFnHook": HOOKS,
    "train.FinalOpsHook": HOOKS,
    "train.GlobalStepWaiterHook": HOOKS,
    "train.LoggingTensorHook": HOOKS,
    "train.NanLossDuringTrainingError": HOOKS,
    "train.NanTensorHook": HOOKS,
    "train.SecondOrStepTimer": HOOKS,
    "train.ProfilerHook": HOOKS,
    "train.SyncReplicasOptimizer": "its nodes are compared in `sessions`, but for the tokens",
    "train.SessionRunArgs": HOOKS,
    "train.SessionRunContext": HOOKS,
    "train.SessionRunHook": HOOKS,
    "train.SessionRunValues": HOOKS,
    "train.StepCounterHook": HOOKS,
    "train.SummarySaverHook": HOOKS,
    "train.NewCheckpointReader": OF_FILES,
    "train.checkpoint_exists": OF_FILES,
    "train.export_meta_graph": OF_FILES,
    "train.generate_checkpoint_state_proto": OF_FILES,
    "train.get_checkpoint_mtimes": OF_FILES,
    "train.get_checkpoint_state": OF_FILES,
    "train.import_meta_graph": OF_FILES,
    "train.latest_checkpoint": OF_FILES,
    "train.list_variables": OF_FILES,
    "train.load_checkpoint": OF_FILES,
    "train.load_variable": OF_FILES,
    "train.remove_checkpoint": OF_FILES,
    "train.summary_iterator": OF_EVENTS,
    "train.update_checkpoint_state": OF_FILES,
    "train.write_graph": OF_GRAPH_DEFS,
}


# Parameters that no builder gives, each with the reason.
NAME_ELSEWHERE = "TensorFlow 2.21 takes the name for another argument"
EXEMPT_PARAMETERS = {
    "bincount: name": "minitf's own; TensorFlow's function has none",
    "convert_to_tensor: as_ref": "minitf's own; TensorFlow's function has none",
    "is_variable_initialized: name": "minitf's own; TensorFlow's function has none",
    "nn.softmax_cross_entropy_with_logits: axis": "TensorFlow 2.21 always refuses it",
    "scatter_nd_add: name": NAME_ELSEWHERE,
    "scatter_nd_sub: name": NAME_ELSEWHERE,
    "scatter_nd_update: name": NAME_ELSEWHERE,
}


def compared() -> list[tuple[str, Case]]:
    """The cases whose nodes were recorded, with their families."""
    found = []
    for name, family in FAMILIES.items():
        seen = recording.read(name)
        found += [(name, case) for case in family.cases.values() if seen[case.name].nodes]
    return found


@functools.cache
def used() -> dict[int, set[str]]:
    """By id of the public functions that these cases ask for: the parameters that they give."""
    spy = Spy(minitf, {})
    for _, case in compared():
        with minitf.Graph().as_default():
            minitf.set_random_seed(SEED)
            case.build(spy)
    return spy.seen


def recorded_op_types() -> set[str]:
    """Types of the forward nodes of all recorded graphs."""
    lines = [
        line
        for family in FAMILIES
        for observed in recording.read(family).values()
        for line in observed.nodes
    ]
    return {line.split(" ", 1)[1].split("(", 1)[0] for line in lines}


def test_every_public_function_is_used() -> None:
    unused = {
        names[0]: names
        for key, names in public_functions().items()
        if key not in used() and EXEMPT.keys().isdisjoint(names)
    }
    assert not unused, f"no builder uses {sorted(unused)}"


def test_every_parameter_is_given() -> None:
    never = {
        f"{names[0]}: {parameter}"
        for key, names in public_functions().items()
        if key in used() and EXEMPT.keys().isdisjoint(names)
        for parameter in parameters(names[0]) - used()[key]
    }
    assert not never - EXEMPT_PARAMETERS.keys(), f"never given: {sorted(never)}"
    assert not EXEMPT_PARAMETERS.keys() - never, "they need not be exempt"


def test_every_op_is_in_a_graph() -> None:
    # What begins with "_" no script can make: the partitioner does, in graphs cut by task.
    scripts = {op.name for op in op_def.all_ops() if not op.name.startswith("_")}
    missing = scripts - recorded_op_types()
    assert not missing, f"no builder makes {sorted(missing)}"


def test_nothing_is_exempt_without_need() -> None:
    names = {name: key for key, names in public_functions().items() for name in names}
    assert EXEMPT.keys() <= names.keys()
    assert not [name for name in EXEMPT if names[name] in used()]


def test_a_name_that_is_not_used_is_seen() -> None:
    spy = Spy(minitf, {})
    spy.nn.relu(spy.constant([1.0], name="c"))
    assert spy.seen[id(minitf.constant)] == {"value", "name"}
    assert spy.seen.keys() == {id(minitf.nn.relu), id(minitf.constant)}
