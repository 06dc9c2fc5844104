from __future__ import annotations

from inverted.testing import ScriptedHost, Way, check_golden
from tests.patterns.all import GOLDEN, everything, make_server, model
from tests.patterns.everywhere import everywhere


async def test_every_pattern_is_the_same_on_every_carrier(every_carrier: Way) -> None:
    expected = await ScriptedHost(model=model).run(make_server(), "everything")
    outcome = await every_carrier.run(make_server(), "everything", model=model)
    assert not outcome.is_error
    assert outcome.result == expected.result


async def test_every_pattern_survives_a_crash_after_any_line() -> None:
    assert not (await everywhere(everything, model)).is_error


async def test_a_run_that_was_parked_in_the_past_can_continue() -> None:
    await check_golden(make_server(), GOLDEN)


async def test_every_pattern_completes_in_every_known_host(every_host: Way) -> None:
    expected = await ScriptedHost(model=model).run(make_server(), "everything")
    outcome = await every_host.run(make_server(), "everything", model=model)
    assert not outcome.is_error
    assert outcome.result == expected.result
