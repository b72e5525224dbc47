"""The learning rate range test: what its curve suggests, and how far that can be trusted."""
