"""ReduceLROnPlateau over a run: what the rule watches, what it would do, and what the record shows."""
