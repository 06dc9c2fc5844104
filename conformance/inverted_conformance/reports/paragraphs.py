"""Paragraphs in the terminal: wrapped where people read, whole where they copy."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text


def indented(console: Console, text: str, style: str = "", by: int = 2) -> None:
    """Print a paragraph, every line of it moved to the right.

    Args:
        console: Where to.
        text: What it says; never read as markup.
        style: How it looks.
        by: Columns.
    """
    for line in Text(text, style).wrap(console, max(console.width - by, 20)):
        line.rstrip()
        console.print(Text(" " * by).append_text(line), soft_wrap=True)


def unbroken(console: Console, text: str) -> None:
    """Print what somebody copies: no line break inside it.

    Args:
        console: Where to.
        text: What it says; never read as markup.
    """
    console.print(Text(f"  {text}", "cyan"), soft_wrap=True)
