"""Settings for all tests."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, Phase, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

settings.register_profile("default", max_examples=50, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
settings.register_profile("long", settings.get_profile("default"), max_examples=5000)
settings.register_profile(
    "mutants", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate]
)
# HYPOTHESIS_PROFILE=long looks for a while; CI services set CI, and must not fail by chance.
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default")
)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell did that, since it started us in the background; what the tests start must hear it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
