"""The model and its optimizers, read: what trains, with which learning rate and settings."""
