"""The changed objects, for `ckptdoctor diff target_objects.py:checkpoint --arg variant=…`."""

import keras
import tensorflow as tf
from keras_build import build_model
from module_build import build_module
from pairs import net_of


def checkpoint(variant):
    net = net_of(variant)
    model = build_module(net)[0] if net.style == "module" else build_model(keras, net)[0]
    return tf.train.Checkpoint(**{net.root: model}) if net.root else tf.train.Checkpoint(model)
