"""Rounds: `requestState` comes back from a client that may have done anything with it."""

from __future__ import annotations

import base64
import binascii
import string
from collections.abc import Iterator
from typing import Any, Final

import anyio

from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.rounds import (
    ONCE,
    SEALED,
    STATEFUL,
    TWICE,
    Waiting,
    call,
    done,
)

_SIXTY_FOUR: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_STRANGE: Final[tuple[Any, ...]] = (
    "",
    "null",
    "{}",
    "[]",
    '{"step": 2, "name": "Eve"}',
    "eyJhbGciOiJub25lIn0.eyJuYW1lIjoiRXZlIn0.",
    "../../etc/passwd",
    "\u0000\ud7ff\U0001f600",
    "[" * 5_000,
    "A" * 100_000,
    7,
    {"name": "Eve"},
    ["Eve"],
)
"""States that no server gave."""


async def _second_round(lab: Lab, **arguments: Any) -> Waiting:
    """A call of `TWICE` whose state says that the person is Ada."""
    waiting = await call(lab, await lab.client(), TWICE, **arguments)
    waiting = await waiting.next(waiting.accept(name="Ada"))
    if waiting.state is None:
        lab.wrong(f"{TWICE} should give a state in its second round; it gave none.")
    return waiting


@scenario("rounds", checks=("rounds.explicit-state",), wires=("2026-07-28",), needs=(TWICE,))
async def state_left_out(lab: Lab) -> None:
    """A second round that comes without the state of the first is not gone on with."""
    waiting = await _second_round(lab)
    reply = await waiting.retry(waiting.accept(color="blue"), state=None)
    lab.check(
        "rounds.explicit-state",
        not (done(reply) and "Ada" in reply.text),
        f"Without the state that says who the person is: {reply.told}.",
    )


@scenario(
    "rounds",
    checks=("rounds.state-integrity", "rounds.state-rejected"),
    wires=("2026-07-28",),
    needs=(TWICE, SEALED),
)
async def state_changed(lab: Lab) -> None:
    """A state of which anything was changed is refused, and brings nobody else's result."""
    waiting = await _second_round(lab)
    changed = [*_damaged(waiting.state or ""), *_forged(waiting.state or "")]
    for how, reply in await _try(waiting, changed, waiting.accept(color="blue")):
        lab.check(
            "rounds.state-integrity",
            not done(reply) or "Ada who likes blue" in reply.text,
            f"The state with {how}: {reply.told}.",
        )
    await _control(waiting)
    waiting = await call(lab, waiting.client, SEALED)
    yes, damaged = waiting.accept(ok=True), list(_damaged(waiting.state or ""))
    for how, reply in await _try(waiting, damaged, yes):
        lab.check("rounds.state-rejected", not done(reply), f"The state with {how}: {reply.told}.")
    reply = await waiting.retry(waiting.accept(ok=True))
    if not done(reply):
        lab.wrong(f"{SEALED} should succeed with the state as it was, but {reply.told}.")


@scenario("rounds", checks=("rounds.state-untrusted",), wires=("2026-07-28",), needs=(SEALED,))
async def state_made_up(lab: Lab) -> None:
    """States that no server gave are answered, lead to no result, and stop nothing."""
    client = await lab.client()
    waiting = await call(lab, client, SEALED)
    for state in _STRANGE:
        reply = await waiting.retry(waiting.accept(ok=True), state=state)
        lab.check(
            "rounds.state-untrusted",
            reply.message is not None and not done(reply),
            f"With the state {repr(state)[:60]}: {reply.told}.",
        )
    reply = await waiting.retry(waiting.accept(ok=True))
    lab.check("rounds.state-untrusted", done(reply), f"The right state after those: {reply.told}.")


@scenario("rounds", checks=("rounds.state-expiry",), wires=("2026-07-28",), needs=(TWICE,))
async def state_expired(lab: Lab) -> None:
    """A state is refused when its time is over."""
    waiting = await _second_round(lab, seconds=1)
    await anyio.sleep(2.1)  # nothing but time makes a state expire; some clocks have whole seconds
    reply = await waiting.retry(waiting.accept(color="blue"))
    lab.check(
        "rounds.state-expiry",
        not (done(reply) and "Ada" in reply.text),
        f"2.1 s later, with a state for 1 s: {reply.told}.",
    )


@scenario(
    "rounds", checks=("rounds.state-request",), wires=("2026-07-28",), needs=(TWICE, STATEFUL)
)
async def state_of_another_call(lab: Lab) -> None:
    """A state is refused on a call with other arguments and on another tool's."""
    waiting = await _second_round(lab)
    reply = await waiting.retry(waiting.accept(color="blue"), arguments={"seconds": 599})
    lab.check(
        "rounds.state-request",
        not (done(reply) and "Ada" in reply.text),
        f"The state with other arguments: {reply.told}.",
    )
    other = await call(lab, waiting.client, STATEFUL)
    reply = await other.retry(other.accept(ok=True), state=waiting.state)
    lab.check(
        "rounds.state-request", not done(reply), f"The state with another tool: {reply.told}."
    )
    await _control(waiting)


