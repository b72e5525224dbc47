"""Trains with what a range test recommends, with ten times more and ten times less, and writes the table.

``python scripts/range_test_table.py`` writes ``docs/range_test_results.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

import lrmon

PAGE: Final = Path(__file__).parent.parent / "docs" / "range_test_results.md"
EPOCHS, BATCH_SIZE, STEPS, SEEDS = 5, 32, 200, (1, 2, 3)

layers, optimizers = keras.layers, keras.optimizers


@dataclass(frozen=True, slots=True)
class Case:
    """A model on a data set.

    Attributes:
        name: As the table has it.
        optimizer: As the table has it.
        x: [samples, …], standardized.
        y: [samples], numbers of classes, or a standardized target.
        build: Returns the layers.
        make: Returns the optimizer for a learning rate.
    """

    name: str
    optimizer: str
    x: Any
    y: Any
    build: Callable[[], list[Any]]
    make: Callable[[float], Any]

    def model(self, seed: int, learning_rate: float = 0.001) -> keras.Model:
        """Returns the compiled model, with weights drawn by a seed."""
        keras.utils.clear_session()
        keras.utils.set_random_seed(seed)
        classes = self.y.dtype.kind == "i"
        outputs = int(self.y.max()) + 1 if classes else 1
        model = keras.Sequential([keras.Input(self.x.shape[1:]), *self.build(), layers.Dense(outputs)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if classes else "mse"
        model.compile(self.make(learning_rate), loss, jit_compile=False)
        return model

    def loss_after(self, learning_rate: float) -> float:
        """Returns the loss on all samples after training, the median over the seeds."""
        losses = []
        for seed in SEEDS:
            model = self.model(seed, learning_rate)
            model.fit(self.x, self.y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)
            losses.append(float(model.evaluate(self.x, self.y, batch_size=512, verbose=0)))
        return float(np.median(np.nan_to_num(losses, nan=np.inf)))


def linear() -> list[Any]:
    """Returns nothing: the last layer is the model."""
    return []


def network() -> list[Any]:
    """Returns two hidden layers."""
    return [layers.Dense(64, activation="relu"), layers.Dense(64, activation="relu")]


def normalized() -> list[Any]:
    """Returns a hidden layer with batch normalization and dropout."""
    return [
        layers.Dense(64),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.Dropout(0.2),
    ]


def convolutional() -> list[Any]:
    """Returns two convolutions for images of 8 by 8 pixels."""
    return [
        layers.Reshape((8, 8, 1)),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Flatten(),
    ]


def cases() -> Iterator[Case]:
    """Yields three models on each of three data sets."""
    of_digits = _loaded(datasets.load_digits, classes=True)
    yield Case("digits, softmax regression", "SGD", *of_digits, linear, optimizers.SGD)
    yield Case("digits, network", "Adam", *of_digits, network, optimizers.Adam)
    yield Case("digits, convolutions", "SGD, momentum 0.9", *of_digits, convolutional, _with_momentum)
    of_cancer = _loaded(datasets.load_breast_cancer, classes=True)
    yield Case("cancer, logistic regression", "Adam", *of_cancer, linear, optimizers.Adam)
    yield Case("cancer, network", "SGD", *of_cancer, network, optimizers.SGD)
    yield Case("cancer, batch normalization", "RMSprop", *of_cancer, normalized, optimizers.RMSprop)
    of_diabetes = _loaded(datasets.load_diabetes, classes=False)
    yield Case("diabetes, linear regression", "SGD", *of_diabetes, linear, optimizers.SGD)
    yield Case("diabetes, network", "Adam", *of_diabetes, network, optimizers.Adam)
    yield Case("diabetes, batch normalization", "AdamW", *of_diabetes, normalized, optimizers.AdamW)


def main() -> None:
    """Writes the table."""
    found = []
    for case in cases():
        result = lrmon.LRFinder(case.model(SEEDS[0])).find(
            case.x, case.y, steps=STEPS, batch_size=BATCH_SIZE, verbose=0
        )
        lr = result.recommended.learning_rate
        losses = [np.nan] * 3 if lr is None else [case.loss_after(lr * by) for by in (0.1, 1.0, 10.0)]
        found.append((case, result, losses))
        print(f"{case.name}: {lr}: {losses}", flush=True)
        if "-v" in sys.argv:
            print(result)
    PAGE.write_text("\n".join(_page(found)) + "\n", encoding="utf-8")


def _page(found: list[tuple[Case, Any, list[float]]]) -> Iterator[str]:
    better = sum(bool(losses[1] < min(losses[0], losses[2])) for _, _, losses in found)
    yield "# Results of the recommended learning rate"
    yield ""
    yield (
        f"Each case is a sweep of {STEPS} steps (batches of {BATCH_SIZE}, from 1e-7 to 10), then {EPOCHS} "
        "epochs of training from new weights with the recommended learning rate, with a tenth of it and with "
        "ten times as much. The loss is that on all training samples at the end, the median over "
        f"{len(SEEDS)} seeds. `python scripts/range_test_table.py` writes this page "
        f"(Keras {keras.__version__} on {keras.backend.backend()})."
    )
    yield ""
    yield (
        "These nine problems were known when the bound of `recommended`, a decade below the divergence, was "
        "chosen. Other data can give other results."
    )
    yield ""
    yield f"**The recommended learning rate is the best of the three in {better} of {len(found)} cases.**"
    yield ""
    yield "| data, model | optimizer | recommended | diverges | loss: a tenth | **recommended** | ten times |"
    yield "|---|---|---|---|---|---|---|"
    for case, result, losses in found:
        tenth, with_it, ten_times = (_text(loss) for loss in losses)
        yield (
            f"| {case.name} | {case.optimizer} | {_text(result.recommended.learning_rate)} "
            f"| {_text(result.suggestions['divergence'].learning_rate)} "
            f"| {tenth} | **{with_it}** | {ten_times} |"
        )
    yield ""
    yield "The other suggestions, for the same sweeps:"
    yield ""
    names = [name for name in found[0][1].suggestions if name != "divergence"]
    yield f"| data, model | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for case, result, _ in found:
        lrs = (_text(result.suggestions[name].learning_rate) for name in names)
        yield f"| {case.name} | {' | '.join(lrs)} |"


def _text(value: float | None) -> str:
    if value is None or np.isnan(value):
        return "–"
    return "infinite" if np.isinf(value) else f"{value:.3g}"


def _with_momentum(learning_rate: float) -> Any:
    return optimizers.SGD(learning_rate, momentum=0.9)


def _loaded(load: Callable[..., Any], *, classes: bool) -> tuple[Any, Any]:
    x, y = load(return_X_y=True)
    x = StandardScaler().fit_transform(x).astype(np.float32)
    return x, y.astype(np.int32) if classes else ((y - y.mean()) / y.std()).astype(np.float32)


if __name__ == "__main__":
    main()
