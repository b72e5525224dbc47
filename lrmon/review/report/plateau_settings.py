"""The settings of ReduceLROnPlateau: those of a run, those of a callback, and those that a user writes."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from lrmon.analysis.plateau.direction import KerasVersion
from lrmon.analysis.plateau.rule import SETTINGS, PlateauRule
from lrmon.review.run.run import SERIES, Run

BATCH_PREFIX: Final = "batch/"
BATCH_METRICS: Final = tuple(f"{BATCH_PREFIX}{name}" for name in ("loss", *SERIES[:2]))
"""The series of a run that a rule can watch step by step."""

_LONGEST: Final = 50
"""An error repeats at most this many characters of a wrong text."""


@dataclass(frozen=True, slots=True)
class DefaultRule:
    """The plateau rule of a run that is used if no other one is given.

    Attributes:
      rule: the settings.
      provenance: ``run``: recorded with the run. ``keras``: ReduceLROnPlateau's own defaults.
      is_applied: whether the last fit had a ReduceLROnPlateau with these settings.
    """

    rule: PlateauRule
    provenance: Literal["run", "keras"]
    is_applied: bool


def default_rule(run: Run) -> DefaultRule:
    """Returns the rule that the run recorded, else Keras' defaults.

    Without a recorded rule, `monitor` is ``val_loss``, else ``loss``, else the first metric of the run, and
    `version` is that of the Keras that trained the model.
    """
    record = run.fits[-1].record if run.fits else {}
    rule = _recorded_rule(record)
    if rule is not None:
        return DefaultRule(rule, "run", applied_rule(record) is not None)
    metrics = run.metric_names
    monitor = next((name for name in ("val_loss", "loss", *metrics) if name in metrics), "val_loss")
    rule = PlateauRule(monitor, version=_version(record.get("framework")))
    return DefaultRule(rule, "keras", is_applied=False)


def applied_rule(record: Mapping[str, Any]) -> PlateauRule | None:
    """Returns the rule of the ReduceLROnPlateau in a fit's list of callbacks, None if none is recorded.

    Args:
      record: of the fit.
    """
    recorded = record.get("plateau")
    is_applied = isinstance(recorded, Mapping) and recorded.get("applied") is True
    return _recorded_rule(record) if is_applied else None


def rule_of(callback: Any) -> PlateauRule | None:
    """Returns the rule of a ReduceLROnPlateau of any Keras, or the rule itself; None for anything else.

    Raises:
      ValueError: if a setting is out of its range.
    """
    if isinstance(callback, PlateauRule):
        return callback
    if not all(hasattr(callback, name) for name in SETTINGS if name not in ("mode", "version")):
        return None
    package = type(callback).__module__.partition(".")[0]
    release = getattr(sys.modules.get(package), "__version__", "")
    version = _version(f"{package} {release}")
    settings = {
        name: kind(getattr(callback, name, "auto")) for name, kind in SETTINGS.items() if name != "version"
    }
    return PlateauRule(**settings, version=version)


def metric_names(run: Run) -> tuple[str, ...]:
    """Returns the names of what a rule can watch in this run: epoch metrics, then series of batches."""
    return (*run.metric_names, *(BATCH_METRICS if run.step.size else ()))


def replaced(rule: PlateauRule, texts: Mapping[str, str]) -> PlateauRule:
    """Returns the rule with settings replaced by those that a user wrote.

    Args:
      rule: the rule.
      texts: by the setting's name.

    Raises:
      ValueError: if a text is no number where one is needed, or a setting is out of its range.

    >>> replaced(PlateauRule("loss"), {"patience": "3"}).patience
    3
    """
    settings: dict[str, Any] = {}
    for name, text in texts.items():
        if SETTINGS[name] is float:
            settings[name] = _number(name, text)
        elif SETTINGS[name] is int:
            settings[name] = _count(name, text)
        elif name in ("mode", "version") and len(text) > _LONGEST:
            raise ValueError(f"{name} must be one of Keras' own, got {text[:_LONGEST]!r}…")
        else:
            settings[name] = text
    return replace(rule, **settings)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {text[:_LONGEST]!r}") from None


def _count(name: str, text: str) -> int:
    digits = text.strip().removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
        raise ValueError(f"{name} must be a whole number, got {text[:_LONGEST]!r}")
    return int(text)


def rule_json(rule: PlateauRule) -> dict[str, Any]:
    """Returns the settings by name."""
    return {name: getattr(rule, name) for name in SETTINGS}


def rule_words(rule: PlateauRule) -> str:
    """Returns the rule as one line of text.

    >>> rule_words(PlateauRule("val_loss", patience=5))
    'ReduceLROnPlateau(monitor="val_loss", factor=0.1, patience=5), keras-3.15'
    """
    call = keras_call(replace(rule, monitor="batch")) or ""
    call = call.partition(".callbacks.")[2].replace('"batch"', f'"{_escaped(rule.monitor)}"', 1)
    return f"{call}, {rule.version}"


def keras_call(rule: PlateauRule) -> str | None:
    """Returns the Keras call with these settings, None for a series of batches, which Keras cannot watch.

    >>> keras_call(PlateauRule("val_loss", patience=5))
    'keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.1, patience=5)'
    """
    if rule.monitor.startswith(BATCH_PREFIX):
        return None
    default = PlateauRule(rule.monitor)
    arguments = []
    for name, value in rule_json(rule).items():
        is_shown = name in ("monitor", "factor", "patience") or value != getattr(default, name)
        if is_shown and name != "version":
            arguments.append(f'{name}="{_escaped(value)}"' if isinstance(value, str) else f"{name}={value!r}")
    package = "tf_keras" if rule.version == "tf_keras" else "keras"
    return f"{package}.callbacks.ReduceLROnPlateau({', '.join(arguments)})"


def _escaped(text: str) -> str:
    return (
        text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
        if not text.isprintable()
        else (text.replace("\\", "\\\\").replace('"', '\\"'))
    )


def _recorded_rule(record: Mapping[str, Any]) -> PlateauRule | None:
    recorded, version = record.get("plateau"), _version(record.get("framework"))
    if not isinstance(recorded, Mapping):
        return None
    if not isinstance(recorded.get("monitor", ""), str):
        return None
    try:
        settings: dict[str, Any] = {
            name: recorded[name] if kind is str else kind(recorded[name])
            for name, kind in SETTINGS.items()
            if name in recorded
        }
        return PlateauRule(**{"version": version, **settings})
    except (TypeError, ValueError, OverflowError):
        return None


def _version(framework: Any) -> KerasVersion:
    """Returns the version of the rule in the recorded framework, for example ``keras 3.12.0``."""
    match = re.match(r"(keras|tf_keras) (\d+)\.(\d+)", framework) if isinstance(framework, str) else None
    if match is None:
        return "keras-3.15"
    major, minor = int(match[2]), int(match[3])
    if match[1] == "tf_keras" or major < 3:
        return "tf_keras"
    if major > 3 or minor >= 15:
        return "keras-3.15"
    return "keras-3.11" if minor >= 11 else "keras-3.0"
