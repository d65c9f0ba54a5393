"""``python -m wsproto_async``: see :mod:`wsproto_async.cli`."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
