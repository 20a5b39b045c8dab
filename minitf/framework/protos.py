"""With this module one can make the messages of graphs and events: `protos.GraphDef()`.

They are TensorFlow's own, field for field and name for name, in the binary form and in the text
form. They are built here from the table below, in a pool of their own, so that minitf needs no
TensorFlow to read its files and can stand beside it in one process. Nothing of protobuf loads
before the first message is asked for.

>>> from minitf.framework import protos
>>> print(protos.NodeDef(name="a", op="NoOp"))
name: "a"
op: "NoOp"
<BLANKLINE>
"""

from __future__ import annotations

import functools
import threading
from typing import Any

# A message, then its fields: `number name type`. `*type` is repeated, `map key value` is a map,
# and `| oneof` says that at most one of the fields of that name is set. `enum` is one inside.
_MESSAGES = """
TensorShapeProto
  2 dim *TensorShapeProto.Dim; 3 unknown_rank bool
TensorShapeProto.Dim
  1 size int64; 2 name string
ResourceHandleProto
  1 device string; 2 container string; 3 name string; 4 hash_code uint64; 5 maybe_type_name string
  6 dtypes_and_shapes *ResourceHandleProto.DtypeAndShape
ResourceHandleProto.DtypeAndShape
  1 dtype DataType; 2 shape TensorShapeProto
VariantTensorDataProto
  1 type_name string; 2 metadata bytes; 3 tensors *TensorProto
TensorProto
  1 dtype DataType; 2 tensor_shape TensorShapeProto; 3 version_number int32
  4 tensor_content bytes; 13 half_val *int32; 5 float_val *float; 6 double_val *double
  7 int_val *int32; 8 string_val *bytes; 9 scomplex_val *float; 10 int64_val *int64
  11 bool_val *bool; 12 dcomplex_val *double; 14 resource_handle_val *ResourceHandleProto
  15 variant_val *VariantTensorDataProto; 16 uint32_val *uint32; 17 uint64_val *uint64
  18 float8_val bytes
NameAttrList
  1 name string; 2 attr map string AttrValue
AttrValue
  2 s bytes | value; 3 i int64 | value; 4 f float | value; 5 b bool | value
  6 type DataType | value; 7 shape TensorShapeProto | value; 8 tensor TensorProto | value
  1 list AttrValue.ListValue | value; 10 func NameAttrList | value; 9 placeholder string | value
AttrValue.ListValue
  2 s *bytes; 3 i *int64; 4 f *float; 5 b *bool; 6 type *DataType; 7 shape *TensorShapeProto
  8 tensor *TensorProto; 9 func *NameAttrList
FullTypeDef
  1 type_id FullTypeId; 2 args *FullTypeDef; 3 s string | attr; 4 i int64 | attr
NodeDef
  1 name string; 2 op string; 3 input *string; 4 device string; 5 attr map string AttrValue
  6 experimental_debug_info NodeDef.ExperimentalDebugInfo; 7 experimental_type FullTypeDef
NodeDef.ExperimentalDebugInfo
  1 original_node_names *string; 2 original_func_names *string
VersionDef
  1 producer int32; 2 min_consumer int32; 3 bad_consumers *int32
OpDef
  1 name string; 2 input_arg *OpDef.ArgDef; 3 output_arg *OpDef.ArgDef; 20 control_output *string
  4 attr *OpDef.AttrDef; 8 deprecation OpDeprecation; 5 summary string; 6 description string
  18 is_commutative bool; 16 is_aggregate bool; 17 is_stateful bool
  19 allows_uninitialized_input bool; 21 is_distributed_communication bool
OpDef.ArgDef
  1 name string; 2 description string; 3 type DataType; 4 type_attr string; 5 number_attr string
  6 type_list_attr string; 7 handle_data *ResourceHandleProto.DtypeAndShape; 16 is_ref bool
  17 experimental_full_type FullTypeDef
OpDef.AttrDef
  1 name string; 2 type string; 3 default_value AttrValue; 4 description string
  5 has_minimum bool; 6 minimum int64; 7 allowed_values AttrValue
OpDeprecation
  1 version int32; 2 explanation string
OpList
  1 op *OpDef
FunctionDef
  1 signature OpDef; 5 attr map string AttrValue; 7 arg_attr map uint32 FunctionDef.ArgAttrs
  8 resource_arg_unique_id map uint32 uint32; 3 node_def *NodeDef; 4 ret map string string
  6 control_ret map string string
FunctionDef.ArgAttrs
  1 attr map string AttrValue
GradientDef
  1 function_name string; 2 gradient_func string
RegisteredGradient
  1 gradient_func string; 2 registered_op_type string
FunctionDefLibrary
  1 function *FunctionDef; 2 gradient *GradientDef; 3 registered_gradients *RegisteredGradient
GraphDebugInfo
  1 files *string; 4 frames_by_id map fixed64 GraphDebugInfo.FileLineCol
  6 traces_by_id map fixed64 GraphDebugInfo.StackTrace
  2 traces map string GraphDebugInfo.StackTrace; 5 name_to_trace_id map string fixed64
GraphDebugInfo.FileLineCol
  1 file_index int32; 2 line int32; 3 col int32; 4 func string; 5 code string
GraphDebugInfo.StackTrace
  1 file_line_cols *GraphDebugInfo.FileLineCol; 2 frame_id *fixed64
GraphDef
  1 node *NodeDef; 4 versions VersionDef; 3 version int32; 2 library FunctionDefLibrary
  5 debug_info GraphDebugInfo
TensorSliceProto
  1 extent *TensorSliceProto.Extent
TensorSliceProto.Extent
  1 start int64; 2 length int64 | has_length
BundleHeaderProto
  1 num_shards int32; 2 endianness int32; 3 version VersionDef
BundleEntryProto
  1 dtype DataType; 2 shape TensorShapeProto; 3 shard_id int32; 4 offset int64; 5 size int64
  6 crc32c fixed32; 7 slices *TensorSliceProto
SaverDef
  enum CheckpointFormatVersion LEGACY=0 V1=1 V2=2
  1 filename_tensor_name string; 2 save_tensor_name string; 3 restore_op_name string
  4 max_to_keep int32; 5 sharded bool; 6 keep_checkpoint_every_n_hours float
  7 version SaverDef.CheckpointFormatVersion
SaveSliceInfoDef
  1 full_name string; 2 full_shape *int64; 3 var_offset *int64; 4 var_shape *int64
VariableDef
  1 variable_name string; 6 initial_value_name string; 2 initializer_name string
  3 snapshot_name string; 4 save_slice_info_def SaveSliceInfoDef; 5 is_resource bool
  7 trainable bool; 8 synchronization VariableSynchronization; 9 aggregation VariableAggregation
QueueRunnerDef
  1 queue_name string; 2 enqueue_op_name *string; 3 close_op_name string; 4 cancel_op_name string
  5 queue_closed_exception_types *int32
CollectionDef
  1 node_list CollectionDef.NodeList | kind; 2 bytes_list CollectionDef.BytesList | kind
  3 int64_list CollectionDef.Int64List | kind; 4 float_list CollectionDef.FloatList | kind
  5 any_list CollectionDef.AnyList | kind
CollectionDef.NodeList
  1 value *string
CollectionDef.BytesList
  1 value *bytes
CollectionDef.Int64List
  1 value *int64
CollectionDef.FloatList
  1 value *float
CollectionDef.AnyList
  1 value *.google.protobuf.Any
TensorInfo
  1 name string | encoding; 4 coo_sparse TensorInfo.CooSparse | encoding; 2 dtype DataType
  3 tensor_shape TensorShapeProto
TensorInfo.CooSparse
  1 values_tensor_name string; 2 indices_tensor_name string; 3 dense_shape_tensor_name string
SignatureDef
  1 inputs map string TensorInfo; 2 outputs map string TensorInfo; 3 method_name string
  4 defaults map string TensorProto
AssetFileDef
  1 tensor_info TensorInfo; 2 filename string
MetaGraphDef
  1 meta_info_def MetaGraphDef.MetaInfoDef; 2 graph_def GraphDef; 3 saver_def SaverDef
  4 collection_def map string CollectionDef; 5 signature_def map string SignatureDef
  6 asset_file_def *AssetFileDef
MetaGraphDef.MetaInfoDef
  1 meta_graph_version string; 2 stripped_op_list OpList; 3 any_info .google.protobuf.Any
  4 tags *string; 5 tensorflow_version string; 6 tensorflow_git_version string
  7 stripped_default_attrs bool; 8 function_aliases map string string
SavedModel
  1 saved_model_schema_version int64; 2 meta_graphs *MetaGraphDef
CheckpointState
  1 model_checkpoint_path string; 2 all_model_checkpoint_paths *string
  3 all_model_checkpoint_timestamps *double; 4 last_preserved_timestamp double
JobDef
  1 name string; 2 tasks map int32 string
ClusterDef
  1 job *JobDef
ServerDef
  1 cluster ClusterDef; 2 job_name string; 3 task_index int32; 5 protocol string
SummaryDescription
  1 type_hint string
SummaryMetadata
  1 plugin_data SummaryMetadata.PluginData; 2 display_name string; 3 summary_description string
  4 data_class DataClass
SummaryMetadata.PluginData
  1 plugin_name string; 2 content bytes
HistogramProto
  1 min double; 2 max double; 3 num double; 4 sum double; 5 sum_squares double
  6 bucket_limit *double; 7 bucket *double
Summary
  1 value *Summary.Value
Summary.Image
  1 height int32; 2 width int32; 3 colorspace int32; 4 encoded_image_string bytes
Summary.Audio
  1 sample_rate float; 2 num_channels int64; 3 length_frames int64; 4 encoded_audio_string bytes
  5 content_type string
Summary.Value
  7 node_name string; 1 tag string; 9 metadata SummaryMetadata; 2 simple_value float | value
  3 obsolete_old_style_histogram bytes | value; 4 image Summary.Image | value
  5 histo HistogramProto | value; 6 audio Summary.Audio | value; 8 tensor TensorProto | value
LogMessage
  enum Level UNKNOWN=0 DEBUGGING=10 INFO=20 WARN=30 ERROR=40 FATAL=50
  1 level LogMessage.Level; 2 message string
SessionLog
  enum SessionStatus STATUS_UNSPECIFIED=0 START=1 STOP=2 CHECKPOINT=3
  1 status SessionLog.SessionStatus; 2 checkpoint_path string; 3 msg string
TaggedRunMetadata
  1 tag string; 2 run_metadata bytes
SourceMetadata
  1 writer string
Event
  1 wall_time double; 2 step int64; 3 file_version string | what; 4 graph_def bytes | what
  5 summary Summary | what; 6 log_message LogMessage | what; 7 session_log SessionLog | what
  8 tagged_run_metadata TaggedRunMetadata | what; 9 meta_graph_def bytes | what
  10 source_metadata SourceMetadata
SpriteMetadata
  1 image_path string; 2 single_image_dim *uint32
EmbeddingInfo
  1 tensor_name string; 2 metadata_path string; 3 bookmarks_path string; 4 tensor_shape *uint32
  5 sprite SpriteMetadata; 6 tensor_path string
ProjectorConfig
  1 model_checkpoint_path string; 2 embeddings *EmbeddingInfo; 3 model_checkpoint_dir string
AllocationDescription
  1 requested_bytes int64; 2 allocated_bytes int64; 3 allocator_name string; 4 allocation_id int64
  5 has_single_reference bool; 6 ptr uint64
TensorDescription
  1 dtype DataType; 2 shape TensorShapeProto; 4 allocation_description AllocationDescription
AllocationRecord
  1 alloc_micros int64; 2 alloc_bytes int64
AllocatorMemoryUsed
  1 allocator_name string; 2 total_bytes int64; 3 peak_bytes int64; 4 live_bytes int64
  6 allocation_records *AllocationRecord; 5 allocator_bytes_in_use int64
NodeOutput
  1 slot int32; 3 tensor_description TensorDescription
MemoryStats
  1 temp_memory_size int64; 3 persistent_memory_size int64; 5 persistent_tensor_alloc_ids *int64
  2 device_temp_memory_size int64; 4 device_persistent_memory_size int64
  6 device_persistent_tensor_alloc_ids *int64
NodeExecStats
  1 node_name string; 2 all_start_micros int64; 3 op_start_rel_micros int64
  4 op_end_rel_micros int64; 5 all_end_rel_micros int64; 6 memory *AllocatorMemoryUsed
  7 output *NodeOutput; 8 timeline_label string; 9 scheduled_micros int64; 10 thread_id uint32
  11 referenced_tensor *AllocationDescription; 12 memory_stats MemoryStats
  13 all_start_nanos int64; 14 op_start_rel_nanos int64; 15 op_end_rel_nanos int64
  16 all_end_rel_nanos int64; 17 scheduled_nanos int64
DeviceStepStats
  1 device string; 2 node_stats *NodeExecStats; 3 thread_names map uint32 string
StepStats
  1 dev_stats *DeviceStepStats
CostGraphDef
  1 node *CostGraphDef.Node; 2 cost *CostGraphDef.AggregatedCost
CostGraphDef.Node
  1 name string; 2 device string; 3 id int32; 4 input_info *CostGraphDef.Node.InputInfo
  5 output_info *CostGraphDef.Node.OutputInfo; 6 temporary_memory_size int64
  12 persistent_memory_size int64; 10 host_temp_memory_size int64
  11 device_temp_memory_size int64; 16 device_persistent_memory_size int64; 9 compute_cost int64
  14 compute_time int64; 15 memory_time int64; 7 is_final bool; 8 control_input *int32
  17 inaccurate bool
CostGraphDef.Node.InputInfo
  1 preceding_node int32; 2 preceding_port int32
CostGraphDef.Node.OutputInfo
  1 size int64; 2 alias_input_port int64; 3 shape TensorShapeProto; 4 dtype DataType
CostGraphDef.AggregatedCost
  1 cost float; 2 dimension string
RunMetadata
  1 step_stats StepStats; 2 cost_graph CostGraphDef; 3 partition_graphs *GraphDef
  4 function_graphs *RunMetadata.FunctionGraphs; 5 session_metadata SessionMetadata
RunMetadata.FunctionGraphs
  1 partition_graphs *GraphDef; 2 pre_optimization_graph GraphDef
  3 post_optimization_graph GraphDef
SessionMetadata
  1 name string; 2 version int64
CodeDef
  1 traces *CodeDef.Trace
CodeDef.Trace
  6 file_id int64; 2 lineno int32; 7 function_id int64; 8 line_id int64; 5 func_start_line int32
OpLogEntry
  1 name string; 2 float_ops int64; 3 types *string; 4 code_def CodeDef
OpLogProto
  1 log_entries *OpLogEntry; 2 id_to_string map int64 string
AdviceProto
  1 checkers map string AdviceProto.Checker
AdviceProto.Checker
  2 reports *string
"""

