"""The changed objects, for `ckptdoctor diff target_tf_keras_objects.py:checkpoint --arg net=…`: of tf_keras."""

import tensorflow as tf
import tf_keras
from keras_build import build_model
from nets import read_net


def checkpoint(net):
    net = read_net(net)
    model = build_model(tf_keras, net)[0]
    return tf.train.Checkpoint(**{net.root: model}) if net.root else tf.train.Checkpoint(model)
