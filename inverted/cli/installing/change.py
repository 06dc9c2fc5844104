"""What becomes of a configuration's text when a server is installed or uninstalled.

Nothing is read or written here. Each change is checked before it is believed: the new text must
parse to the old content with exactly the entries added or removed.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from inverted.cli.installing.edits import (
    END,
    Data,
    Malformed,
    Path,
    Span,
    Unsafe,
    delete,
    insert,
    track,
)
from inverted.cli.installing.hosts import Addition, Host, Server


class Taken(Exception):
    """Another server stands under the name."""


@dataclass(frozen=True)
class Installed:
    """The outcome of an installation.

    Attributes:
        text: The new text; the old one when nothing had to be done.
        spans: What was added, as places in the new text: deleting them takes the server out again
            and gives the old text. Empty where that is not so: an entry was there before.
        created: The top-level keys that were not there before.
        inputs: The ids of the inputs that were added.
        replaced: Whether another entry was taken out first.
    """

    text: str
    spans: tuple[Span, ...] = ()
    created: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    replaced: bool = False


def install(host: Host, text: str, server: Server, *, force: bool = False) -> Installed:
    """Put a server into a configuration.

    Args:
        host: Whose configuration it is.
        text: The configuration.
        server: The server.
        force: Whether to replace another server of that name.

    Raises:
        Taken: Another server has the name, and `force` is not given.
        Malformed: The text cannot be read.
        Unsafe: It cannot be changed without touching the rest.
    """
    before = host.format.read(text)
    place = host.place(server.name)
    wanted = host.additions(server)
    replaced = False
    if _has(before, place):
        if _covers(_found(before, place), wanted[0][1]):
            wanted = wanted[1:]
        elif force:
            text = _without(host, text, place)
            replaced = True
        else:
            raise Taken(server.name)
    missing = [each for each in wanted if not _has_input(before, each)]
    base = host.format.read(text) if replaced else before
    expected: Any = copy.deepcopy(base)
    spans: list[Span] = []
    for path, value in missing:
        insertions = host.format.add(text, path, value)
        spans = track(spans, insertions)
        text = insert(text, insertions)
        _put(expected, path, value)
    if _read_back(host, text, place) != expected:
        raise _unsafe(host, place)
    return Installed(
        text,
        () if _has(before, place) else tuple(spans),
        tuple(sorted({path[0] for path, _ in missing} - set(base))),
        tuple(str(cast("Data", value)["id"]) for path, value in missing if path[-1] == END),
        replaced,
    )


def uninstall(
    host: Host,
    text: str,
    name: str,
    *,
    inputs: Sequence[str] = (),
    created: Sequence[str] = (),
) -> str | None:
    """Take a server out of a configuration that changed since it was installed.

    Args:
        host: Whose configuration it is.
        text: The configuration.
        name: The server.
        inputs: Inputs that came with it; those that something else refers to stay.
        created: Top-level keys that installations made; those that are empty now go.

    Returns:
        The new text, None when the server is not there.

    Raises:
        Malformed: The text cannot be read.
        Unsafe: It cannot be changed without touching the rest.
    """
    place = host.place(name)
    if not _has(host.format.read(text), place):
        return None
    text = _without(host, text, place)
    for id in inputs:
        found = _inputs(host.format.read(text))
        at = next((at for at, each in enumerate(found) if each.get("id") == id), None)
        if at is not None and f"${{input:{id}}}" not in text:
            text = _without(host, text, ("inputs", str(at)))
    for key in created:
        after = host.format.read(text)
        if key in after and not after[key]:
            text = _without(host, text, (key,))
    return text


def restore(text: str, spans: Sequence[Span]) -> str:
    """The text as it was before an installation, when nothing else changed since."""
    return delete(text, spans)


def digest(text: str) -> str:
    """By what a text is recognised."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _without(host: Host, text: str, path: Path) -> str:
    expected: Any = copy.deepcopy(host.format.read(text))
    inside = expected
    for each in path[:-1]:
        inside = inside[each]
    if isinstance(inside, list):
        inside.pop(int(path[-1]))
    else:
        del inside[path[-1]]
    after = delete(text, host.format.cut(text, path))
    found = _read_back(host, after, path)
    if _pruned(found, path[0]) != _pruned(expected, path[0]):
        raise _unsafe(host, path)
    return after


def _read_back(host: Host, text: str, path: Path) -> Data:
    """What the new text says. That it cannot be read is our fault, not that of its owner."""
    try:
        return host.format.read(text)
    except Malformed:
        raise _unsafe(host, path) from None


def _pruned(data: Data, key: str) -> Data:
    """Without a key that holds nothing: TOML and YAML write no empty table."""
    return {name: value for name, value in data.items() if name != key or value}


def _unsafe(host: Host, path: Path) -> Unsafe:
    return Unsafe(
        f"{'.'.join(path)} is written in a way that cannot be changed without touching the rest. "
        f"Change it by hand, or write {host.servers} in the usual way"
    )


def _put(data: Any, path: Path, value: object) -> None:
    for key, following in pairwise(path):
        if data.get(key) is None:  # YAML: a key with nothing after it
            data[key] = [] if following == END else {}
        data = data[key]
    if path[-1] == END:
        data.append(value)
    else:
        data[path[-1]] = value


def _has(data: Data, path: Path) -> bool:
    inside: Any = data
    for key in path:
        if not isinstance(inside, dict) or key not in inside:
            return False
        inside = cast("Data", inside)[key]
    return True


def _found(data: Data, path: Path) -> object:
    inside: Any = data
    for key in path:
        inside = inside[key]
    return inside


def _covers(there: object, wanted: object) -> bool:
    """Whether an entry has everything that is wanted. What the person added to it does no harm."""
    if not isinstance(there, dict) or not isinstance(wanted, dict):
        return there == wanted
    found = cast("Data", there)
    return all(
        key in found and _covers(found[key], value) for key, value in cast("Data", wanted).items()
    )


def _inputs(data: Data) -> list[Data]:
    found = data.get("inputs")
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Data", each) if isinstance(each, dict) else {} for each in listed]


def _has_input(data: Data, addition: Addition) -> bool:
    path, value = addition
    if path[-1] != END:
        return False
    return any(each.get("id") == cast("Data", value)["id"] for each in _inputs(data))
