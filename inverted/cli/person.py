"""Who answers a question for a person: a file of answers, `--yes`, or the person at the terminal.

In that order. When none of them can, the question is dismissed ("cancel"), which is what a server
has to expect of a person who is not there, and the view says why. Called by `conversation`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from mcp_types import (
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitRequestURLParams,
    ElicitResult,
)

from inverted.cli.answers import Answers, assumed, scripted
from inverted.cli.events import Wire
from inverted.cli.fields import UnsupportedForm, form_fields, review
from inverted.cli.prompts import Given, Prompter, unfit_url

TYPED: Final = "typed"
"""The note of an answer that the person typed here, where it can be seen already."""


@dataclass(frozen=True)
class Reply:
    """An answer and how it came about.

    Attributes:
        result: What is sent.
        note: How it came about, in words.
        summary: The answer as a person reads it.
    """

    result: ElicitResult
    note: str
    summary: str


@dataclass(frozen=True)
class Person:
    """Answers questions.

    Attributes:
        answers: The file of answers, if there is one.
        yes: Whether `--yes` was given.
        prompter: How to ask here; None without a terminal.
        turn: Gives the terminal to one question at a time, and quiets everything else.
    """

    answers: Answers | None
    yes: bool
    prompter: Prompter | None
    turn: Callable[[], AbstractAsyncContextManager[None]]

    async def answer(self, server: str, params: ElicitRequestParams) -> Reply:
        """Answer one question.

        Args:
            server: Who asks.
            params: The server's request.

        Raises:
            UsageProblem: The answer that the file gives does not fit.
        """
        given, note = await self._decide(server, params)
        return Reply(
            ElicitResult(action=given.action, content=given.content),  # pyright: ignore[reportArgumentType] - invariance of dict
            note,
            _summary(given, params),
        )

    async def _decide(self, server: str, params: ElicitRequestParams) -> tuple[Given, str]:
        schema = params.requested_schema if isinstance(params, ElicitRequestFormParams) else None
        decided = self._unasked(params, schema)
        if decided is not None:
            return decided
        if self.prompter is None:
            return Given("cancel"), f"nobody to ask: {self._lacking(schema)}"
        async with self.turn():
            try:
                if isinstance(params, ElicitRequestFormParams):
                    given = await self.prompter.form(
                        server, params.message, params.requested_schema
                    )
                else:
                    given = await self.prompter.page(server, params.message, params.url)
            except UnsupportedForm as error:
                return Given("cancel"), f"this form cannot be shown: {error}"
        return given, TYPED

    def _unasked(
        self, params: ElicitRequestParams, schema: Wire | None
    ) -> tuple[Given, str] | None:
        """The answer for which the person need not be asked, if there is one."""
        if isinstance(params, ElicitRequestURLParams):
            reason = unfit_url(params.url)
            if reason is not None:
                return Given("decline"), f"the address was refused: {reason}"
        if self.answers is not None:
            found = self.answers.take(params.message)
            if found is not None:
                return scripted(found[0], params.message, schema), f"from {self.answers.where}"
        if self.yes and schema is not None:
            given = assumed(schema)
            if given is not None:
                return given, "by --yes"
        return None

    def _lacking(self, schema: Wire | None) -> str:
        if schema is None:
            return "no terminal here, and a page is opened by a person only"
        tried = [
            *(["--answers has none for it"] if self.answers is not None else []),
            *(["--yes cannot fill it in"] if self.yes else []),
        ]
        return f"no terminal here, and {' and '.join(tried) or 'no --answers and no --yes'}"


def _summary(given: Given, params: ElicitRequestParams) -> str:
    if given.action != "accept":
        return {"decline": "declined", "cancel": "dismissed"}[given.action]
    if not isinstance(params, ElicitRequestFormParams):
        return "agreed to open it"
    return review(form_fields(params.requested_schema), given.content or {})
