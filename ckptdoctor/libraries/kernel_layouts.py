"""Where libraries have the axes of a kernel.

| layout         | convolution kernel           | dense kernel | flatten of a map |
|----------------|------------------------------|--------------|------------------|
| `tensorflow`   | [kh,kw,in,out], correlation  | [in,out]     | rows in (H,W,C)  |
| `theano`       | [out,in,kh,kw], convolution: both spatial axes reversed | [in,out] | rows in (C,H,W) |
| `keras-theano` | [kh,kw,in,out], convolution: both spatial axes reversed | [in,out] | rows in (H,W,C) |
| `pytorch`      | [out,in,kh,kw], correlation  | [out,in]     | columns in (C,H,W) |

A convolution over one or three dimensions has one or three spatial axes in the same places.

Sources: Keras 2, keras/saving/legacy/hdf5_format.py, `preprocess_weights_for_loading` (Theano's kernels, and which backend
wrote them), keras/utils/layer_utils.py, `convert_dense_weights_data_format`; PyTorch, torch/nn/modules/conv.py and
linear.py (the shapes of `weight`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KernelLayout:
    """Where a library has a kernel's axes.

    Attributes:
        outputs_first: whether a convolution kernel is [out,in,spatial…] rather than [spatial…,in,out].
        flipped: whether the library convolves, with its spatial axes reversed, rather than correlates.
        dense_transposed: whether a dense kernel is [out,in] rather than [in,out].
        channels_first: whether a flattened map is in (C,H,W) rather than (H,W,C).
    """

    outputs_first: bool
    flipped: bool
    dense_transposed: bool
    channels_first: bool


KERNEL_LAYOUTS = {
    "tensorflow": KernelLayout(outputs_first=False, flipped=False, dense_transposed=False, channels_first=False),
    "theano": KernelLayout(outputs_first=True, flipped=True, dense_transposed=False, channels_first=True),
    "keras-theano": KernelLayout(outputs_first=False, flipped=True, dense_transposed=False, channels_first=False),
    "pytorch": KernelLayout(outputs_first=True, flipped=False, dense_transposed=True, channels_first=True),
}

STORED_ORDERS = {
    (2, 3, 1, 0): "[out,in,kh,kw], as PyTorch and Theano keep kernels",
    (1, 0): "[out,in], as PyTorch keeps matrices",
    (2, 1, 0): "[out,in,width], as PyTorch keeps kernels",
    (2, 3, 4, 1, 0): "[out,in,depth,height,width], as PyTorch keeps kernels",
    (0, 1, 3, 2): "[kh,kw,out,in], as a transposed convolution keeps kernels",
    (3, 2, 0, 1): "[in,out,kh,kw] of channels-first code",
    (1, 2, 3, 0): "[out,kh,kw,in]",
    (1, 2, 0): "[out,width,in]",
}
"""The permutation that brings a kernel into TensorFlow's order, and how it was stored; the likeliest first."""
