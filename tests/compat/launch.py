"""Runs a program as it is, with this package in Autobahn's place: launch.py PROGRAM ARGUMENTS"""

from __future__ import annotations

import runpy
import sys

from wsproto_async.compat import install_as_autobahn

if __name__ == "__main__":
    install_as_autobahn()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
