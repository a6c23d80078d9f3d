"""The changed model, for `ckptdoctor diff target_tf_keras.py:model --arg net=…`: tf_keras."""

import tf_keras
from keras_build import build_model
from nets import read_net


def model(net):
    return build_model(tf_keras, read_net(net))[0]
