"""Compiles the modules of :data:`wsproto_async._native.COMPILED`; setuptools imports this file.

Without a compiler the build goes on and installs plain Python. ``WSPROTO_ASYNC_CFLAGS`` adds
compiler flags (the sanitizer build does), ``WSPROTO_ASYNC_NO_BUILD=1`` compiles nothing.
"""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

from setuptools import Extension
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).parent
PACKAGE = HERE.parent.name

ALL = {
    "language_level": 3,
    "annotation_typing": False,  # types come from the .pxd files alone
    "binding": True,
    "embedsignature": False,
}
TYPED = ALL | {
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
}
"""An index and a division are C's. In a module without types they stay Python's."""


def compiled_modules() -> list[str]:
    """``COMPILED``, read without importing the package, which need not be importable here."""
    tree = ast.parse((HERE / "__init__.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "COMPILED":
            return list(ast.literal_eval(node.value))
    raise AssertionError("no COMPILED in _native/__init__.py")


def extensions() -> list[Extension]:
    """The extension modules, as C sources made by Cython."""
    from Cython.Build import cythonize

    more = os.environ.get("WSPROTO_ASYNC_CFLAGS", "").split()
    found = []
    for module in compiled_modules():
        path = Path(PACKAGE, *module.split("."))
        source = path.with_suffix(".pyx")
        typed = path.with_suffix(".pxd").exists()
        flags = ["-O3" if typed else "-O1", "-g0", "-Wno-unused-function"]
        extension = Extension(
            f"{PACKAGE}.{module}",
            [str(source if source.exists() else path.with_suffix(".py"))],
            include_dirs=[str(Path(PACKAGE, "_native"))],
            depends=[str(path) for path in Path(PACKAGE, "_native").glob("*.h")],
            extra_compile_args=([] if sys.platform == "win32" else flags) + more,
            extra_link_args=more,
        )
        found += cythonize(
            [extension],
            build_dir="build/cython",
            compiler_directives=TYPED if typed else ALL,
            quiet=True,
        )
    for extension in found:
        extension.optional = True  # cythonize() does not carry it over
    return found


class BuildExt(build_ext):
    """Puts the list of extensions together when it is needed, and not before."""

    parallel: int | None

    def finalize_options(self) -> None:
        nothing = os.environ.get("WSPROTO_ASYNC_NO_BUILD", "0") not in ("", "0")
        self.distribution.ext_modules = [] if nothing else extensions()
        self.parallel = self.parallel or os.cpu_count()
        super().finalize_options()
