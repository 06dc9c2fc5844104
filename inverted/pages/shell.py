"""A whole page: its HTML frame, its style, and text from elsewhere made safe to show.

No script and no outside resource; the page needs nothing but its own text. Called by `form` and
`desk`; the card has the same style.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

# C0 without tab and newline, DEL, C1, and the marks that reorder what is on the screen.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_UNSENDABLE: Final = re.compile("[\x00\ud800-\udfff]")


@cache
def style() -> str:
    """The style sheet of the pages and of the card."""
    return files("inverted.pages").joinpath("style.css").read_text(encoding="utf-8")


def shown(text: str) -> str:
    """Text from elsewhere as HTML.

    It is escaped, and marks that would make it look like other text are replaced by U+FFFD.

    Args:
        text: Anything, hostile or not.

    Returns:
        HTML for an element's content or a quoted attribute.
    """
    return escape(_UNSAFE.sub("\ufffd", text.replace("\r\n", "\n")))


def kept(text: str) -> str:
    """Text as the value of a control: escaped, and otherwise what it was, because it comes back.

    Args:
        text: What was typed, or a default.

    Returns:
        HTML for a quoted attribute or the content of a `textarea`.
    """
    return escape(_UNSENDABLE.sub("\ufffd", text))


def page(title: str, body: str, *, nonce: str) -> str:
    """A whole HTML page.

    Args:
        title: Its title, as text.
        body: The HTML inside of `main`.
        nonce: What lets its style through the Content-Security-Policy.

    Returns:
        The page.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{shown(title)}</title>
<style nonce="{escape(nonce)}">
{style()}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
