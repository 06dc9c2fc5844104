"""The pytest plugin of `inverted`: fixtures that run agents without a model.

- `scripted_host`: the class `inverted.testing.ScriptedHost`;
- `every_carrier`: runs a test over every era and transport, hot and always replaying, as a task
  and not;
- `every_host`: runs a test in the double of every known host.

pytest loads this module in every project of the environment, and before coverage starts. So it is
no part of the package, and imports it only when a test asks for a fixture.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from inverted.testing import ScriptedHost, Way

ERAS = ("2026-07-28", "2025-11-25")
TRANSPORTS = ("memory", "stdio", "http")
WAYS = tuple(product(ERAS, TRANSPORTS, (True, False), (False, True)))


@pytest.fixture
def scripted_host() -> type[ScriptedHost]:
    """The class of hosts whose model and person follow a script."""
    from inverted.testing import ScriptedHost  # noqa: PLC0415 # see the module docstring

    return ScriptedHost


@pytest.fixture(
    params=WAYS,
    ids=[
        f"{era}-{how}-{'hot' if hot else 'cold'}{'-task' if task else ''}"
        for era, how, hot, task in WAYS
    ],
)
def every_carrier(request: pytest.FixtureRequest) -> Way:
    """One way for questions to travel; the test runs once for each and must give the same.

    async def test_triage(every_carrier):
        outcome = await every_carrier.run(server, "triage", {"report": "boom"}, model=["..."])
        assert outcome.result == "filed"
    """
    from inverted.testing import Way  # noqa: PLC0415 # see the module docstring

    return Way(*request.param)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each host, if it asks for them."""
    if "every_host" in metafunc.fixturenames:
        from inverted.testing import PROFILES  # noqa: PLC0415 # see the module docstring

        metafunc.parametrize("every_host", PROFILES, indirect=True)


@pytest.fixture
def every_host(request: pytest.FixtureRequest) -> Way:
    """The way of a known host; the test runs once for each.

    async def test_triage(every_host):
        outcome = await every_host.run(server, "triage", {"report": "boom"}, model=["..."])
        assert outcome.result == "filed"
    """
    from inverted.testing import Way  # noqa: PLC0415 # see the module docstring

    return Way.of(request.param)
