"""Batch normalisation of tf.layers and tf_slim, which TensorFlow keeps in tf_keras, where that is not installed.

Source: tf_keras, tf_keras/legacy_tf_layers/normalization.py: the names, the defaults and the order of the variables.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import Any

from .problem import Problem
from .tensorflow_1 import optional_module


def install_normalization(tensorflow: Any) -> None:
    """Puts a module of that name in place, unless tf_keras is installed."""
    name = "tf_keras.legacy_tf_layers.normalization"
    if "tf_keras" in sys.modules or importlib.util.find_spec("tf_keras") is not None:
        return
    v1 = tensorflow.compat.v1
    base: Any = optional_module("tensorflow.python.keras.legacy_tf_layers.base")
    if not hasattr(base, "Layer"):
        return
    kind = _layer_class(base.Layer, v1)

    def batch_normalization(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        training, reuse = kwargs.pop("training", False), kwargs.pop("reuse", None)
        layer = kind(*args, _reuse=reuse, _scope=kwargs.get("name"), **kwargs)
        return layer.apply(inputs, training=training)

    module: Any = types.ModuleType(name)
    module.BatchNormalization = module.BatchNorm = kind
    module.batch_normalization = module.batch_norm = batch_normalization
    parts = name.split(".")
    for index in range(1, len(parts)):
        package: Any = types.ModuleType(".".join(parts[:index]))
        package.__path__ = []
        sys.modules[package.__name__] = package
        if index > 1:
            setattr(sys.modules[".".join(parts[: index - 1])], parts[index - 1], package)
    setattr(sys.modules[".".join(parts[:-1])], parts[-1], module)
    sys.modules[name] = module


def _layer_class(layer: Any, v1: Any) -> Any:
    """The layer, made of the base class that `tf.layers` has here."""

    class BatchNormalization(layer):  # type: ignore[misc]
        def __init__(  # type: ignore[no-untyped-def]
            self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True, beta_initializer=None,
            gamma_initializer=None, moving_mean_initializer=None, moving_variance_initializer=None,
            beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None, renorm=False,
            renorm_clipping=None, renorm_momentum=0.99, fused=None, trainable=True, virtual_batch_size=None,
            adjustment=None, name=None, **kwargs
        ):  # fmt: skip
            if renorm or virtual_batch_size or adjustment:
                raise Problem(
                    "missing-package", "batch renormalisation needs tf_keras, and it is not installed", "tf-keras"
                )
            layer.__init__(self, trainable=trainable, name=name, **kwargs)
            self.axis = axis[0] if isinstance(axis, (list, tuple)) else axis
            self.momentum, self.epsilon, self.center, self.scale = momentum, epsilon, center, scale
            self.parts = (
                ("gamma", scale, gamma_initializer or v1.ones_initializer(), gamma_regularizer, gamma_constraint),
                ("beta", center, beta_initializer or v1.zeros_initializer(), beta_regularizer, beta_constraint),
                ("moving_mean", True, moving_mean_initializer or v1.zeros_initializer(), None, None),
                ("moving_variance", True, moving_variance_initializer or v1.ones_initializer(), None, None),
            )

        def build(self, input_shape: Any) -> None:
            size = int(input_shape[self.axis])
            for key, present, initializer, regularizer, constraint in self.parts:
                value = None
                if present:
                    value = self.add_weight(
                        name=key, shape=(size,), dtype=self.dtype, initializer=initializer, regularizer=regularizer,
                        constraint=constraint, trainable=self.trainable and not key.startswith("moving"),
                    )  # fmt: skip
                setattr(self, key, value)
            self.built = True

        def call(self, inputs: Any, training: Any = False) -> Any:
            rank = inputs.shape.rank
            axis = self.axis % rank
            others = [position for position in range(rank) if position != axis]
            along = [-1 if position == axis else 1 for position in range(rank)]

            def normalized(mean: Any, variance: Any) -> Any:
                parts = [value if value is None else v1.reshape(value, along) for value in (self.beta, self.gamma)]
                mean, variance = v1.reshape(mean, along), v1.reshape(variance, along)
                return v1.nn.batch_normalization(inputs, mean, variance, parts[0], parts[1], self.epsilon)

            if training is False or training is None or training == 0:
                return normalized(self.moving_mean, self.moving_variance)
            mean, variance = v1.nn.moments(inputs, others)
            if training is True or training == 1:
                for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                    update = v1.assign_sub(average, (average - value) * (1 - self.momentum))
                    v1.add_to_collection(v1.GraphKeys.UPDATE_OPS, update)
                return normalized(mean, variance)
            return v1.cond(
                training,
                lambda: normalized(mean, variance),
                lambda: normalized(self.moving_mean, self.moving_variance),
            )

    return BatchNormalization
