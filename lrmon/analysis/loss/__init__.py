"""The loss as a curve: its levels, its smoothing and its response to changes of the learning rate."""
