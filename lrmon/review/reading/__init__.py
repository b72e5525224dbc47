"""Reading: from a log directory, through TensorBoard's data provider, to runs."""
