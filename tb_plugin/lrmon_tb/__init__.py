"""TensorBoard's plugin: its loader, its routes and the files of its page."""
