"""Builds the user's graph in a process of its own; run by path, under the user's interpreter.

It may use what Python 3.8 has (the oldest that TensorFlow 2.12 runs on), the standard library, and the user's TensorFlow,
Keras and NumPy; nothing of ckptdoctor, which need not be installed there. ckptdoctor imports some of its modules:
`protocol`, `consumers`, `operations`, `keras_layers`, `keras_places`.
"""
