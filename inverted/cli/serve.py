"""Starts a Python MCP server over stdio: a script, which gets a process of its own.

`target` has it run by the interpreter of this host:

    python -P serve.py file PATH [OBJECT]             a file, or one object in it
    python -P serve.py script MODULE:FUNCTION DIR...  what a project declares as its command
    python -P serve.py package NAME DIR...            a package with a __main__ module

It knows the servers of FastMCP (and so AgentServer) and of the MCP SDK. It imports nothing of
inverted: any server shall start as fast as it can. A problem is one line on stderr and exit code 2,
which the host shows. `replaying` loads the servers of a file with it, without starting them.
"""

from __future__ import annotations

import ast
import runpy
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

SERVERS = {
    "fastmcp.server.server.FastMCP",
    "mcp.server.mcpserver.server.MCPServer",
    "mcp.server.lowlevel.server.Server",
}
"""The classes of MCP servers, by name: comparing names does not import what the file did not."""

USUAL_NAMES = ("server", "mcp", "app")
"""Among several servers in one file, the one of such a name is meant."""


class NotServable(Exception):
    """A file cannot be imported, or holds no server. The message says what to do."""


def main(argv: Sequence[str]) -> None:
    """Serve what the arguments name. Returns when the client closes stdin."""
    try:
        _serve(argv)
    except NotServable as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(2)


def load_file(path: Path) -> ModuleType:
    """Import a Python file as a module of its package, not as a script.

    Args:
        path: The file.

    Raises:
        NotServable: It is no Python file.
    """
    root, dotted = _module_name(path)
    sys.path.insert(0, str(root))
    return import_module(dotted) if "." in dotted else _load(path, dotted)


def _serve(argv: Sequence[str]) -> None:
    kind, name, *rest = argv
    if kind == "file":
        _serve_file(Path(name), rest[0] if rest else None)
        return
    sys.path[:0] = rest
    if kind == "package":
        sys.argv = [name]
        runpy.run_module(name, run_name="__main__", alter_sys=True)
        return
    module, _, function = name.partition(":")
    sys.argv = [name]
    sys.exit(_attribute(import_module(module), function, module)())


def _serve_file(path: Path, name: str | None) -> None:
    sys.argv = [str(path)]
    if name is None and _serves_itself(path):
        root, dotted = _module_name(path)
        sys.path.insert(0, str(root))
        if "." in dotted:
            runpy.run_module(dotted, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(str(path), run_name="__main__")
        return
    module = load_file(path)
    _run(only_server(module, path) if name is None else named_server(module, path, name))


def named_server(module: ModuleType, path: Path, name: str) -> Any:
    """The server of a module that has this name, or that the function of this name makes.

    Args:
        module: From `load_file`.
        path: Its file, for messages.
        name: The name, with dots for attributes.

    Raises:
        NotServable: There is none of that name, or it is no server.
    """
    found = _attribute(module, name, str(path))
    if _is_server(found):
        return found
    if not callable(found):
        raise NotServable(f"{path}:{name} is no MCP server, it is of type {type(found).__name__}")
    made = found()
    if not _is_server(made):
        raise NotServable(f"{path}:{name}() made no MCP server, but a {type(made).__name__}")
    return made


def _module_name(path: Path) -> tuple[Path, str]:
    """Where to import the file from, and its full name if it lives in a package."""
    root, parts = path.resolve().parent, [path.stem]
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    return root, ".".join(parts)


def _serves_itself(path: Path) -> bool:
    """Whether the file has `if __name__ == "__main__":`, which then starts the server."""
    return any(
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
        for node in ast.parse(path.read_bytes(), str(path)).body
    )


def _load(path: Path, name: str) -> ModuleType:
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise NotServable(f"{path} cannot be imported as a Python module")
    module = module_from_spec(spec)
    sys.modules[name] = module  # annotations of the file's functions are looked up there
    spec.loader.exec_module(module)
    return module


def only_server(module: ModuleType, path: Path) -> object:
    """The only server of a module, or the one with a usual name.

    Args:
        module: From `load_file`.
        path: Its file, for messages.

    Raises:
        NotServable: There is none, or no telling which is meant.
    """
    found = servers_of(module)
    distinct = {id(value): value for value in found.values()}
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    for name in USUAL_NAMES:
        if name in found:
            return found[name]
    if found:
        raise NotServable(
            f"{path} has several servers, name one: {path}:{f', {path}:'.join(sorted(found))}"
        )
    raise NotServable(
        f"{path} has no MCP server: none of its names is an AgentServer, a FastMCP or an "
        "MCPServer, and it has no `if __name__ == '__main__':` that starts one"
    )


def servers_of(module: ModuleType) -> dict[str, Any]:
    """The servers that a module holds, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and _is_server(value)
    }


def _attribute(module: ModuleType, name: str, where: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise NotServable(f"{where} has no {name!r}")
        found = getattr(found, part)
    return found


def _is_server(value: object) -> bool:
    return any(f"{kind.__module__}.{kind.__qualname__}" in SERVERS for kind in type(value).__mro__)


def _run(server: Any) -> None:
    if any(kind.__module__ == "mcp.server.lowlevel.server" for kind in type(server).__mro__):
        # The low-level server has no run() that knows stdio; these two are the SDK's own way.
        anyio = import_module("anyio")
        stdio_server = import_module("mcp.server.stdio").stdio_server

        async def serve() -> None:
            async with stdio_server() as (read, write):
                await server.run(read, write, server.create_initialization_options())

        anyio.run(serve)
    else:
        server.run()


if __name__ == "__main__":
    main(sys.argv[1:])
