"""A host's JSON file: one server is added to it and taken out again, and nothing else changes.

The text around the entry stays byte for byte, so that taking out gives back what was there. What
this module creates besides the entry, a container or the file itself, it marks by a space before
the line break that ends it; so it knows its own again.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from json.decoder import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Final

from inverted_conformance.wire.transcript import Message

OWN_FILE: Final = "{ \n}\n"
OWN_CONTAINER: Final = "{ \n  }"
SPACE: Final = " \t\r\n"


class ConfigError(Exception):
    """The file cannot be changed; the message says why, and nothing was written."""


@dataclass(frozen=True, slots=True)
class _Entry:
    key: str
    start: int
    """Where its key begins."""

    value: int
    """Where its value begins."""

    end: int
    """Where its value ends."""


def add(file: Path, container: str, name: str, entry: Message) -> None:
    """Add a server.

    Args:
        file: The host's file; it need not be there.
        container: The key under which the host keeps its servers.
        name: The name of the server.
        entry: What the host wants to know of it.

    Raises:
        ConfigError: The file is no JSON, has another form, or has a server of this name.
    """
    text = _read(file) if file.exists() else OWN_FILE
    servers = _find(text, 0, container, file)
    if servers is None:
        text = _inserted(text, 0, f'"{container}": {OWN_CONTAINER}', "  ", file)
        servers = _find(text, 0, container, file)
    if servers is None or text[servers.value] != "{":
        raise ConfigError(f"{file}: {container} is no object; nothing was changed.")
    if _find(text, servers.value, name, file) is not None:
        raise ConfigError(f"{file} has a server named {name} already; nothing was changed.")
    said = f"{json.dumps(name)}: {json.dumps(entry)}"
    _write(file, _inserted(text, servers.value, said, "    ", file))


def remove(file: Path, container: str, name: str) -> bool:
    """Take a server out.

    Args:
        file: The host's file.
        container: The key under which the host keeps its servers.
        name: The name of the server.

    Returns:
        Whether it was there.

    Raises:
        ConfigError: The file is no JSON, or has another form.
    """
    if not file.exists():
        return False
    text = _read(file)
    servers = _find(text, 0, container, file)
    if servers is None or text[servers.value] != "{":
        return False
    entry = _find(text, servers.value, name, file)
    if entry is None:
        return False
    text = _without(text, servers.value, entry)
    servers = _find(text, 0, container, file)
    if servers is not None and text[servers.value : servers.end] == OWN_CONTAINER:
        text = _without(text, 0, servers)
    if text == OWN_FILE:
        file.unlink()
    else:
        _write(file, text)
    return True


def _read(file: Path) -> str:
    try:
        text = file.read_bytes().decode("utf-8")
        found: object = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(file, error) from error
    if not isinstance(found, dict):
        raise ConfigError(f"{file} holds no JSON object; nothing was changed.")
    return text


def _entries(text: str, brace: int) -> list[_Entry]:
    """The entries of the object that begins at a brace, or after the space there."""
    decoder = JSONDecoder()
    at = _after(text, _after(text, brace) + 1)
    found: list[_Entry] = []
    while text[at] != "}":
        key, end = decoder.raw_decode(text, at)
        value = _after(text, _after(text, end) + 1)
        _, end = decoder.raw_decode(text, value)
        found.append(_Entry(key, at, value, end))
        at = _after(text, end)
        if text[at] == ",":
            at = _after(text, at + 1)
    return found


def _after(text: str, at: int) -> int:
    while text[at] in SPACE:
        at += 1
    return at


def _find(text: str, brace: int, key: str, file: Path) -> _Entry | None:
    try:
        found = [entry for entry in _entries(text, brace) if entry.key == key]
    except (JSONDecodeError, IndexError) as error:
        raise _broken(file, error) from error
    if len(found) > 1:
        raise ConfigError(f"{file} has {key} more than once; nothing was changed.")
    return found[0] if found else None


def _inserted(text: str, brace: int, said: str, indent: str, file: Path) -> str:
    """The text with an entry put right behind a brace; what followed it still follows."""
    at = _after(text, brace) + 1
    try:
        others = bool(_entries(text, brace))
    except (JSONDecodeError, IndexError) as error:
        raise _broken(file, error) from error
    return f"{text[:at]}\n{indent}{said}{',' if others else ''}{text[at:]}"


def _without(text: str, brace: int, entry: _Entry) -> str:
    """The text without an entry, and without the comma and the space that belong to it."""
    entries = _entries(text, brace)
    place = [each.start for each in entries].index(entry.start)
    start = _after(text, brace) + 1 if place == 0 else entries[place - 1].end
    end = entry.end
    if place == 0 and len(entries) > 1:
        end = _after(text, end) + 1
    return text[:start] + text[end:]


def _write(file: Path, text: str) -> None:
    """Replace the file whole, or not at all. A link stays one."""
    target = file.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(text.encode("utf-8"))
            if target.exists():
                shutil.copymode(target, name)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error}; nothing was changed.") from error


def _broken(file: Path, error: Exception) -> ConfigError:
    return ConfigError(f"{file} cannot be read as JSON: {error}; nothing was changed.")