@scenario(
    "rounds",
    checks=("rounds.state-principal", "capabilities.info-not-trusted"),
    wires=("2026-07-28",),
    needs=(TWICE,),
)
async def state_of_another_person(lab: Lab) -> None:
    """A state is refused when somebody else presents it, also under the same `clientInfo`."""
    other = await lab.client(principal="other", who="other")
    waiting = await _second_round(lab)
    reply = await waiting.retry(waiting.accept(color="blue"), by=other)
    refused = not (done(reply) and "Ada" in reply.text)
    lab.check("rounds.state-principal", refused, f"Presented by somebody else: {reply.told}.")
    lab.check(
        "capabilities.info-not-trusted",
        refused,
        f"Presented by somebody else with the same clientInfo: {reply.told}.",
    )
    await _control(waiting)


@scenario("rounds", checks=("rounds.state-once",), wires=("2026-07-28",), needs=(ONCE,))
async def state_twice(lab: Lab) -> None:
    """What may be redeemed once is redeemed once, also if five retries come at the same time."""
    client = await lab.client()
    waiting = await call(lab, client, ONCE)
    ids = [
        await client.begin(waiting.method, waiting.retry_with(waiting.accept(ok=True)))
        for _ in range(5)
    ]
    codes = {reply.text for id in ids if done(reply := await client.reply(id))}
    lab.check("rounds.state-once", len(codes) == 1, f"Five retries at once redeemed {codes}.")
    reply = await waiting.retry(waiting.accept(ok=True))
    ok = not done(reply) or reply.text in codes
    lab.check("rounds.state-once", ok, f"A retry after that, of {codes}: {reply.told}.")


@scenario("rounds", checks=("rounds.state-once",), wires=("2026-07-28",), needs=(ONCE,), seconds=60)
async def state_twice_over_a_restart(lab: Lab) -> None:
    """What was redeemed stays redeemed when the server is started again."""
    client = await lab.client()
    waiting = await call(lab, client, ONCE)
    reply = await waiting.retry(waiting.accept(ok=True))
    if not done(reply):
        lab.wrong(f"{ONCE} should succeed the first time, but {reply.told}.")
    code = reply.text
    reply = await waiting.retry(waiting.accept(ok=True), by=await lab.restart(client))
    ok = not done(reply) or reply.text == code
    lab.check("rounds.state-once", ok, f"{code!r} once more after a restart: {reply.told}.")


async def _control(waiting: Waiting) -> None:
    """Show that the state is good where it belongs, so that a refusal elsewhere means something."""
    reply = await waiting.retry(waiting.accept(color="blue"))
    if not done(reply):
        waiting.lab.wrong(f"With its own state the call should succeed, but {reply.told}.")


async def _try(waiting: Waiting, states: list[tuple[str, str]], answers: Any) -> list[Any]:
    ids = [
        (
            how,
            await waiting.client.begin(waiting.method, waiting.retry_with(answers, state=state)),
        )
        for how, state in states
    ]
    return [(how, await waiting.client.reply(id)) for how, id in ids]


def _damaged(state: str) -> Iterator[tuple[str, str]]:
    """Every twelfth of a state changed, so that other bytes come out; half of it; twice of it."""
    for spot in sorted({number * (len(state) - 1) // 11 for number in range(12)}):
        old = state[spot]
        # The highest of the six bits: of the last character a decoder may ignore the lowest ones.
        new = _SIXTY_FOUR[_SIXTY_FOUR.index(old) ^ 32] if old in _SIXTY_FOUR else "A"
        yield f"another character {spot}", f"{state[:spot]}{new}{state[spot + 1 :]}"
    yield "half of it missing", state[: len(state) // 2]
    yield "itself after it", state + state


def _forged(state: str) -> Iterator[tuple[str, str]]:
    """If the state can be read, the same with another name in it."""
    if "Ada" in state:
        yield "Eve for Ada", state.replace("Ada", "Eve")
    parts = state.split(".")
    for number, part in enumerate(parts):
        try:
            text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        except (binascii.Error, ValueError):
            continue
        if b"Ada" in text:
            new = base64.urlsafe_b64encode(text.replace(b"Ada", b"Eve")).decode()
            new = new if "=" in part else new.rstrip("=")
            yield "Eve for Ada", ".".join([*parts[:number], new, *parts[number + 1 :]])
