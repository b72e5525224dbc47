"""Trainings as people write them: the same with the monitor, and recorded with their own learning rates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrmon import schema
from tests.fits.framework import same_bits
from tests.styles import arithmetic, generative, learning_rates, representation
from tests.styles.same import recorded_beside, trained
from tests.styles.style import HALF_ULP, Train

STYLES: list[Train] = [
    generative.variational_autoencoder,
    generative.diffusion,
    representation.distillation,
    learning_rates.speech,
    learning_rates.one_cycle,
    arithmetic.half_precision,
]

MORE_STYLES: list[Train] = [
    generative.masked_autoencoder,
    representation.contrastive,
    representation.siamese,
    representation.transfer_learning,
    learning_rates.captioning,
    learning_rates.translation,
    learning_rates.warm_restarts,
    arithmetic.gradient_accumulation,
    arithmetic.brain_precision,
    arithmetic.averaged_weights,
    arithmetic.clipped,
    arithmetic.several_outputs,
]


def name_of(train: Any) -> str:
    return str(train.__name__)


@pytest.mark.parametrize(
    "train",
    [*STYLES, *(pytest.param(train, marks=pytest.mark.long) for train in MORE_STYLES)],
    ids=name_of,
)
def test_a_style_trains_as_without_the_monitor_and_at_the_recorded_learning_rates(
    tmp_path: Path, train: Train
) -> None:
    result, run = recorded_beside(train, tmp_path)
    assert {schema.EXACT} == {fit["exactness"]["learning_rate"] for fit in run.fits}
    if result.roundings == 0:
        same_bits(result.learning_rates, run.learning_rate)
    else:
        bound = result.roundings * HALF_ULP * max(result.learning_rates)
        np.testing.assert_allclose(run.learning_rate, result.learning_rates, rtol=0, atol=bound)
    # Where a step shows its loss under another name alone, nothing says which of its numbers is the loss.
    shows_loss = all("loss" in history for history in result.histories)
    assert shows_loss == np.isfinite(run.loss).all() == np.isfinite(run.loss).any()
    exactness = {fit["exactness"]["loss"] for fit in run.fits}
    assert {schema.EXACT if shows_loss else schema.UNAVAILABLE} == exactness


def test_another_seed_trains_to_other_weights() -> None:
    """So that equal weights say something."""
    one, _ = trained(learning_rates.one_cycle, [])
    other = learning_rates.one_cycle([])
    assert any((a != b).any() for a, b in zip(one.variables(), other.variables(), strict=True))
