"""A small VGG16 as slim publishes it: its "fully connected" layers are convolutions. Run it to save a checkpoint."""

import sys

import tensorflow.compat.v1 as tf
import tf_slim as slim


def vgg_16(images):
    with tf.variable_scope("vgg_16"):
        net = images
        for block, (repeat, width) in enumerate([(2, 4), (2, 8), (3, 16), (3, 32), (3, 32)], 1):
            net = slim.repeat(net, repeat, slim.conv2d, width, [3, 3], scope="conv%d" % block)
            net = slim.max_pool2d(net, [2, 2], scope="pool%d" % block)
        net = slim.conv2d(net, 64, [7, 7], padding="VALID", scope="fc6")
        net = slim.conv2d(net, 64, [1, 1], scope="fc7")
        net = slim.conv2d(net, 10, [1, 1], activation_fn=None, scope="fc8")
        return tf.squeeze(net, [1, 2])


if __name__ == "__main__":
    tf.disable_v2_behavior()
    tf.set_random_seed(1)
    vgg_16(tf.placeholder(tf.float32, [None, 224, 224, 3]))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.train.Saver(write_version=tf.train.SaverDef.V1).save(session, sys.argv[1], write_meta_graph=False)
