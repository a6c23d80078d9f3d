"""The changed model, for `ckptdoctor diff target_keras.py:model --arg variant=…`: Keras 3."""

import keras
from keras_build import build_model
from pairs import net_of


def model(variant):
    return build_model(keras, net_of(variant))[0]
