"""The command ``lrmon``: what was recorded of past trainings, without TensorBoard."""

from __future__ import annotations

from lrmon.cli.command import main

__all__ = ["main"]
