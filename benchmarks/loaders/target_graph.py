"""The changed graph, for `ckptdoctor diff target_graph.py:graph --arg variant=… --arg resource=…`: TensorFlow 1."""

from graph_build import build_graph
from pairs import net_of


def graph(variant, resource):
    build_graph(net_of(variant), resource=resource)