_ENUMS = (
    "DataClass",
    "DataType",
    "FullTypeId",
    "LogMessage.Level",
    "SessionLog.SessionStatus",
    "SaverDef.CheckpointFormatVersion",
    "VariableAggregation",
    "VariableSynchronization",
)


def _words(text: str) -> list[str]:
    return text.split()


# The names of dtypes by number; reference types have `_REF` behind the name and 100 more.
_DATA_TYPES = _words("""
FLOAT DOUBLE INT32 UINT8 INT16 INT8 STRING COMPLEX64 INT64 BOOL QINT8 QUINT8 QINT32 BFLOAT16 QINT16
QUINT16 UINT16 COMPLEX128 HALF RESOURCE VARIANT UINT32 UINT64 FLOAT8_E5M2 FLOAT8_E4M3FN
FLOAT8_E4M3FNUZ FLOAT8_E4M3B11FNUZ FLOAT8_E5M2FNUZ INT4 UINT4 INT2 UINT2 FLOAT4_E2M1FN
""")

# What newer TensorFlow notes of a node's outputs; minitf only has to read past it.
_FULL_TYPES = _words("""
UNSET=0 VAR=1 ANY=2 PRODUCT=3 NAMED=4 FOR_EACH=20 CALLABLE=100 BOOL=200 UINT8=201 UINT16=202
UINT32=203 UINT64=204 INT8=205 INT16=206 INT32=207 INT64=208 HALF=209 FLOAT=210 DOUBLE=211
COMPLEX64=212 COMPLEX128=213 STRING=214 BFLOAT16=215 TENSOR=1000 ARRAY=1001 OPTIONAL=1002
LITERAL=1003 ENCODED=1004 SHAPE_TENSOR=1005 DATASET=10102 RAGGED=10103 ITERATOR=10104
MUTEX_LOCK=10202 LEGACY_VARIANT=10203
""")

