"""Recording: step records in, TensorBoard events out. It knows neither Keras nor the review side."""
