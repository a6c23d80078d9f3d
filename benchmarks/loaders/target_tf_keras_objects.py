"""The changed objects, for `ckptdoctor diff target_tf_keras_objects.py:checkpoint --arg variant=…`: of tf_keras."""

import tensorflow as tf
import tf_keras
from keras_build import build_model
from pairs import net_of


def checkpoint(variant):
    net = net_of(variant)
    model = build_model(tf_keras, net)[0]
    return tf.train.Checkpoint(**{net.root: model}) if net.root else tf.train.Checkpoint(model)
