"""Resource ceilings: what a file may ask of us before it is refused."""

MAX_METADATA_BLOCK = 256 << 20
"""Bytes of one metadata block (an index, a meta-index, the block that lists a V1 file). TensorFlow aims at 256 KiB."""

MAX_SNAPPY_OUTPUT = 1 << 30
"""Bytes that one Snappy block may unfold to."""

MAX_SNAPPY_RATIO = 256
"""Unfolded bytes per stored byte; Snappy's densest copy gives 64 bytes for 3."""

MAX_RANK = 254
"""Dimensions of a tensor (TensorFlow: core/framework/tensor_shape.h, TensorShapeRep::MaxDimensions)."""

MAX_ELEMENTS = 1 << 62
"""Elements of a tensor: far above any file, far below what overflows a signed 64-bit product."""

MAX_SHARDS = 100_000
"""Shards of one checkpoint: `-of-NNNNN` has five digits."""

COPY_CHUNK = 8 << 20
"""Bytes copied, checked or transformed at a time: the memory that a conversion needs."""

MAX_SLICES = 4096
"""Slices of one partitioned tensor; checking that they do not overlap takes their square."""

MAX_STATE_FILE = 16 << 20
"""Bytes of a `checkpoint` state file."""

MAX_META_GRAPH = 2 << 30
"""Bytes of a `.meta` file: protobuf's own ceiling."""

MAX_JSON_HEADER = 100_000_000
"""Bytes of a safetensors header: the format's own ceiling (safetensors/src/tensor.rs, `MAX_HEADER_SIZE`)."""

MAX_ZIP_MEMBERS = 1_000_000
"""Members of a zip archive."""

MAX_ZIP_RATIO = 1100
"""Unpacked bytes per packed byte of a zip member; deflate gives at most 1032."""

MAX_HDF5_OBJECTS = 4_000_000
"""Groups and datasets of an HDF5 file."""

MAX_OBJECTS = 10_000_000
"""Objects of an object graph."""

MAX_CONFIG_DEPTH = 64
"""Models within models of a Keras configuration."""

MAX_GRAPH_TEXT = 256 << 20
"""Bytes of a graph definition in text, which is parsed in Python."""

MAX_VOCABULARY = 1 << 30
"""Bytes of a vocabulary file."""

MAX_CONFIG_ITEMS = 100_000
"""Parts of what one layer of a Keras configuration says of its inputs."""

MAX_UNSTORED = 256 << 20
"""Bytes of one tensor whose values a file does not store: a constant's repeated value, chunks that were never written."""

GRAPH_MEMORY = 8 << 30
"""Bytes of memory that building a graph may take; `CKPTDOCTOR_GRAPH_MEMORY` sets another number, 0 none."""

GRAPH_MEMORY_VARIABLE = "CKPTDOCTOR_GRAPH_MEMORY"

MAX_REQUEST = 64 << 20
"""Bytes of a graph's arguments."""

MAX_ANSWER = 2 << 30
"""Bytes of the description of a graph."""

MAX_LOCK = 1 << 30
"""Bytes of a lock file: millions of variables."""
