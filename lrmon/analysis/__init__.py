"""Pure functions of numbers: they know neither files nor TensorBoard, and import numpy alone."""
