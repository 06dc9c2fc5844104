"""The hosts whose code nobody can read: what others saw of them."""

from __future__ import annotations

from typing import Final

from inverted.carriers.host import APPS, ISSUE_4, PROBES, Host, Source

CLOSED: Final = (
    Host(
        name="claude-desktop",
        title="Claude Desktop",
        client_names=("claude-ai",),
        version="0.1.0",
        revision="2025-11-25",
        capabilities={"extensions": APPS},
        sees="content",
        timeout=240.0,
        enable="Nothing. The model of the conversation answers by relay, a person by an MCP Apps "
        "card.",
        habits=(
            (
                "claude.ai on the web has the same client name. Its connectors are called by "
                "Anthropic's servers, negotiate up to 2026-07-28, and gave up after about 60 s."
            ),
            "The Code tab calls local servers as `local-agent-mode-<server>`, without elicitation.",
            "A card gets no `structuredContent`: it has to read `content`.",
        ),
        sources=(
            Source(
                "https://github.com/williamkapke/kapture/issues/17",
                "2026-06-01",
                "the initialize request of a local server, from the log of the host",
            ),
            PROBES,
            Source(
                "https://github.com/anthropics/claude-code/issues/65643",
                "2026-06-05",
                "local calls end after 4 minutes; others measured 60 s (issues 22542 and 63379)",
            ),
            Source(
                "https://github.com/anthropics/claude-ai-mcp/issues/563",
                "2026-07-06",
                "structuredContent of local servers is dropped; content arrives",
            ),
            Source(
                "https://github.com/anthropics/claude-code/issues/96043",
                "2026-09-22",
                "the client of the Code tab, version 2.2553",
            ),
            Source(
                "https://github.com/modelcontextprotocol/ext-apps/issues/696",
                "2026-07-07",
                "a card gets content without structuredContent, 1.18286.2",
            ),
            Source(ISSUE_4, "2026-11-21", "agrees: neither sampling nor elicitation"),
        ),
    ),
    Host(
        name="claude-code",
        title="Claude Code",
        client_names=("claude-code",),
        version="2.1.237",
        revision="2026-07-28",
        capabilities={"roots": {"listChanged": True}, "elicitation": {}},
        sees="structured",
        timeout=300.0,
        progress_resets=True,
        rounds=10,
        enable="Nothing. Forms open in the terminal; the model of the session answers by relay.",
        habits=(
            (
                "Driven by a program over `stream-json` (the desktop app, an IDE), it declines "
                "forms that the program has no handler for, without asking a person."
            ),
            "2026-07-28 is spoken over HTTP; local servers are greeted with 2025-11-25 first.",
            "Local servers may be silent for 30 minutes, HTTP servers for 5.",
            (
                "A result above 25,000 tokens is cut or put into a file; `MAX_MCP_OUTPUT_TOKENS` "
                'and `_meta["anthropic/maxResultSizeChars"]` move the limit.'
            ),
            (
                "Descriptions and instructions are cut at 2 KB. A tool whose full name "
                "(`mcp__<server>__<tool>`) is longer than 128 characters is left out."
            ),
            "Sends a progress token, shows the messages, and obeys `list_changed`.",
        ),
        sources=(
            Source(
                "https://github.com/anthropics/claude-code/issues/88075",
                "2026-08-19",
                "capabilities on 2026-07-28, from a logging proxy; URLs are not declared",
            ),
            Source(
                "https://github.com/aqm857886159/Nomi/pull/432",
                "2026-09-03",
                "the same on 2025-11-25, from the initialize frame of 2.1.232",
            ),
            Source(
                "https://github.com/anthropics/claude-code/issues/79944",
                "2026-09-22",
                "what the model is given, 2.1.280",
            ),
            Source(
                "https://github.com/vfarcic/dot-ai/pull/708",
                "2026-08-05",
                "the idle timeout and what resets it, read in 2.1.222",
            ),
            Source(
                "https://github.com/laurigates/claude-plugins/pull/2059",
                "2026-07-13",
                "30 minutes for local servers, 5 for HTTP",
            ),
            Source(
                "https://github.com/anthropics/claude-code/issues/89858",
                "2026-08-26",
                "declines without a person under a controlling program",
            ),
            Source(
                "https://github.com/anthropics/claude-code/blob/5cfc0a19/CHANGELOG.md",
                "2026-08-22",
                "elicitation (2.1.76), structuredContent (2.0.21), 2 KB (2.1.84), the idle "
                "timeout (2.1.187), discovery before initialize (2.1.238)",
            ),
            Source(
                "https://github.com/mui/material-ui/issues/46778",
                "2025-08-17",
                "the 25,000 tokens, in the error of that time",
            ),
            Source(
                "https://github.com/caiowilson/MCP-memento/issues/21",
                "2026-06-15",
                "what is too large goes into a file; second hand",
            ),
            Source(
                "https://github.com/xsyetopz/claudetto/wiki/Claude-Code-MCP-Runtime",
                "2026-10-19",
                "length of names; second hand",
            ),
            Source(ISSUE_4, "2026-11-21", "agrees: elicitation only; the round cap"),
        ),
    ),
    Host(
        name="cursor",
        title="Cursor",
        client_names=("cursor-vscode",),
        version="1.0.0",
        revision="2025-11-25",
        capabilities={
            "extensions": APPS,
            "elicitation": {"form": {}},
            "roots": {"listChanged": False},
        },
        sees="structured",
        timeout=300.0,
        enable="Nothing. Forms open in the chat; the model of the chat answers by relay.",
        sources=(
            PROBES,
            Source(
                "https://github.com/cursor/cursor/issues/3510",
                "2025-08-19",
                "calls end after exactly 5 minutes, in 1.4.5; not confirmed since",
            ),
            Source(
                "https://github.com/modelcontextprotocol/modelcontextprotocol/issues/1411",
                "2025-09-01",
                "structuredContent is used when it is there; a later report says the contrary",
            ),
            Source(ISSUE_4, "2026-11-21", "agrees on elicitation; MCP Apps and roots are more"),
        ),
    ),
    Host(
        name="chatgpt",
        title="ChatGPT",
        client_names=("openai-mcp",),
        version="1.0.0",
        revision="2026-07-28",
        capabilities={
            "extensions": APPS,
            "experimental": {"openai/visibility": {"enabled": True}},
        },
        local=False,
        sees="structured",
        cards=False,
        rounds=10,
        enable="Developer mode (Settings, Apps, Advanced settings), then add the server by its "
        "HTTPS URL; local servers cannot be reached.",
        habits=(
            "A card gets no `_meta` of a result, and as `content` the structured content as JSON.",
        ),
        sources=(
            PROBES,
            Source(
                "a public test fixture, recorded in production (`openai-mcp`, browser and iPhone)",
                "2026-09-15",
                "the same capabilities, in `_meta` on 2026-07-28",
            ),
            Source(
                "https://github.com/openai/mcp-extensions/blob/8ec7a225/docs/spec.md",
                "2026-11-21",
                "the desktop app has forms of its own (openai/form), other surfaces are to follow",
            ),
            Source(
                "https://community.openai.com/t/how-content-and-structuredcontent-in-the-tool-"
                "response-is-handed-to-the-model/1369519",
                "2026-11-21",
                "the model sees only structured content, tested with values that cannot be guessed",
            ),
            Source(
                "https://community.openai.com/t/chatgpt-mcp-apps-bridge-drops-custom-meta-from-"
                "tool-results-in-ui-notifications-tool-result/1378047",
                "2026-03-28",
                "what a card is given of a result",
            ),
            Source(
                "https://developers.openai.com/api/docs/guides/developer-mode",
                "2026-11-21",
                "what to enable; remote servers only",
            ),
            Source(
                ISSUE_4,
                "2026-11-21",
                "differs: elicitation only. The captures show none; the desktop app may",
            ),
        ),
    ),
    Host(
        name="copilot-cli",
        title="GitHub Copilot CLI",
        client_names=("copilot-cli", "github-copilot-developer"),
        version="1.0.85",
        revision="2025-11-25",
        capabilities={"sampling": {}, "elicitation": {"form": {}, "url": {}}},
        approves=True,
        sees="both",
        timeout=180.0,
        enable="Approve the sampling request when it is shown. `timeout` of the server in "
        "`mcp-config.json` for long calls. `/experimental on` for tasks.",
        habits=(
            "Autopilot answers forms and sampling requests without a person.",
            (
                "Sends `server/discover` for 2026-07-28 and then initializes with 2025-11-25 on "
                "the same connection; a server that has locked the connection must bear that."
            ),
        ),
        sources=(
            Source(
                "https://github.com/github/copilot-cli/issues/4888",
                "2026-09-17",
                "name, version and capabilities on the wire",
            ),
            Source(
                "https://github.com/github/copilot-cli/issues/1268",
                "2026-04-13",
                "the same under the older name, 2025-11-25",
            ),
            Source(
                "https://github.com/github/copilot-cli/issues/1378",
                "2026-02-10",
                "180 s by default",
            ),
            Source(
                "https://github.com/github/copilot-cli/blob/9532bdac/changelog.md",
                "2026-08-03",
                "approval of sampling (1.0.13), both parts of a result (1.0.56), tasks (1.0.41)",
            ),
        ),
    ),
)
