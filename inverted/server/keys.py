"""Sealing keys: they protect `requestState` and the results of secret steps, and survive restarts.

A key comes from the environment variable `INVERTED_KEYS` (several replicas share it), or from a
file in the data directory that is made on first use. The first key seals, every key opens, so a key
is rotated by putting the new one first and dropping the old one when no run needs it any more.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from mcp.server.request_state import AESGCMRequestStateCodec
from platformdirs import user_data_dir

from inverted.errors import InvertedError

VARIABLE: Final = "INVERTED_KEYS"
SHORTEST_KEY: Final = 32
STATE_TTL: Final = 7 * 24 * 3600.0
"""Seconds for which a `requestState` stays valid: as long as a person may take to answer."""


class SealingKeys:
    """Seals and unseals. Implements `Sealer` and the SDK's `RequestStateCodec`.

    The keys are read on first use, so that a server that only lists its tools touches no file.

    Args:
        keys: Given keys of 32 bytes or more; from the environment or the key file if None.
    """

    def __init__(self, keys: Sequence[bytes | str] | None = None) -> None:
        self._given = keys
        if keys is not None:
            _checked(keys)

    def seal(self, payload: bytes) -> str:
        """An opaque token that protects the payload.

        Raises:
            InvertedError: The keys are unusable.
        """
        return self._codec.seal(payload)

    def unseal(self, token: str) -> bytes:
        """Reverse `seal`.

        Raises:
            InvalidRequestState: None of the keys minted the token.
            InvertedError: The keys are unusable.
        """
        return self._codec.unseal(token)

    @cached_property
    def _codec(self) -> AESGCMRequestStateCodec:
        keys = self._given or os.environ.get(VARIABLE, "").split() or [_own_key()]
        return AESGCMRequestStateCodec(_checked(keys))


def _checked(keys: Sequence[bytes | str]) -> Sequence[bytes | str]:
    if not keys or any(len(key) < SHORTEST_KEY for key in keys):
        raise InvertedError(
            f"A sealing key must be at least 32 bytes long ({VARIABLE} holds one or more, "
            "separated by "
            'spaces). Make one with: python -c "import secrets; print(secrets.token_hex(32))"'
        )
    return keys


def _own_key() -> bytes:
    directory = Path(user_data_dir("inverted"))
    path = directory / "sealing.key"
    draft = directory / f"sealing.{secrets.token_hex(8)}"
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            # Written whole under another name first: two processes may start at the same time.
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
            with contextlib.suppress(FileExistsError):  # another process was first: use its key
                path.hardlink_to(draft)
            draft.unlink()
        key = path.read_bytes().strip()
    except OSError as error:
        raise InvertedError(
            f"The sealing key cannot be kept in {path}: {error}. Make the directory writable, or "
            f"set {VARIABLE} to a key."
        ) from error
    if len(key) < SHORTEST_KEY:
        raise InvertedError(
            f"The sealing key in {path} is damaged: it has {len(key)} bytes. Restore the file. Or "
            "delete it to get a new key: what the old one sealed (parked calls, results of secret "
            "steps) cannot be opened then."
        )
    return key
