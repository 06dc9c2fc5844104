"""HTML made of values: what is not markup already is escaped, so nothing can be forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from inverted_conformance.reports.plain import visible, visible_lines


class Html(str):
    """Text that is markup."""

    __slots__ = ()


def tag(name: str, *inside: str, **attributes: str) -> Html:
    """An element.

    Args:
        name: Its name.
        *inside: Markup, or text of any origin.
        **attributes: Its attributes; `class_` is `class`, and an underscore is a hyphen.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(visible(value))}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{given}>{joined(inside)}</{name}>")


def joined(parts: Iterable[str]) -> Html:
    """Parts of a page, one after the other.

    Args:
        parts: Markup, or text of any origin.
    """
    return Html(
        "".join(part if isinstance(part, Html) else escape(visible(part)) for part in parts)
    )


def lines(text: str) -> Html:
    """Text with its own line breaks.

    Args:
        text: Text of any origin.
    """
    return Html("<br>".join(escape(line) for line in visible_lines(text)))


def link(text: str, url: str) -> Html:
    """A link; only text where the address is not one of the web or of this page.

    Args:
        text: What it says.
        url: Where it leads.
    """
    safe = url.startswith(("https://", "http://", "#"))
    return tag("a", text, href=url) if safe else joined([text])
