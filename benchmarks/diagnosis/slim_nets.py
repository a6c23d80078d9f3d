"""Networks of tf_slim.nets, each under its arg_scope."""

import tensorflow.compat.v1 as tf
import tf_slim as slim
from tf_slim.nets import alexnet, inception, overfeat, resnet_v1, resnet_v2, vgg


def _build(network, scope, side, **arguments):
    with slim.arg_scope(scope):
        return network(tf.placeholder(tf.float32, [None, side, side, 3]), is_training=False, **arguments)


def alexnet_v2():
    return _build(alexnet.alexnet_v2, alexnet.alexnet_v2_arg_scope(), 224)


def vgg_16():
    return _build(vgg.vgg_16, vgg.vgg_arg_scope(), 224)


def vgg_19():
    return _build(vgg.vgg_19, vgg.vgg_arg_scope(), 224)


def overfeat_net():
    return _build(overfeat.overfeat, overfeat.overfeat_arg_scope(), 231)


def inception_v1():
    return _build(inception.inception_v1, inception.inception_v1_arg_scope(), 224, num_classes=1001)


def inception_v2():
    return _build(inception.inception_v2, inception.inception_v2_arg_scope(), 224, num_classes=1001)


def inception_v3():
    return _build(inception.inception_v3, inception.inception_v3_arg_scope(), 299, num_classes=1001)


def resnet_v1_50():
    return _build(resnet_v1.resnet_v1_50, resnet_v1.resnet_arg_scope(), 224, num_classes=1000)


def resnet_v1_101():
    return _build(resnet_v1.resnet_v1_101, resnet_v1.resnet_arg_scope(), 224, num_classes=1000)


def resnet_v2_50():
    return _build(resnet_v2.resnet_v2_50, resnet_v2.resnet_arg_scope(), 224, num_classes=1001)
