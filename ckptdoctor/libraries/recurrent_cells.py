"""Recurrent layers: how many gates a cell has, and which names tell whose implementation it is.

The implementations keep the same numbers under other names, in other shapes and with the gates in another order.

| implementation | kernels | gates of an LSTM | bias |
|---|---|---|---|
| TensorFlow's cells | one [in+u,4u] | i, j, f, o (j is Keras's c) | [4u] |
| Keras | kernel [in,4u], recurrent_kernel [u,4u] | i, f, c, o | [4u]; a GRU with `reset_after` [2,3u] |
| Keras's CuDNN layers | as Keras; each gate's part transposed | i, f, c, o | [8u], [6u]: one for the inputs, one for the state |

Sources: TensorFlow, tensorflow/python/keras/layers/legacy_rnn/rnn_cell_impl.py, `LSTMCell.call`; Keras 2,
keras/layers/rnn/lstm.py, `LSTMCell.call`, and keras/saving/legacy/hdf5_format.py, `_convert_rnn_weights`.
"""

from __future__ import annotations

import re

LSTM_GATES, GRU_GATES = 4, 3

IMPLEMENTATIONS = (
    ("CuDNN's own buffer", re.compile(r"opaque_kernel|cudnn_(lstm|gru)/(?!stack)", re.IGNORECASE)),
    ("CuDNN-compatible cells", re.compile(r"cudnn_compatible", re.IGNORECASE)),
    ("LSTMBlock or fused cells", re.compile(r"lstm_fused_cell|lstm_block|block_lstm", re.IGNORECASE)),
    ("basic LSTM cells", re.compile(r"basic_lstm_cell", re.IGNORECASE)),
    ("GRU cells", re.compile(r"gru_cell", re.IGNORECASE)),
    ("LSTM cells", re.compile(r"lstm_cell", re.IGNORECASE)),
    ("Keras's layers", re.compile(r"recurrent_kernel", re.IGNORECASE)),
)
"""Whose implementation a key is of: the first whose pattern it has."""
