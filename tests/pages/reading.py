"""A page as a browser reads it, without one: its controls and what it would send."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Control:
    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """A page as a browser reads it: its controls, the labels, and what it would send."""

    source: str
    controls: list[Control] = field(default_factory=list[Control])
    tags: list[Control] = field(default_factory=list[Control])

    def __post_init__(self) -> None:
        super().__init__()
        self._open: Control | None = None
        # Before anything else a browser makes every line break a line feed.
        self.feed(self.source.replace("\r\n", "\n").replace("\r", "\n"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        one = Control(tag, dict(attrs))
        self.tags.append(one)
        if tag in ("input", "textarea", "select", "option", "button"):
            self.controls.append(one)
        self._open = one

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.text += data

    def handle_endtag(self, tag: str) -> None:
        self._open = None

    def sent(self) -> dict[str, list[str]]:
        """What the browser sends when nothing is touched and the first button is pressed."""
        sent: dict[str, list[str]] = {}
        select = ""
        for one in self.controls:
            get = one.attributes.get
            name, value = get("name") or "", get("value") or ""
            if one.tag == "select":
                select = name
            elif one.tag == "option" and "selected" in one.attributes:
                sent[select] = [value]
            elif one.tag == "textarea":
                sent[name] = [one.text.removeprefix("\n").replace("\n", "\r\n")]
            elif one.tag == "button":
                sent.setdefault(name, [value])
            elif one.tag == "input" and (
                get("type") not in ("radio", "checkbox") or "checked" in one.attributes
            ):
                sent.setdefault(name, []).append(value)
        return sent

    def named(self, name: str) -> list[Control]:
        return [one for one in self.controls if one.attributes.get("name") == name]

    @property
    def buttons(self) -> list[str]:
        return [one.text for one in self.controls if one.tag == "button"]

    @property
    def focused(self) -> list[Control]:
        return [one for one in self.tags if "autofocus" in one.attributes]
