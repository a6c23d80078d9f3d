"""The same network with dense layers, written for TensorFlow 1, with the flatten that fc6 needs."""

import tensorflow as tf

slim = tf.contrib.slim


def vgg_16(images):
    with tf.variable_scope("vgg_16"):
        net = images
        for block, (repeat, width) in enumerate([(2, 4), (2, 8), (3, 16), (3, 32), (3, 32)], 1):
            net = slim.repeat(net, repeat, slim.conv2d, width, [3, 3], scope="conv%d" % block)
            net = slim.max_pool2d(net, [2, 2], scope="pool%d" % block)
        net = slim.flatten(net)
        net = slim.fully_connected(net, 64, scope="fc6")
        net = slim.fully_connected(net, 64, scope="fc7")
        return slim.fully_connected(net, 10, activation_fn=None, scope="fc8")