_DATA_CLASSES = _words("UNKNOWN=0 SCALAR=1 TENSOR=2 BLOB_SEQUENCE=3")

_VARIABLE_ENUMS = {
    "Synchronization": _words("AUTO=0 NONE=1 ON_WRITE=2 ON_READ=3"),
    "Aggregation": _words("NONE=0 SUM=1 MEAN=2 ONLY_FIRST_REPLICA=3"),
}

_PACKAGE = "tensorflow"


def data_type_name(number: int) -> str | None:
    """TensorFlow's name of a dtype's number, in lower case, or None if no dtype has it."""
    is_ref = number > 100
    index = number - 101 if is_ref else number - 1
    if not 0 <= index < len(_DATA_TYPES):
        return None
    return _DATA_TYPES[index].lower() + ("_ref" if is_ref else "")


# Protobuf's own limit is 100, for what it reads; what is made in Python may be nested without end,
# and ends the process when it is copied.
_MAX_NESTING = 60


def own_copy(message: Any) -> Any:
    """A copy of a message, of minitf's class of that name.

    Raises:
      ValueError: if messages in it are nested too deeply.
    """
    pending = [(message, 0)]
    while pending:
        current, depth = pending.pop()
        if depth > _MAX_NESTING:
            raise ValueError("messages in it are nested too deeply")
        for _, value in current.ListFields():
            pending += [(item, depth + 1) for item in _messages(value)]
    return _classes()[message.DESCRIPTOR.name].FromString(message.SerializeToString())


