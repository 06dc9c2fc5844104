"""What installations added, so that an uninstallation takes out exactly that.

One small file for each configuration, in the data directory. It holds places and names, no values.
Without it, or when the configuration changed since, an entry is cut out by its structure.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

from platformdirs import user_data_path
from pydantic import BaseModel, Field, ValidationError

FORMAT: Final = 1


class Entry(BaseModel):
    """One installed server.

    Attributes:
        name: What the host calls it.
        after: The digest of the configuration with it.
        spans: What was added to that text.
        inputs: The ids of the inputs that came with it.
    """

    name: str
    after: str
    spans: list[tuple[int, int]] = Field(default_factory=list)
    inputs: list[str] = Field(default_factory=list)


class Receipt(BaseModel):
    """The installations in one configuration.

    Attributes:
        format: The version of this form.
        file: The configuration.
        new: Whether the file was made by an installation.
        created: Top-level keys that installations made.
        servers: What is installed.
    """

    format: int = FORMAT
    file: str
    new: bool = False
    created: list[str] = Field(default_factory=list)
    servers: list[Entry] = Field(default_factory=list)

    def entry(self, name: str) -> Entry | None:
        """What is known of a server."""
        return next((each for each in self.servers if each.name == name), None)


def load(config: Path) -> Receipt:
    """What is known of a configuration. An unreadable receipt counts as none."""
    nothing = Receipt(file=os.path.realpath(config))
    try:
        data: Any = json.loads(_place(config).read_bytes())
        found = Receipt.model_validate(data)
    except (OSError, ValueError, ValidationError):
        return nothing
    return found if found.format == FORMAT and found.file == nothing.file else nothing


def save(receipt: Receipt) -> bool:
    """Keep what is known; nothing is kept when no server is left.

    Returns:
        Whether that was possible.
    """
    place = _place(Path(receipt.file))
    try:
        if not receipt.servers:
            place.unlink(missing_ok=True)
            return True
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_suffix(f".{os.getpid()}.tmp")
        fresh.write_text(receipt.model_dump_json(), encoding="utf-8")
        fresh.replace(place)
    except OSError:
        return False
    return True


def _place(config: Path) -> Path:
    name = hashlib.sha256(os.fsencode(os.path.realpath(config))).hexdigest()[:24]
    return user_data_path("inverted") / "installed" / f"{name}.json"
