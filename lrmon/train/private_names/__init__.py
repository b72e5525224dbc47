"""The private names of Keras, tf_keras, TensorFlow and JAX, behind names of our own.

No other module of lrmon uses a name that starts with an underscore and belongs to another package. Each
module here lists its names in `NAMES`, and tests/fits/test_private_names.py looks for all of them in the
installed versions.
"""