def wrapped(message: Any) -> Any:
    """A message of any kind as one of the kind `google.protobuf.Any`, which names it."""
    kind = f"type.googleapis.com/{message.DESCRIPTOR.full_name}"
    return _classes()["Any"](type_url=kind, value=message.SerializeToString())


def from_text(text: str | bytes, message: Any) -> Any:
    """Fills a message from its text form; fields that minitf does not know are passed over.

    Raises:
      google.protobuf.text_format.ParseError, UnicodeDecodeError: if it is no such text.
    """
    from google.protobuf import text_format

    pool = message.DESCRIPTOR.file.pool
    return text_format.Parse(text, message, allow_unknown_field=True, descriptor_pool=pool)


def _messages(value: Any) -> list[Any]:
    """The messages in a field, which may be one, several, or a map of them; or hold none."""
    if hasattr(value, "ListFields"):
        return [value]
    if hasattr(value, "values"):
        value = list(value.values())
    if isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or len(value) == 0:
        return []
    return list(value) if hasattr(value[0], "ListFields") else []


def __getattr__(name: str) -> Any:
    """The message class of this name: `protos.GraphDef`."""
    if not name.startswith("_"):
        found = _classes().get(name)
        if found is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _classes() -> dict[str, Any]:
    """The class of every message that is not part of another, by name."""
    with _making:  # two threads would make two classes of one name, which do not mix
        return _made_classes()


