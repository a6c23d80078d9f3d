"""The changed model, for `ckptdoctor diff target_keras.py:model --arg net=…`: Keras 3."""

import keras
from keras_build import build_model
from nets import read_net


def model(net):
    return build_model(keras, read_net(net))[0]
