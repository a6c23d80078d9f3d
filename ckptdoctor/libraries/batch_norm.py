"""Batch normalisation: the roles of its variables, and what is added to the variance."""

from __future__ import annotations

STATISTICS = ("moving_mean", "moving_variance")
"""The roles that make a layer a batch normalisation: gamma and beta may be left out, and a layer normalisation has them."""

ROLES = ("gamma", "beta", *STATISTICS)

EPSILON = 0.001
"""The default of slim (tf_slim/layers/layers.py, `batch_norm`) and of Keras (keras/src/layers/normalization/
batch_normalization.py, `BatchNormalization`)."""
