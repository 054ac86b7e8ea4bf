"""Settings of Hypothesis: repeatable in the tests, at random in `python -m tests.fuzz`."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

FUZZ = "fuzz"

settings.register_profile(
    "default",
    deadline=None,  # no time limit: machines differ
    derandomize=True,  # the same examples in every run
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # it looks at the clock
)
settings.register_profile(
    FUZZ,
    settings.get_profile("default"),
    derandomize=False,
    max_examples=200,  # in a round
    phases=[Phase.generate, Phase.shrink],
    print_blob=True,
)
settings.load_profile("default")


def examples(count: int) -> settings:
    """Settings of one property: `count` examples in the tests; the profile's number in a long run."""
    profile = settings.get_current_profile_name()
    return settings() if profile == FUZZ else settings(max_examples=count)
