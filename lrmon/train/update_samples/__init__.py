"""Samples of single updates: what an update did to the weights, at an interval of steps.

- ``weights`` chooses the weights,
- ``variable_values`` gets their values from the device,
- ``sampler`` takes the samples during a fit; each is completed when the record of its step is read,
  since that has the learning rate.

The formulas of the step sizes are in `lrmon.train.model.step_size`.
"""
