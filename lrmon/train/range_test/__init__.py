"""The range test: sweeps of the learning rate with a model's own training step, which change nothing."""
