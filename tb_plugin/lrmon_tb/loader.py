"""The loader, which TensorBoard calls first: it must not fail, whatever is installed."""

from __future__ import annotations

from typing import Any

from tensorboard.plugins import base_plugin

from lrmon import schema


class Loader(base_plugin.TBLoader):
    """Creates the plugin and makes TensorBoard keep all of its records."""

    def fix_flags(self, flags: Any) -> None:
        """Sets ``--samples_per_plugin lrmon=0``, unless the user has given a number.

        Otherwise TensorBoard keeps 10 or 100 random points of a tag; a point of lrmon has up to 1,024 steps.
        """
        samples = dict(getattr(flags, "samples_per_plugin", None) or {})
        samples.setdefault(schema.PLUGIN_NAME, 0)
        flags.samples_per_plugin = samples
        self._isolate_damage()

    def _isolate_damage(self) -> None:
        """Makes an event that cannot be parsed end its own file only, not the loading of all runs."""
        from lrmon.review.reading import damaged_files as damage

        damage.isolate()

    def load(self, context: Any) -> Any:
        from lrmon_tb.plugin import Plugin

        return Plugin(context)
