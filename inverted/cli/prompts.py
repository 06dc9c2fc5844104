"""Asking the person at this terminal: forms, one field after the other, and pages to open.

Rules, from the protocol's chapter on elicitation:
- it is always said which server asks, and declining and dismissing are always offered;
- every value is validated before it is sent, and a form of several fields is shown again as a
  whole, to be changed or sent;
- a page is shown with its full address and its host, is opened only after a yes, and is never
  fetched by this host.

One question at a time: whoever calls holds the terminal (`view.typing`). Called by `person`.
"""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from anyio import to_thread
from rich.console import Console
from rich.text import Text

from inverted.cli.events import Wire
from inverted.cli.fields import Field, Value, form_fields, shown
from inverted.cli.keyboard import EndOfInput, Lines, PromptCancelled
from inverted.cli.text import clean

_HELP: Final = "!decline refuses · !cancel or Ctrl-C dismisses"
_NEEDED: Final = "this one is needed"
_SKIP: Final = "!skip leaves this one out"
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class _Declined(Exception):
    """The person typed !decline."""


class _Cancelled(Exception):
    """The person typed !cancel."""


class _Skipped(Exception):
    """The person typed !skip."""


@dataclass(frozen=True)
class Given:
    """What the person did.

    Attributes:
        action: As in ElicitResult.
        content: The form's values when accepted.
    """

    action: Literal["accept", "decline", "cancel"]
    content: dict[str, Value] | None = None


