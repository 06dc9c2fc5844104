"""What is recorded of a host application: what it declares, how it behaves, where that was seen.

Used by the rows in `hosts_closed` and `hosts_open`; `hosts` finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from inverted.core.effects import Json

Revision = Literal["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"]
Sees = Literal["content", "structured", "both"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was seen.

    Attributes:
        where: A URL, or the path of a file in a repository with its version.
        date: The day of the observation, or of the version, as `2026-11-21`.
        note: What was seen, and how sure that is.
    """

    where: str
    date: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One host application.

    Attributes:
        name: Our name for it.
        title: Its own name.
        client_names: The `clientInfo.name`s by which it is recognised.
        version: The `clientInfo.version` that was recorded with the capabilities.
        revision: The newest protocol revision that it is known to negotiate.
        capabilities: The client capabilities, as they were on the wire.
        local: Whether it starts servers on the person's machine; otherwise it reaches them by their
            URL alone.
        declines: Whether it may answer a form with decline without having asked a person. Its
            decline says nothing about what a person wants.
        asks_for_tasks: Whether it calls a tool as a task (SEP-1686) where the tool allows that.
        approves: Whether a person is asked before a sampling request is answered.
        validates: Whether a result that does not satisfy the tool's `outputSchema` fails the call.
        sees: What the model sees of a result that has both: its `content`, the structured content
            in place of the text, or both.
        cards: Whether a card of it, if it has cards, is given the `_meta` of a result.
        timeout: Seconds after which a call without a message is given up; `inf` if it waits.
        progress_resets: Whether progress starts that time anew.
        rounds: How often it answers the questions of one call on 2026-07-28. 10 in the SDKs of
            Python and TypeScript; that of Rust gives up before it sends the tenth answers.
        enable: What a person has to switch on, and where.
        habits: What else a server should know.
        sources: Where this was seen.
    """

    name: str
    title: str
    client_names: tuple[str, ...]
    version: str
    revision: Revision
    capabilities: dict[str, Json]
    local: bool = True
    declines: bool = False
    asks_for_tasks: bool = False
    approves: bool | None = None
    validates: bool | None = None
    sees: Sees | None = None
    cards: bool = True
    timeout: float | None = None
    progress_resets: bool | None = None
    rounds: int | None = None
    enable: str
    habits: tuple[str, ...] = ()
    sources: tuple[Source, ...]


APPS: Final[dict[str, Json]] = {
    "io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}
}
PROBES: Final = Source(
    "https://github.com/MCPJam/inspector/blob/6d550c02/sdk/src/host-compat/catalog.generated.ts",
    "2026-08-20",
    "clientInfo, revisions and capabilities captured from the live host",
)
ISSUE_4: Final = "issue 4 of this project"
