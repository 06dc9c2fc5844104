"""How well a route is chosen: labelled examples against what was said.

    async def said(text: str) -> str | None:
        return (await host.run(server, "sort", {"text": text})).result

    score = await score_routing(said, [("The bill is wrong", "invoices"), ("Hello", None)])
    assert score.accuracy > 0.9, score

With a scripted host it checks the code; with a host whose model is real, the descriptions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Routed:
    """One example: its text, the label that it should get and the one that it got."""

    text: str
    expected: str | None
    got: str | None


@dataclass(frozen=True, slots=True)
class RoutingScore:
    """What became of all examples."""

    examples: tuple[Routed, ...]

    @property
    def wrong(self) -> list[Routed]:
        """The examples that got another label than they should."""
        return [each for each in self.examples if each.expected != each.got]

    @property
    def accuracy(self) -> float:
        """The share of examples that got their label."""
        return 1 - len(self.wrong) / len(self.examples)

    @property
    def confusion(self) -> dict[str | None, dict[str | None, int]]:
        """How often each label that was expected got which label."""
        counts = Counter((each.expected, each.got) for each in self.examples)
        table: dict[str | None, dict[str | None, int]] = {}
        for (expected, got), count in counts.items():
            table.setdefault(expected, {})[got] = count
        return table

    def __str__(self) -> str:
        """The accuracy, and a line for each example that is wrong."""
        lines = [f"{each.expected} was taken for {each.got}: {each.text!r}" for each in self.wrong]
        return "\n".join((f"accuracy {self.accuracy:.2f} of {len(self.examples)}", *lines))


async def score_routing(
    said: Callable[[str], Awaitable[str | None]], examples: Iterable[tuple[str, str | None]]
) -> RoutingScore:
    """Route every example, one after the other, and compare.

    Args:
        said: Gives the label of a text, usually by running an agent; None if no route fits.
        examples: Texts with the labels that they should get.

    Returns:
        The score.

    Raises:
        ValueError: There are no examples.
    """
    routed = [Routed(text, expected, await said(text)) for text, expected in examples]
    if not routed:
        raise ValueError("score_routing() needs at least one example.")
    return RoutingScore(tuple(routed))
