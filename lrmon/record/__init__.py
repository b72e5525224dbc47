"""Recording: rows in, TensorBoard events out. Knows nothing of Keras, nor of who reads."""