_making = threading.Lock()


@functools.cache
def _made_classes() -> dict[str, Any]:
    from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(
        name="minitf/graph.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[any_pb2.DESCRIPTOR.name],
    )
    _add_enums(file)
    added: dict[str, Any] = {}
    message: Any = None
    for line in filter(None, _MESSAGES.splitlines()):
        if not line.startswith(" "):
            outer, _, inner = line.rpartition(".")
            siblings = added[outer].nested_type if outer else file.message_type
            message = added[line] = siblings.add(name=inner)
            full_name = f".{_PACKAGE}.{line}"
        else:
            for text in line.split(";"):
                if text.split()[0] == "enum":
                    _add_enum(message, *text.split()[1:])
                else:
                    _add_field(message, full_name, text)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    descriptors = {
        name: pool.FindMessageTypeByName(f"{_PACKAGE}.{name}") for name in added if "." not in name
    }
    descriptors["Any"] = pool.FindMessageTypeByName("google.protobuf.Any")
    class_of = getattr(message_factory, "GetMessageClass", None)
    if class_of is None:  # protobuf 4.21
        class_of = vars(message_factory)["MessageFactory"](pool).GetPrototype
    return {name: class_of(found) for name, found in descriptors.items()}


def _add_enums(file: Any) -> None:
    data_type = file.enum_type.add(name="DataType")
    data_type.value.add(name="DT_INVALID", number=0)
    for offset, suffix in ((0, ""), (100, "_REF")):
        for number, name in enumerate(_DATA_TYPES, start=1):
            data_type.value.add(name=f"DT_{name}{suffix}", number=number + offset)
    _add_enum(file, "FullTypeId", *(f"TFT_{entry}" for entry in _FULL_TYPES))
    _add_enum(file, "DataClass", *(f"DATA_CLASS_{entry}" for entry in _DATA_CLASSES))
    for name, entries in _VARIABLE_ENUMS.items():
        _add_enum(file, f"Variable{name}", *(f"VARIABLE_{name.upper()}_{e}" for e in entries))