@dataclass(frozen=True)
class Prompter:
    """Asks on a console and reads from a source of lines.

    Attributes:
        console: Where questions are printed.
        lines: Where answers come from.
        browse: Opens an address in the person's browser; says whether it could.
        bar: What stands before every line of a question.
        cursor: What stands before the answer.
    """

    console: Console
    lines: Lines
    browse: Callable[[str], bool]
    bar: str = "┃ "
    cursor: str = "> "

    async def form(self, server: str, message: str, schema: Wire) -> Given:
        """Have a form filled in.

        Args:
            server: Who asks.
            message: Why the server asks.
            schema: The requestedSchema.

        Raises:
            UnsupportedForm: The schema is no form of MCP.
        """
        fields = form_fields(schema)
        self._head(f"{server} asks", message)
        try:
            if not fields:
                self._hint("Enter accepts")
                await self._line()
                return Given("accept", {})
            return Given("accept", await self._fill(fields))
        except (_Declined, _Cancelled, EndOfInput, PromptCancelled) as leaving:
            return self._left(leaving)

    async def page(self, server: str, message: str, url: str) -> Given:
        """Ask whether to open a page, and open it after a yes.

        Args:
            server: Who asks.
            message: Why the server asks.
            url: The address, as the server sent it.
        """
        self._head(f"{server} asks you to open a page", message)
        host = urlsplit(url).hostname or ""
        self._address(url, host)
        for warning in url_warnings(url):
            self._say(warning, "red")
        self._hint("yes opens it in your browser · no refuses")
        try:
            consent = await self._yes_or_no()
        except (_Declined, _Cancelled, EndOfInput, PromptCancelled) as leaving:
            return self._left(leaving)
        if not consent:
            return self._left(_Declined())
        if not await to_thread.run_sync(self.browse, url):
            self._say("No browser could be opened here: open the address yourself.", "yellow")
        return Given("accept")

    def _left(self, leaving: Exception) -> Given:
        declined = isinstance(leaving, _Declined)
        self._hint("declined" if declined else "dismissed")
        return Given("decline" if declined else "cancel")

    async def _yes_or_no(self) -> bool:
        while True:
            text = (await self._line()).strip().lower()
            if text in ("y", "yes", "n", "no"):
                return text in ("y", "yes")
            self._say("answer yes or no", "red")

    async def _fill(self, fields: Sequence[Field]) -> dict[str, Value]:
        content: dict[str, Value] = {}
        for number, field in enumerate(fields, 1):
            label = f"{number} of {len(fields)}  " if len(fields) > 1 else ""
            await self._field(field, label, content)
        while len(fields) > 1:
            self._say("Your answer", "bold")
            for number, field in enumerate(fields, 1):
                value = content.get(field.name)
                self._say(
                    f"{number}  {field.title}: {'-' if value is None else shown(field, value)}"
                )
            self._hint("Enter sends it · a number changes that field")
            text = (await self._line()).strip()
            if not text:
                break
            if text.isdigit() and 0 < int(text) <= len(fields):
                await self._field(fields[int(text) - 1], f"{text}  ", content)
            else:
                self._say(f"{text!r} is no field of this form", "red")
        return content

    async def _field(self, field: Field, label: str, content: dict[str, Value]) -> None:
        """Ask for one field until there is a value that fits, or it is left out."""
        default = content.get(field.name, field.default)
        self._introduce(field, label, default)
        while True:
            try:
                text = (await self._line(skippable=True)).strip()
            except _Skipped:
                if field.required:
                    self._say(_NEEDED, "red")
                    continue
                content.pop(field.name, None)
                return
            try:
                if text:
                    content[field.name] = field.read(text)
                elif default is not None:
                    field.check(default)
                    content[field.name] = default
                elif field.required:
                    self._say(_NEEDED, "red")
                    continue
            except ValueError as error:
                self._say(str(error), "red")
                continue
            return

    def _introduce(self, field: Field, label: str, default: Value | None) -> None:
        named = field.title if label or field.title.lower() != "value" else ""
        line = Text.assemble((label, "dim"), (named, "bold"))
        if field.description:
            line.append(("  " if named else "") + " ".join(field.description.split()))
        if line.plain.strip():
            self._print(line)
        for number, choice in enumerate(field.choices, 1):
            entry = Text.assemble(
                (f"  {number}  " if field.numbered() else "  ", "cyan"), choice.title
            )
            if choice.title != choice.value:
                entry.append(f"  {clean(choice.value)}", "dim")
            self._print(entry)
        words = [_takes(field), field.rules]
        if default is not None:
            words.append(f"Enter for {shown(field, default)}")
        elif not field.required:
            words.append("Enter leaves it out")
        if default is not None and not field.required:
            words.append(_SKIP)
        self._hint(" · ".join(word for word in words if word))

    async def _line(self, *, skippable: bool = False) -> str:
        self.console.print(
            Text.assemble((self.bar, "yellow"), (self.cursor, "bold yellow")), end=""
        )
        try:
            text = await self.lines.line()
        except (EndOfInput, PromptCancelled):
            self.console.print()
            raise
        match text.strip().lower():
            case "!decline":
                raise _Declined
            case "!cancel":
                raise _Cancelled
            case "!skip" if skippable:
                raise _Skipped
            case _:
                # A line that shall begin with an exclamation mark is written with two.
                return text[1:] if text.startswith("!!") else text

    def _address(self, url: str, host: str) -> None:
        line = Text(url)
        if host:
            line.highlight_regex(_literal(host), "bold underline")
        self._print(line)
        self._print(Text.assemble("host  ", (host or "none", "bold")))

    def _head(self, who: str, message: str) -> None:
        self.lines.discard()
        self.console.print()
        self._print(Text.assemble((who, "bold yellow"), (f"   {_HELP}", "dim")))
        self._say(message, "bold")

    def _say(self, text: str, style: str = "") -> None:
        for line in clean(text).splitlines() or [""]:
            self._print(Text(line, style))

    def _hint(self, text: str) -> None:
        if text:
            self._print(Text(text, "dim"))

    def _print(self, line: Text) -> None:
        width = max(self.console.width - len(self.bar), 20)
        for part in line.wrap(self.console, width, overflow="fold"):
            self.console.print(Text.assemble((self.bar, "yellow"), part), soft_wrap=True)


def url_warnings(url: str) -> list[str]:
    """What a person should know about an address before going there."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    warnings: list[str] = []
    if parts.scheme != "https" and host not in _LOCAL:
        warnings.append("This address is not https: others on the way can read and change it.")
    if any(label.startswith("xn--") for label in host.split(".")) or not host.isascii():
        warnings.append("The host has letters of other scripts: it may imitate another name.")
    if parts.username or parts.password:
        warnings.append(f"The part before @ is not the host. The host is {clean(host)}.")
    return warnings


def unfit_url(url: str) -> str | None:
    """Why an address may not be opened at all; None when it may."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "it is no web address"
    if clean(url) != url or any(mark.isspace() for mark in url):
        return "it has invisible characters"
    return None


def open_in_browser(url: str) -> bool:
    """Open an address in the person's graphical browser.

    A browser in the terminal would take this host's screen away: without a display, and without
    a BROWSER that the person set, nothing is opened.
    """
    graphical = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )
    return graphical and webbrowser.open(url)


def _literal(text: str) -> str:
    return "".join(f"\\{mark}" if not mark.isalnum() else mark for mark in text)


def _takes(field: Field) -> str:
    match field.kind:
        case "boolean":
            return "yes or no"
        case "one":
            return "number or name" if field.numbered() else "one of these"
        case "many":
            return "numbers or names with commas" if field.numbered() else "some, with commas"
        case _:
            return ""
