"""The changed model, for `ckptdoctor diff target_tf_keras.py:model --arg variant=…`: tf_keras."""

import tf_keras
from keras_build import build_model
from pairs import net_of


def model(variant):
    return build_model(tf_keras, net_of(variant))[0]
