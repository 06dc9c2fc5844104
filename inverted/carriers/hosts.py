"""What known hosts declare and how they behave, each with where that was seen and when.

A server is told what a client declares. It is not told the rest: that a decline may come from a
setting and not from a person, how long a silent call is waited for, what the model sees of a
result. Those habits are recorded here, and nothing is guessed: what nobody has seen is None.

`host_of` is asked while a run chooses how to ask; `docs/clients.md` and the doubles of
`inverted.testing.profiles` are made from the same rows.
"""

from __future__ import annotations

from typing import Final

from inverted.carriers.host import Host, Revision, Sees, Source
from inverted.carriers.hosts_closed import CLOSED
from inverted.carriers.hosts_open import OPEN

__all__ = ["HOSTS", "Host", "Revision", "Sees", "Source", "host_of"]

HOSTS: Final[dict[str, Host]] = {host.name: host for host in (*CLOSED, *OPEN)}
"""Every known host, by our name for it."""

_BY_CLIENT_NAME: Final = {
    client_name.casefold(): host for host in HOSTS.values() for client_name in host.client_names
}


def host_of(client_name: str | None) -> Host | None:
    """The known host behind a client's name.

    The letters' case makes no difference, and neither does `mcp-remote` in between, which appends
    itself to the name of the host that it serves.

    Args:
        client_name: The `clientInfo.name` that the client sent.

    Returns:
        The host, or None if no known host has this name.
    """
    if client_name is None:
        return None
    return _BY_CLIENT_NAME.get(client_name.partition(" (via mcp-remote")[0].casefold())