def _add_enum(parent: Any, name: str, *entries: str) -> None:
    """Adds an enumeration, with entries like `V2=2`, to a file or a message."""
    added = parent.enum_type.add(name=name)
    for entry in entries:
        label, _, value = entry.partition("=")
        added.value.add(name=label, number=int(value))


def _add_field(message: Any, full_name: str, text: str) -> None:
    declaration, _, oneof = (part.strip() for part in text.partition("|"))
    number, name, *kind = declaration.split()
    field = message.field.add(name=name, number=int(number))
    if kind[0] == "map":
        entry = message.nested_type.add(name=_entry_name(name))
        entry.options.map_entry = True
        _set_type(entry.field.add(name="key", number=1), kind[1])
        _set_type(entry.field.add(name="value", number=2), kind[2])
        _set_type(field, f"*{full_name}.{entry.name}")
    else:
        _set_type(field, kind[0])
    if oneof:
        known = [each.name for each in message.oneof_decl]
        if oneof not in known:
            message.oneof_decl.add(name=oneof)
            known.append(oneof)
        field.oneof_index = known.index(oneof)


def _entry_name(field: str) -> str:
    return "".join(part.capitalize() for part in field.split("_")) + "Entry"


def _set_type(field: Any, kind: str) -> None:
    field.label = field.LABEL_REPEATED if kind.startswith("*") else field.LABEL_OPTIONAL
    kind = kind.lstrip("*")
    scalar = getattr(field, f"TYPE_{kind.upper()}", None)
    if scalar is not None:
        field.type = scalar
    else:
        field.type = field.TYPE_ENUM if kind in _ENUMS else field.TYPE_MESSAGE
        field.type_name = kind if kind.startswith(".") else f".{_PACKAGE}.{kind}"
