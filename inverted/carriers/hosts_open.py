"""The hosts whose code can be read."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Final

from inverted.carriers.host import APPS, ISSUE_4, PROBES, Host, Source

OPEN: Final = (
    Host(
        name="vscode",
        title="VS Code (Copilot)",
        client_names=("Visual Studio Code", "Visual Studio Code - Insiders"),
        version="1.130.0",
        revision="2025-11-25",
        capabilities={
            "roots": {"listChanged": True},
            "sampling": {},
            "elicitation": {"form": {}, "url": {}},
            "tasks": {
                "list": {},
                "cancel": {},
                "requests": {
                    "sampling": {"createMessage": {}},
                    "elicitation": {"create": {}},
                },
            },
            "extensions": APPS,
        },
        asks_for_tasks=True,
        approves=True,
        sees="structured",
        timeout=inf,
        enable="Allow the server to sample when VS Code asks (Always), or set "
        "`allowedDuringChat` and `allowedModels` for it in the setting `chat.mcp.serverSampling`.",
        habits=(
            (
                "A sampled message arrives if its `content` is one block of text, image or audio; "
                "a list of blocks is dropped. The reply is text."
            ),
            (
                "A task that needs input makes it call `tasks/get` again; `tasks/result` only "
                "follows the end. A question has to be sent without waiting for that call."
            ),
        ),
        sources=(
            Source(
                "https://github.com/microsoft/vscode/blob/c5308376/"
                "src/vs/workbench/contrib/mcp/common/mcpServerRequestHandler.ts",
                "2026-11-21",
                "what is declared, without MCP Apps; tasks; no timeout on requests",
            ),
            PROBES,
            Source(
                "https://github.com/microsoft/vscode/blob/0f0ed1a6/"
                "src/vs/workbench/contrib/mcp/common/mcpSamplingService.ts",
                "2026-11-21",
                "the dialog, the setting, and what is kept of a message",
            ),
            Source(
                "https://github.com/microsoft/vscode/blob/b801fe97/"
                "src/vs/workbench/contrib/mcp/common/mcpLanguageModelToolContribution.ts",
                "2026-11-21",
                "text is left out when there is structured content",
            ),
            Source(ISSUE_4, "2026-11-21", "agrees: sampling without tools, tasks of SEP-1686"),
        ),
    ),
    Host(
        name="codex",
        title="Codex",
        client_names=("codex-mcp-client",),
        version="0.151.0",
        revision="2025-06-18",
        capabilities={"elicitation": {"form": {}, "url": {}}},
        declines=True,
        sees="structured",
        timeout=300.0,
        progress_resets=False,
        enable="An `approval_policy` other than `never` (so neither `codex exec` nor full access), "
        "or forms are declined before a person sees them. `tool_timeout_sec` for long calls.",
        habits=(
            (
                "Declines every form and URL under `approval_policy = never`, and where a granular "
                "policy forbids elicitations; accepts an empty form unasked with full access."
            ),
            "Without such a policy a person is asked, and that time does not count.",
            "Inside the app it also declares MCP Apps.",
        ),
        sources=(
            Source(
                "https://github.com/aqm857886159/Nomi/pull/432",
                "2026-09-03",
                "capabilities and revision, from the initialize frame of 0.151.0",
            ),
            replace(PROBES, note="the same from the app, with MCP Apps, 0.148.0"),
            Source(
                "https://github.com/openai/codex/blob/65431b76/"
                "codex-rs/codex-mcp/src/elicitation.rs",
                "2026-11-21",
                "which policies decline",
            ),
            Source(
                "https://github.com/openai/codex/issues/45776",
                "2026-09-15",
                "URLs are declined, 0.154.0; full access may show forms to a program that asks",
            ),
            Source(
                "https://github.com/openai/codex/pull/28234",
                "2026-06-15",
                "300 s for a call",
            ),
            Source(
                "https://github.com/openai/codex/blob/02035efb/"
                "codex-rs/rmcp-client/src/rmcp_client.rs",
                "2026-11-21",
                "the timer stands still during an elicitation, and only then",
            ),
            Source(
                "https://github.com/vercel-labs/fx/pull/609",
                "2026-09-03",
                "structured content wins, with a link to the line",
            ),
            Source(ISSUE_4, "2026-11-21", "declares elicitation and declines it automatically"),
        ),
    ),
    Host(
        name="goose",
        title="Goose",
        client_names=("goose-desktop", "goose-cli", "goose"),
        version="1.38.0",
        revision="2025-03-26",
        capabilities={
            "extensions": APPS,
            "roots": {},
            "sampling": {},
            "elicitation": {},
        },
        approves=False,
        timeout=300.0,
        progress_resets=False,
        enable="Nothing. `timeout` of the extension for long calls.",
        habits=(
            "Declares elicitation on a revision that has none, so no form can be sent.",
            (
                "Newer code declares no sampling and negotiates 2026-07-28 or 2025-11-25, through "
                "the Rust SDK with its nine answers."
            ),
            "A sampled message keeps its first block, and only text; a form is open for 5 minutes.",
            "Only the desktop app declares MCP Apps.",
        ),
        sources=(
            Source(
                "https://github.com/block/goose/blob/01aaa821/"
                "crates/goose/src/agents/mcp_client.rs",
                "2026-11-21",
                "revision, capabilities, sampling, the fixed timeout",
            ),
            PROBES,
            Source(
                "https://github.com/aaif-goose/goose/pull/12193",
                "2026-09-18",
                "removes sampling; open on that day, and not seen in a release",
            ),
            Source(
                "https://github.com/modelcontextprotocol/rust-sdk/blob/4a738b9d/"
                "crates/rmcp/src/service/client.rs",
                "2026-08-20",
                "ten requests in all, of which the tenth must complete",
            ),
            Source(
                "https://block.github.io/goose/docs/guides/mcp-elicitation",
                "2026-11-21",
                "forms only, 5 minutes",
            ),
        ),
    ),
    Host(
        name="fast-agent",
        title="fast-agent",
        client_names=("fast-agent-mcp",),
        version="0.10.9",
        revision="2026-07-28",
        capabilities={
            "sampling": {"tools": {}},
            "elicitation": {"form": {}, "url": {}},
        },
        approves=False,
        validates=True,
        sees="structured",
        timeout=inf,
        rounds=10,
        enable="Nothing: `auto_sampling` is on. Roots are declared if some are configured.",
        sources=(
            Source(
                "https://github.com/evalstate/fast-agent/blob/610a2f57/"
                "src/fast_agent/mcp/client_callback_runtime.py",
                "2026-08-18",
                "name, sampling with tools, elicitation, roots",
            ),
            Source(
                "https://github.com/evalstate/fast-agent/blob/610a2f57/"
                "src/fast_agent/mcp/client_connection.py",
                "2026-08-18",
                "the SDK's Client with its defaults: revision, validation, rounds, no timeout",
            ),
            Source(
                "https://github.com/evalstate/fast-agent/blob/610a2f57/"
                "src/fast_agent/mcp/helpers/content_helpers.py",
                "2026-08-18",
                "structured content in place of the text",
            ),
        ),
    ),
    Host(
        name="inspector",
        title="MCP Inspector",
        client_names=("mcp-inspector", "inspector-tui", "inspector-client"),
        version="2.3.0",
        revision="2026-07-28",
        capabilities={
            "sampling": {},
            "elicitation": {"form": {}, "url": {}},
            "roots": {"listChanged": True},
            "tasks": {
                "list": {},
                "cancel": {},
                "requests": {
                    "sampling": {"createMessage": {}},
                    "elicitation": {"create": {}},
                },
            },
            "extensions": {"io.modelcontextprotocol/tasks": {}, **APPS},
        },
        approves=True,
        validates=True,
        timeout=60.0,
        progress_resets=True,
        rounds=10,
        enable="The protocol era of the server, if it is to speak 2026-07-28. A person types the "
        "answers of the model.",
        habits=(
            "Speaks 2025-11-25 unless the server's settings say otherwise.",
            "`inspector-client` is its name before version 2, without MCP Apps.",
        ),
        sources=(
            Source(
                "https://github.com/modelcontextprotocol/inspector/blob/86d5f58e/"
                "core/mcp/inspectorClient.ts",
                "2026-08-19",
                "capabilities, era, rounds, validation, timeout",
            ),
            Source(
                "https://github.com/modelcontextprotocol/inspector/blob/86d5f58e/"
                "clients/web/src/App.tsx",
                "2026-08-19",
                "what the web client switches on",
            ),
            Source(
                "https://github.com/quarkiverse/quarkus-mcp-server/issues/752",
                "2026-04-19",
                "what version 0.21.2 sent",
            ),
        ),
    ),
    Host(
        name="inspector-cli",
        title="MCP Inspector, command line",
        client_names=("inspector-cli",),
        version="2.3.0",
        revision="2026-07-28",
        capabilities={
            "roots": {"listChanged": True},
            "extensions": {"io.modelcontextprotocol/tasks": {}, **APPS},
        },
        validates=True,
        timeout=60.0,
        progress_resets=False,
        rounds=10,
        enable="Nothing can be asked here: it has neither a model nor a person.",
        habits=("Sends no progress token.",),
        sources=(
            Source(
                "https://github.com/modelcontextprotocol/inspector/blob/86d5f58e/"
                "clients/cli/src/cli.ts",
                "2026-08-19",
                "name; sampling, elicitation and progress are switched off",
            ),
        ),
    ),
    Host(
        name="gemini-cli",
        title="Gemini CLI",
        client_names=("gemini-cli-mcp-client",),
        version="0.56.0",
        revision="2025-06-18",
        capabilities={"roots": {"listChanged": True}},
        validates=True,
        sees="content",
        timeout=600.0,
        progress_resets=False,
        enable="Nothing. `timeout` of the server for calls longer than 10 minutes.",
        habits=(
            "Fills in a missing `structuredContent` from the text, if that is JSON.",
            "A name above 63 characters is cut in its middle.",
        ),
        sources=(
            Source(
                "https://github.com/google-gemini/gemini-cli/blob/5411f113/"
                "packages/core/src/tools/mcp-client.ts",
                "2026-08-21",
                "name, capabilities, the timeout, which progress does not move",
            ),
            Source(
                "https://www.npmjs.com/package/@modelcontextprotocol/sdk/v/1.23.0",
                "2026-08-21",
                "the SDK that it pins: the revision, and the check of outputSchema in callTool",
            ),
            Source(
                "https://github.com/google-gemini/gemini-cli/blob/5411f113/"
                "packages/core/src/tools/mcp-tool.ts",
                "2026-08-21",
                "content reaches the model; names",
            ),
        ),
    ),
    Host(
        name="librechat",
        title="LibreChat",
        client_names=("@librechat/api-client",),
        version="1.2.3",
        revision="2025-06-18",
        capabilities={},
        timeout=60.0,
        enable="Nothing. `timeout` of the server in `librechat.yaml` for calls over a minute.",
        sources=(
            Source(
                "https://github.com/danny-avila/LibreChat/blob/70448f5e/"
                "packages/api/src/mcp/connection.ts",
                "2026-11-21",
                "name and empty capabilities, read that day in a version of about 2025",
            ),
            Source(
                "https://github.com/danny-avila/LibreChat/issues/13267",
                "2026-05-22",
                "still no elicitation",
            ),
            Source(
                "https://github.com/apify/mcp-client-capabilities",
                "2026-02-02",
                "the revision",
            ),
            Source(
                "https://github.com/danny-avila/LibreChat/issues/6196",
                "2025-03-06",
                "the 60 s of the TypeScript SDK; configurable since",
            ),
        ),
    ),
)
