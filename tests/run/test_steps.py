"""`run.step`: typed values, what the journal shows of the arguments, and what cannot be a step."""

import functools
import sys
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple, NoReturn, TypedDict
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict

from inverted import Run, StepError
from inverted.core.effects import Kind
from inverted.core.journal import Asked, Codec
from inverted.testing import tool_calls

from .fakes import Host, fail, perform, play


class Colour(Enum):
    RED = "red"


class Issue(BaseModel):
    number: int
    opened: date


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    colour: Colour
    opened: date


@dataclass
class Point:
    x: int
    y: float = 0.5


class Pair(NamedTuple):
    first: int
    second: str


class Options(TypedDict):
    verbose: bool


VALUES: list[tuple[Any, Any]] = [
    (int, 5),
    (float, 0.5),
    (bool, True),
    (str, "text"),
    (str | None, None),
    (bytes, b"bytes"),
    (Decimal, Decimal("0.1")),
    (date, date(2026, 7, 28)),
    (datetime, datetime(2026, 7, 28, tzinfo=UTC)),
    (timedelta, timedelta(seconds=90)),
    (UUID, UUID(int=1)),
    (Colour, Colour.RED),
    (Issue, Issue(number=1, opened=date(2026, 7, 28))),
    (Strict, Strict(colour=Colour.RED, opened=date(2026, 7, 28))),
    (list[Issue], [Issue(number=1, opened=date(2026, 7, 28))]),
    (dict[str, Issue], {"a": Issue(number=1, opened=date(2026, 7, 28))}),
    (dict[int, str], {1: "a"}),
    (Point, Point(1)),
    (Pair, Pair(1, "a")),
    (Options, {"verbose": True}),
    (set[int], {1, 2}),
    (tuple[int, str], (1, "a")),
    (list, [1, "a"]),
    (type(None), None),
    (Any, {"a": 1}),
]


def ids(values: list[tuple[Any, Any]]) -> list[str]:
    return [str(getattr(kind, "__name__", kind)) for kind, _ in values]


@pytest.mark.parametrize(("kind", "value"), VALUES, ids=ids(VALUES))
async def test_a_value_comes_back_as_the_return_annotation_says(kind: Any, value: Any) -> None:
    def fn() -> Any:
        return value

    async def later() -> Any:
        return value

    fn.__annotations__["return"] = kind
    later.__annotations__["return"] = kind

    async def body(run: Run) -> Any:
        return await run.step(fn), await run.step(later)

    one, other = await play(body, Host())
    assert one == other == value
    assert type(one) is type(other) is type(value)


@pytest.mark.parametrize(
    "kind",
    [Awaitable[Issue], Coroutine[Any, Any, Issue]],
)
async def test_what_a_sync_function_gives_to_be_awaited_is_typed_too(kind: Any) -> None:
    async def later() -> Issue:
        return Issue(number=1, opened=date(2026, 7, 28))

    def fn() -> Any:
        return later()

    fn.__annotations__["return"] = kind

    async def body(run: Run) -> Any:
        return await run.step(fn)

    assert await play(body, Host()) == Issue(number=1, opened=date(2026, 7, 28))


async def test_without_an_annotation_a_value_is_plain_json() -> None:
    async def body(run: Run) -> Any:
        return [
            await run.step(lambda: Issue(number=1, opened=date(2026, 7, 28))),
            await run.step(lambda: {Colour.RED: (1, 2)}),
        ]

    assert await play(body, Host()) == [
        {"number": 1, "opened": "2026-07-28"},
        {"red": [1, 2]},
    ]


def unresolved() -> Any:
    return {"a": 1}


unresolved.__annotations__["return"] = "Missing"


async def test_an_annotation_that_cannot_be_resolved_says_nothing() -> None:
    async def body(run: Run) -> Any:
        return await run.step(unresolved)

    assert await play(body, Host()) == {"a": 1}


async def test_a_function_that_never_returns_may_be_a_step() -> None:
    def fails() -> NoReturn:
        raise ValueError("always")

    async def body(run: Run) -> Any:
        try:
            await run.step(fails)
        except StepError as error:
            return error.message

    assert await play(body, Host()) == "Step fails failed: ValueError: always"


async def test_a_value_that_breaks_its_annotation_is_an_error_in_the_body() -> None:
    def wrong() -> int:
        return "five"  # pyright: ignore[reportReturnType]

    async def body(run: Run) -> Any:
        await run.step(wrong)

    assert "Input should be a valid integer" in (await fail(body, Host())).message


class Connection:
    """Something that no JSON can hold."""


async def test_a_function_whose_type_has_no_json_form_is_refused_before_it_runs() -> None:
    ran: list[str] = []

    def connect() -> Connection:
        ran.append("ran")
        return Connection()

    async def body(run: Run) -> Any:
        await run.step(connect)

    error = await fail(body, Host())
    assert error.type == "TypeError"
    assert error.message.startswith("connect() cannot be a step, because its return type")
    assert ran == []


class Tracker:
    """Methods and callable objects are functions as well."""

    prefix = "#"

    def file(self, number: int) -> str:
        return f"{self.prefix}{number}"

    @classmethod
    def make(cls, number: int) -> str:
        return f"{cls.prefix}{number}"

    @staticmethod
    def plain(number: int) -> str:
        return str(number)

    def __call__(self, number: int) -> Colour:
        return Colour.RED


