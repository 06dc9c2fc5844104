"""The server that a diagnosis is about: what of it is known, and what can only be assumed.

- without TARGET: one made with inverted as it comes, started over stdio on this machine;
- a Python file with an `AgentServer`: that very server, loaded in this process;
- any other: what it says. What cannot be seen from outside is called so.

Called by `doctor`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from inverted.carriers.host import Host
from inverted.carriers.ladder import NOTHING, Means
from inverted.carriers.providers import OwnModel, ProviderError
from inverted.cli.doctoring.asking import Said
from inverted.cli.errors import UsageProblem
from inverted.cli.serve import load_file, named_server, only_server
from inverted.cli.target import Command, Target, python_file
from inverted.cli.text import first_line
from inverted.runtime.ladders import Ladders
from inverted.server import AgentServer
from inverted.server.diagnosis import Diagnosis, diagnose, peer_of
from inverted.server.means import Peer, Surroundings
from inverted.server.person import Pages

UNSEEN: Final = "cannot be seen from outside"
PLAIN: Final = Ladders(model=("sampling",), person=("form",), approval=("form",))
"""How the protocol alone has it."""

_KEY: Final = "of a server that is only looked at"


@dataclass(frozen=True)
class Group:
    """Agents that ask in the same way.

    Attributes:
        agents: Their names; empty for all there are.
        ladders: How their questions are asked.
    """

    agents: tuple[str, ...]
    ladders: Ladders


@dataclass(frozen=True)
class Subject:
    """A server, as far as it is known.

    Attributes:
        title: What it is, on one line.
        said: What it told; None without TARGET.
        provider: Its own model, in words.
        pages: Where it has pages for people, in words.
        relay: Whether hosts may go on by another call, in words.
        surroundings: What it has besides its clients; None for a server that need not be made
            with inverted.
        groups: Its agents, by how they ask.
        notes: What else has to be said.
    """

    title: str
    said: Said | None
    provider: str
    pages: str
    relay: str
    surroundings: Surroundings | None
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()

    def diagnoses(self, group: Group, hosts: list[Host]) -> Iterator[tuple[Host, Diagnosis]]:
        """What each host can do for a group of agents."""
        for host in hosts:
            peer = peer_of(host)
            means = self._means(peer, host)
            yield host, diagnose(peer, means, group.ladders, version=host.version)

    def _means(self, peer: Peer, host: Host) -> Means:
        if self.surroundings is None:
            return NOTHING
        pages = self.surroundings.pages.of(None, "")
        # A server that is reached by its URL runs where no browser of the person is.
        here = pages if host.local else pages._replace(local=False)
        return self.surroundings.to(peer, here)


def default() -> Subject:
    """A server made with inverted, as it comes, started over stdio on this machine.

    Raises:
        UsageProblem: INVERTED_PROVIDER names a model that cannot be used.
    """
    try:
        server = AgentServer("server", store=":memory:", keys=[_KEY])
    except ProviderError as error:
        raise UsageProblem(f"INVERTED_PROVIDER: {error}") from None
    server.surroundings.pages.serve_locally()
    return _inside(server, "any server made with inverted, over stdio on this machine", None)


def known(target: Target, said: Said) -> Subject:
    """A server that was reached.

    Args:
        target: Where it is.
        said: What it told.
    """
    title = f"{said.name} {said.version}".rstrip()
    file, notes = python_file(target), list[str]()
    if file is not None and said.tasks:  # as every `AgentServer` does; others need not be loaded
        server = _loaded(*file, notes)
        if server is not None:
            server.surroundings.pages.serve_locally()
            return _inside(server, title, said)
        if not notes:
            notes.append(
                f"{file[0]} holds no AgentServer of its own, but another server around it."
            )
    return _outside(title, said, notes, stdio=isinstance(target, Command))


def _inside(server: AgentServer, title: str, said: Said | None) -> Subject:
    by = server.surroundings
    own = by.provider
    by_ladders: dict[Ladders, list[str]] = {}
    for name, tool in server.agent_tools.items():
        by_ladders.setdefault(tool.by.agent.ladders, []).append(name)
    groups = [Group(tuple(names), ladders) for ladders, names in by_ladders.items()]
    return Subject(
        title=title,
        said=said,
        provider=own.name if isinstance(own, OwnModel) else "none: INVERTED_PROVIDER is not set",
        pages=_here(by.pages),
        relay="on" if by.relay else "off",
        surroundings=by,
        groups=tuple(groups) or (Group((), Ladders()),),
    )


def _outside(title: str, said: Said, notes: list[str], *, stdio: bool) -> Subject:
    """A server of which nothing is known but what it says."""
    if not said.relay:
        notes.append(
            "It does not show that it is made with inverted, so this is what each host answers by "
            "the protocol alone."
        )
        return Subject(
            title, said, UNSEEN, UNSEEN, _shown(said), None, (Group((), PLAIN),), tuple(notes)
        )
    notes.append(
        "A provider, pages at a public address and ladders of its own cannot be seen from outside; "
        "the table assumes none. To have them looked at, name the Python file of the AgentServer."
    )
    # With a model of its own, so that the environment, which is ours and not its, names none.
    assumed = AgentServer("server", store=":memory:", keys=[_KEY], provider=_unasked)
    pages = assumed.surroundings.pages
    if stdio:
        pages.serve_locally()
    return Subject(
        title,
        said,
        UNSEEN,
        _here(pages) if stdio else UNSEEN,
        _shown(said),
        Surroundings(None, pages, relay=True),
        (Group((), Ladders()),),
        tuple(notes),
    )


def _here(pages: Pages) -> str:
    why_not = pages.unavailable()
    return "in the browser of this machine" if why_not is None else f"none here. {why_not}"


def _shown(said: Said) -> str:
    if said.relay is None:
        return f"{UNSEEN}, on {said.revision}"
    return "on: it lists continue_run" if said.relay else "not listed"


async def _unasked(*_asked: object) -> NoReturn:
    raise NotImplementedError("nobody is asked here")


def _loaded(path: Path, name: str | None, notes: list[str]) -> AgentServer | None:
    """The server of a file, in this process; None and a note where that cannot be had."""
    stdin = sys.stdin
    try:
        # A file that serves at its top level, without asking for its name, finds nobody to serve.
        with Path(os.devnull).open(encoding="utf-8") as sys.stdin, redirect_stdout(sys.stderr):
            module = load_file(path)
            found = only_server(module, path) if name is None else named_server(module, path, name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 # the file is somebody's code
        notes.append(
            f"{path} cannot be loaded here ({type(error).__name__}: {first_line(str(error))}), so "
            "what it has besides its clients is not known."
        )
        return None
    finally:
        sys.stdin = stdin
    return found if isinstance(found, AgentServer) else None
