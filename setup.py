"""Builds the front end before the packages. Everything else about the distribution is in pyproject.toml."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import ClassVar

from setuptools import Command, setup
from setuptools.command.build import build
from setuptools.errors import ExecError

ROOT = Path(__file__).resolve().parent
# pip runs this file without its folders on the path.
sys.path.insert(0, str(ROOT / "tb_plugin"))

import bundle  # noqa: E402  (found by the line above)


class BuildBundle(Command):
    """Builds the front end into lrmon_tb/static, from where build_py takes it as package data."""

    description = "build the front end (tb_plugin/frontend) into lrmon_tb/static"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = []
    editable_mode = False

    def initialize_options(self) -> None:
        self.build_lib = ""

    def finalize_options(self) -> None:
        self.set_undefined_options("build_py", ("build_lib", "build_lib"))

    def run(self) -> None:
        try:
            bundle.build()
        except bundle.BundleError as error:
            raise ExecError(str(error)) from error
        # build_py adds to what an earlier build left here, and the bundle's files change their names.
        shutil.rmtree(self.build_lib, ignore_errors=True)

    def get_source_files(self) -> list[str]:
        return []

    def get_outputs(self) -> list[str]:
        return []

    def get_output_mapping(self) -> dict[str, str]:
        return {}


class Build(build):
    """setuptools' build, which begins with the front end."""

    sub_commands: ClassVar = [("build_bundle", None), *build.sub_commands]


setup(cmdclass={"build": Build, "build_bundle": BuildBundle})
