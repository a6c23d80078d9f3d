"""The changed graph, for `ckptdoctor diff target_graph.py:graph --arg net=… --arg resource=…`: TensorFlow 1."""

from graph_build import build_graph
from nets import read_net


def graph(net, resource):
    build_graph(read_net(net), resource=resource)
