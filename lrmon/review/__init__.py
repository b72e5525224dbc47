"""Trainings read back: from TensorBoard's DataProvider to columns, summaries and answers."""
