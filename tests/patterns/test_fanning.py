from __future__ import annotations

import asyncio
from typing import Any

import pytest

from inverted import ClientError, ForeignAwaitError, Run
from inverted.patterns import Result, Succeeded, ask, parallel
from inverted.testing import ScriptedHost
from tests.patterns.everywhere import asked, echo, everywhere, once, serve


async def broken(run: Run) -> str:
    await ask(run, "before it breaks")
    raise RuntimeError("no tea left")


async def good(run: Run) -> str:
    return await ask(run, "good")


def kinds(results: list[Result[Any]]) -> list[str]:
    return [
        str(each.value) if isinstance(each, Succeeded) else f"{type(each.error).__name__}"
        for each in results
    ]


async def test_a_branch_that_fails_takes_no_other_with_it() -> None:
    async def body(run: Run) -> list[str]:
        return kinds(await parallel(run, [good, broken, good]))

    outcome = await everywhere(body, echo)
    assert outcome.result == ["<good>", "RuntimeError", "<good>"]
    assert outcome.rounds == 1  # the questions of all branches travelled together


async def test_prompts_are_branches_and_a_prompt_joins_them() -> None:
    async def body(run: Run) -> str:
        return await parallel(run, ["a", broken, "b"], limit=1, fan_in="Join: {results}")

    outcome = await everywhere(body, echo)
    joined = "Join: [1]\n<a>\n\n[2]\n(failed: RuntimeError: no tea left)\n\n[3]\n<b>"
    assert outcome.result == f"<{joined}>"
    assert outcome.rounds == 4  # limit=1: one after the other


async def test_values_that_are_no_texts_are_joined_as_json() -> None:
    async def counted(run: Run) -> dict[str, int]:
        return {"cups": 2}

    async def body(run: Run) -> str:
        return await parallel(run, [counted], fan_in="{results}")

    assert (await once(body, echo)).result == '<[1]\n{"cups":2}>'


async def test_a_function_joins_and_may_ask() -> None:
    def count(run: Run, results: list[Result[str]]) -> int:
        return len(results)

    async def best(run: Run, results: list[Result[str]]) -> str:
        return await ask(run, f"best of {kinds(results)}")

    async def body(run: Run) -> list[object]:
        return [
            await parallel(run, ["a", "b"], fan_in=count),
            await parallel(run, ["a"], fan_in=best),
            await parallel(run, [good], fan_in=best),
        ]

    expected = [2, "<best of ['<a>']>", "<best of ['<good>']>"]
    assert (await everywhere(body, echo)).result == expected


async def test_a_prompt_does_not_join_what_failed_as_a_whole() -> None:
    async def body(run: Run) -> str:
        return await parallel(run, [broken, broken], fan_in="{results}")

    outcome = await everywhere(body, echo)
    assert outcome.is_error
    assert "no tea left" in outcome.result
    assert len(outcome.questions) == 2


async def test_a_refused_question_fails_its_branch_alone() -> None:
    async def body(run: Run) -> list[str]:
        return kinds(await parallel(run, ["refuse", "a"]))

    def model(params: dict[str, Any]) -> Any:
        return RuntimeError("no") if "refuse" in echo(params) else echo(params)

    host = ScriptedHost(model=model, era="2025-11-25")
    assert (await host.run(serve(body), "body")).result == [ClientError.__name__, "<a>"]


async def test_a_mistake_of_the_author_is_no_failed_branch() -> None:
    async def foreign(run: Run) -> None:
        await asyncio.sleep(0)

    async def body(run: Run) -> str:
        with pytest.raises(ForeignAwaitError):
            await parallel(run, [foreign])
        return "raised"

    assert (await once(body, echo)).result == "raised"


async def test_no_branches_give_no_results() -> None:
    async def body(run: Run) -> list[str]:
        none: list[str] = []
        return [*kinds(await parallel(run, none)), await parallel(run, none, fan_in="{results}.")]

    assert (await once(body, echo)).result == ["<.>"]


async def test_wrong_bounds_and_prompts_are_refused_before_anything_is_asked() -> None:
    async def body(run: Run) -> str:
        with pytest.raises(ValueError, match="limit must be at least 1"):
            await parallel(run, ["a"], limit=0)
        with pytest.raises(ValueError, match="never see what came before"):
            await parallel(run, ["a"], fan_in="Join them.")
        return "refused"

    outcome = await once(body, echo)
    assert (outcome.result, asked(outcome)) == ("refused", [])
