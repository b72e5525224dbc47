"""Training: what Keras does inside its step, read there and handed to the recorder."""
