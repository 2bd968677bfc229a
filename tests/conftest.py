"""What holds for every test.

Property tests try the same examples on every machine, so that a failure is never a matter of luck. For new ones:
`make test ARGS="--hypothesis-profile=explore"`.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How long an example takes to draw says how busy the machine is, and nothing about the code.
settings.register_profile(
    "same",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None)
settings.load_profile("same")
