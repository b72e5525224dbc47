"""The learning rate as a curve: where it changes, by which rule, and what a Keras schedule gives."""
