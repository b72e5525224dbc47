"""Step sizes: what single updates do to the weights, from a sample of them, at an interval of steps.

The step size of a weight is what the optimizer's rule multiplies its numerator by: the gradient, the moment
of the gradients, or its sign. For Adam it is lr · cₜ / (√v + ε), with the v that the update has left.

- ``rules`` knows each optimizer's formula and what it is made of,
- ``strides`` chooses the weights,
- ``reading`` gets their values from the device,
- ``sampler`` takes the samples during a fit; each is completed when the ring's row of its step is read, since
  that row has the learning rate.
"""
