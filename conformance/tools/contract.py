"""Writes CONTRACT.md from the fixture: its docstrings are the contract.

python conformance/tools/contract.py > conformance/CONTRACT.md
"""

from __future__ import annotations

import inspect
import json
import sys
from itertools import groupby
from typing import Any, Final

from inverted_conformance.fixture import prompts
from inverted_conformance.fixture.app import MODULES
from inverted_conformance.fixture.tools import TOOLS, FixtureTool

INTRODUCTION: Final = """\
# What a server offers to be checked

<!-- Written by tools/contract.py from the fixture's docstrings. -->

The suite calls tools by name. A server offers those that it can; what it does not offer is
reported as not offered, and what needs it is not checked. Names and behaviour are those of the
official conformance suite where that has them, so one server serves both.

`inverted-conformance fixture` is such a server, on the stock MCP SDK for Python. Copy it: one file
for each heading below, in `inverted_conformance/fixture/`.

- **Questions** are requests of the server on 2025-11-25 and rounds on 2026-07-28. The keys of
  `inputRequests` are the server's to choose; those named below are what the fixture uses.
- **People**: over HTTP, `Authorization: Bearer alice` and `Bearer bob` are two principals. Tell the
  suite with `--header` and `--other-header`.
- **State**: what shall survive the process goes to the folder that the environment variable
  `MCP_CONFORMANCE_STATE` names. The suite kills a server that it started itself (`-- CMD`), and
  starts it again with the same folder.
- **Tasks**: `as a task` tells what `execution.taskSupport` says on 2025-11-25. On 2026-07-28 a tool
  that may run as a task becomes one whenever the client has the extension.
- Arguments with a default may be left out. Texts in `code` are what the tool returns.
"""

SUPPORT: Final = {
    None: "",
    "optional": "; may run as a task",
    "required": "; runs only as a task",
    "later": "; may run as a task after its questions",
}


def contract() -> str:
    """The whole document."""
    parts = [INTRODUCTION]
    order = [module.__name__ for module in MODULES]
    tools = sorted(
        (tool for tool in TOOLS.values() if tool.run.__module__ in order),
        key=lambda tool: order.index(tool.run.__module__),
    )
    for name, group in groupby(tools, key=lambda tool: tool.run.__module__):
        about = inspect.cleandoc(sys.modules[name].__doc__ or "")
        heading, _, rest = about.partition("\n")
        title = name.rpartition(".")[2].replace("_", " ").capitalize()
        parts.append(f"## {title}\n\n{heading}\n{rest}".rstrip() + "\n")
        parts += [_tool(tool) for tool in group]
    parts.append(f"## A prompt\n\n### `{prompts.NAME}`\n\n{prompts.ABOUT}\n")
    return "\n".join(parts)


def _tool(tool: FixtureTool) -> str:
    arguments = "".join(
        f"- `{name}`: {_argument(schema)}\n" for name, schema in tool.properties.items()
    )
    about = inspect.cleandoc(tool.about)
    head = f"### `{tool.name}`{SUPPORT[tool.task]}\n\n{about}\n"
    return f"{head}\n{arguments}" if arguments else head


def _argument(schema: dict[str, Any]) -> str:
    kind = str(schema.get("type"))
    if "enum" in schema:
        kind = "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    default = f", by default `{json.dumps(schema['default'])}`" if "default" in schema else ""
    return f"{kind}{default}"


if __name__ == "__main__":
    sys.stdout.write(contract())