TRACKER = Tracker()
ASYNC = functools.partial(TRACKER.file)


@pytest.mark.parametrize(
    ("fn", "value", "name"),
    [
        (TRACKER.file, "#1", "file"),
        (Tracker.make, "#1", "make"),
        (Tracker.plain, "1", "plain"),
        (TRACKER, Colour.RED, "Tracker"),
        (functools.partial(TRACKER), Colour.RED, "Tracker"),
        (functools.partial(functools.partial(TRACKER.file)), "#1", "file"),
        (str, "1", "str"),
        (abs, 1, "abs"),
    ],
)
async def test_anything_callable_may_be_a_step(fn: Any, value: Any, name: str) -> None:
    async def body(run: Run) -> Any:
        return await run.step(fn, 1)

    played = await perform(body, Host())
    assert played.returned == value
    assert questions(played.lines) == [{"name": name, "args": [1]}]


def questions(lines: list[bytes]) -> list[Any]:
    """What the journal keeps of the steps."""
    codec = Codec()
    entries = [codec.decode(line)[0] for line in lines]
    return [each.question for each in entries if isinstance(each, Asked) and each.kind is Kind.STEP]


def anything(*args: Any, **kwargs: Any) -> int:
    return len(args) + len(kwargs)


ARGUMENTS: list[tuple[Any, Any]] = [
    (None, None),
    (True, True),
    (1.5, 1.5),
    (float("nan"), "nan"),
    (float("inf"), "inf"),
    (float("-inf"), "-inf"),
    ("x" * 2000, "x" * 2000),
    ("x" * 2001, {"long": 2001, "starts": "x" * 80}),
    ([1, {"a": Colour.RED}], [1, {"a": "red"}]),
    (Issue(number=1, opened=date(2026, 7, 28)), {"number": 1, "opened": "2026-07-28"}),
    (["x" * 3000], {"type": "list", "long": 3004}),
    (["x" * 1996], ["x" * 1996]),  # exactly as long as may be
    (["x" * 1997], {"type": "list", "long": 2001}),
    (["half a pair: \ud800"], {"type": "list"}),
    (b"\xff\xd8", {"type": "bytes"}),
    (b"text", "text"),
    (Connection(), {"type": "Connection"}),
    ([float("nan")], ["NaN"]),
    ({"b", "a", "c"}, ["a", "b", "c"]),
    ("half a pair: \ud800", "half a pair: \ud800"),
]


@pytest.mark.parametrize(("value", "shown"), ARGUMENTS)
async def test_the_journal_shows_arguments_briefly(value: Any, shown: Any) -> None:
    async def body(run: Run) -> Any:
        return await run.step(anything, value, name=value)

    played = await perform(body, Host())
    assert played.returned == 2
    assert questions(played.lines) == [{"name": "anything", "args": [shown, {"name": shown}]}]


async def test_the_journal_shows_nothing_of_a_step_without_arguments() -> None:
    async def body(run: Run) -> Any:
        return await run.step(anything)

    assert questions((await perform(body, Host())).lines) == [{"name": "anything"}]


async def test_a_step_whose_bytes_are_no_text_fails_and_says_what_to_return() -> None:
    def picture() -> bytes:
        return b"\xff\xd8"

    async def body(run: Run) -> Any:
        await run.step(picture)

    error = await fail(body, Host())
    assert error.type == "StepError"
    assert "the value bytes is not JSON-serialisable" in error.message


async def test_a_step_whose_value_holds_no_number_fails_and_is_named() -> None:
    def loss() -> dict[str, float]:
        return {"loss": float("nan")}

    async def body(run: Run) -> Any:
        await run.step(loss)

    error = await fail(body, Host())
    assert error.type == "StepError"
    assert error.message.startswith("Step loss failed: ")
    assert "no NaN or infinity" in error.message


async def test_a_typed_dict_in_a_list_is_refused_with_what_to_use_before_python_3_12() -> None:
    def options() -> list[Options]:
        return [{"verbose": True}]

    async def body(run: Run) -> Any:
        return await run.step(options)

    if sys.version_info >= (3, 12):
        assert await play(body, Host()) == [{"verbose": True}]
    else:
        error = await fail(body, Host())
        assert "use `typing_extensions.TypedDict` instead" in error.message


async def test_the_journal_shows_a_tool_call_as_a_step_with_its_arguments() -> None:
    def fly(where: str) -> None: ...

    def land() -> None: ...

    async def body(run: Run) -> Any:
        await run.sample("go", tools=[fly, land])

    turn = tool_calls(("fly", {"where": "x" * 2001}), ("land", {}))
    assert questions((await perform(body, Host(turn, "done"))).lines) == [
        {"name": "fly", "tool": True, "args": [{"where": {"long": 2001, "starts": "x" * 80}}]},
        {"name": "land", "tool": True},
    ]


async def test_a_call_instead_of_a_function_is_refused_and_says_how_to_write_it() -> None:
    async def body(run: Run) -> Any:
        await run.step(anything(1))  # pyright: ignore[reportArgumentType]

    error = await fail(body, Host())
    assert error.type == "TypeError"
    assert "`run.step(function, argument)`" in error.message
