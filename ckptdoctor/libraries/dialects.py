"""What the same thing is called elsewhere: the words that libraries use for a layer's variables and for its kind.

Sources: slim (tf_slim/layers/layers.py: `weights`, `biases`, `depthwise_weights`, `BatchNorm`); Keras
(keras/src/layers: `kernel`, `bias`, `gamma`, `beta`, `moving_mean`, `embeddings`); TensorFlow 1.2's cells
(tensorflow/contrib/rnn/python/tools/checkpoint_convert.py: `weights` became `kernel`, `biases` became `bias`);
TensorFlow 2's object graph (tensorflow/python/trackable/base.py, `VARIABLE_VALUE_KEY`); PyTorch's `weight`,
`running_mean`, `running_var`.
"""

from __future__ import annotations

import re

ROLES = {
    "kernel": ("kernel", "weights", "weight", "w", "filter", "filters", "matrix"),
    "bias": ("bias", "biases", "b"),
    "depthwise_kernel": ("depthwise_kernel", "depthwise_weights"),
    "pointwise_kernel": ("pointwise_kernel", "pointwise_weights"),
    "recurrent_kernel": ("recurrent_kernel", "recurrent_weights"),
    "gamma": ("gamma", "scale"),
    "beta": ("beta", "offset"),
    "moving_mean": ("moving_mean", "running_mean", "pop_mean"),
    "moving_variance": ("moving_variance", "running_var", "pop_var"),
    "embeddings": ("embeddings", "embedding", "embedding_weights"),
}
"""What a variable is to its layer, and the last word of its name in each dialect."""

ROLE_OF = {word: role for role, words in ROLES.items() for word in words}

BIAS_BESIDE = {"weights": "biases", "depthwise_weights": "biases", "weight": "bias", "w": "b", "W": "b"}
"""What a library calls the bias beside a kernel of this name; `bias` beside all others."""

KINDS = (
    (re.compile(r"conv(?:olution)?[123]d(?![a-z])"), "conv"),
    (re.compile(r"batch_?norm(alization)?(?![a-z])|(?<![a-z])bn(?![a-z])"), "norm"),
    (re.compile(r"layer_?norm(alization)?(?![a-z])|(?<![a-z])ln(?![a-z])"), "norm"),
    (re.compile(r"fully_?connected(?![a-z])|(?<![a-z])(fc|linear)(?![a-z])"), "dense"),
)
"""Words for the same kind of layer, in lower case with underscores."""

WRAPPINGS = re.compile(r"(/\.ATTRIBUTES/VARIABLE_VALUE|:\d+)$")
"""What object graphs and tensors put behind a name."""

LISTED_VARIABLE = re.compile(r"^variables/(\d+)$")
"""The n-th variable of a model that Keras exported for serving.

Source: Keras 3, keras/src/export/saved_model.py, `ExportArchive.track`.
"""

OBJECT_LAYER = re.compile(r"(?:^|/)(?:layer_with_weights-|_operations/)(\d+)(?=/|$)")
"""Keras's name for the n-th layer that has weights (Keras 3: the n-th layer), in a TensorFlow 2 checkpoint.

Sources: Keras 2, keras/engine/functional.py, `_trackable_children`; Keras 3, keras/src/models/functional.py, `_operations`.
"""
