"""The learning-rate range test: sweeps the rate over a model's own training step, and leaves no trace."""
