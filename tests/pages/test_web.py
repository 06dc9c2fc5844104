"""Where pages are served. `test_local` has the rest, over real HTTP."""

from __future__ import annotations

import pytest

from inverted.pages import web


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://agents.example", "https://agents.example"),
        ("http://127.0.0.1:8000/mcp?x=1", "http://127.0.0.1:8000"),
    ],
)
def test_an_address_has_an_origin(url: str, origin: str) -> None:
    assert web.origin_of(url) == origin


@pytest.mark.parametrize("url", ["agents.example", "ftp://agents.example", "https:///x", ""])
def test_what_is_no_address_has_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"write it as https://example\.org"):
        web.origin_of(url)
