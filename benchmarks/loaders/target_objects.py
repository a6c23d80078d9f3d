"""The changed objects, for `ckptdoctor diff target_objects.py:checkpoint --arg net=…`."""

import keras
import tensorflow as tf
from keras_build import build_model
from module_build import build_module
from nets import read_net


def checkpoint(net):
    net = read_net(net)
    model = build_module(net)[0] if net.style == "module" else build_model(keras, net)[0]
    return tf.train.Checkpoint(**{net.root: model}) if net.root else tf.train.Checkpoint(model)
