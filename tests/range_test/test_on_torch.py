"""What only PyTorch has: its DataLoader, its modules within a Keras model, its one random state."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

import lrmon
from tests.range_test.models import data, model

X, Y = data()
SETTINGS: dict[str, Any] = {"start_lr": 1e-5, "end_lr": 1e-2, "verbose": 0}


def test_a_data_loader_is_read_from_its_start_as_often_as_it_takes() -> None:
    loader = DataLoader(TensorDataset(torch.as_tensor(X), torch.as_tensor(Y)), batch_size=8)
    expected, result = (lrmon.LRFinder(model(keras.optimizers.SGD(0.1), dropout=0.0)) for _ in range(2))
    expected.find(X, Y, steps=15, batch_size=8, shuffle=False, **SETTINGS)
    result.find(loader, steps=15, **SETTINGS)
    assert expected.result is not None
    assert result.result is not None
    np.testing.assert_array_equal(expected.result.losses, result.result.losses)


def test_state_that_a_module_of_pytorch_keeps_is_put_back() -> None:
    keras.utils.set_random_seed(1)
    normalization = torch.nn.BatchNorm1d(5)
    network = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.TorchModuleWrapper(normalization, output_shape=(None, 5)),
            keras.layers.Dense(1),
        ]
    )
    network.compile(keras.optimizers.SGD(0.1), "mse")
    network.fit(X, Y, verbose=0)
    before = [value.detach().clone() for value in network.state_dict().values()]
    modes = [module.training for module in network.modules()]
    state = torch.get_rng_state()
    lrmon.LRFinder(network).find(X, Y, steps=5, batch_size=8, **SETTINGS)
    for one, other in zip(before, network.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert modes == [module.training for module in network.modules()]
    assert torch.equal(state, torch.get_rng_state())
