"""The user's graph → `GraphSpec`. The only room that runs TensorFlow or Keras, and only in a child process."""
