"""`inverted install HOST TARGET`: puts a server into the configuration of a host.

The format of every host, and where each keeps secrets, is in `installing.hosts`. Called by `main`.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.text import Text

from inverted.cli.errors import CliError, UsageProblem
from inverted.cli.installing import receipts
from inverted.cli.installing.change import Installed, Taken, digest, install
from inverted.cli.installing.edits import Malformed, Unsafe
from inverted.cli.installing.files import Replaced, update
from inverted.cli.installing.hosts import HOSTS, Host, Server
from inverted.cli.installing.launch import Wishes, checked_name, env_values, launch
from inverted.cli.installing.options import read_install
from inverted.cli.installing.places import configuration, unreadable
from inverted.cli.installing.report import diff, looks_secret, short
from inverted.cli.screen import Screen, open_console

_NOT_KEPT: Final = (
    "What was added could not be noted in inverted's data directory, so `inverted uninstall` will "
    "need --force."
)


def command(argv: Sequence[str]) -> int:
    """Serve `inverted install`.

    Args:
        argv: What stands after `install`.

    Returns:
        0.

    Raises:
        CliError: The configuration cannot be changed, or the command line does not fit.
    """
    options, arguments = read_install(argv)
    host = HOSTS[options.host]
    server = _server(host, options, arguments)
    path = configuration(host, options)
    work = _Work(host, server, path, force=options.force)
    private = options.scope == "user"
    replaced = update(path, work, write=not options.dry_run, private=private)
    out = open_console(stderr=False)
    if replaced.after == replaced.before:
        out.print(
            Text(f"{server.name} is installed in {host.title} already: {short(path)}"),
            soft_wrap=True,
        )
    elif options.dry_run:
        _print_diff(out, work, replaced)
    else:
        kept = _remember(path, server, work.installed, new=replaced.before is None)
        _print_done(out, work, replaced, shared=options.scope == "project")
        if not kept:
            out.print(Text(_NOT_KEPT, "yellow"), soft_wrap=True)
    _print_notes(out, work, options)
    return 0


@dataclass
class _Work:
    """Makes the new text; `update` calls it again when somebody else wrote meanwhile."""

    host: Host
    server: Server
    path: Path
    force: bool
    installed: Installed = Installed("")  # noqa: RUF009 - frozen

    def __call__(self, text: str | None) -> str:
        try:
            self.installed = install(self.host, text or "", self.server, force=self.force)
        except (Malformed, Unsafe) as problem:
            raise unreadable(self.path, problem) from None
        except Taken:
            raise CliError(
                f"{self.host.title} has another server called {self.server.name} in "
                f"{short(self.path)}. Nothing was changed. Choose another name with --name, or "
                "replace it with --force."
            ) from None
        return self.installed.text


def _server(host: Host, options: argparse.Namespace, arguments: tuple[str, ...]) -> Server:
    env = _environment(options.env)
    secrets = env_values(options.secret, "--secret")
    for name in env.keys() & secrets.keys():
        raise UsageProblem(f"{name} is given with --env and with --secret. Leave one out.")
    clear = _clear(host, secrets, options)
    env_file = None if options.env_file is None else Path(options.env_file).expanduser().resolve()
    if env_file is not None and not env_file.is_file():
        raise UsageProblem(f"--env-file: there is no file {options.env_file}.")
    wishes = Wishes(
        tuple(vars(options)["with"]),
        options.python,
        None if host.reads_env_file else env_file,
        arguments,
    )
    found = launch(options.target, wishes)
    return Server(
        found.name if options.name is None else checked_name(options.name),
        found.argv[0],
        found.argv[1:],
        env,
        () if clear else tuple(secrets),
        clear,
        str(env_file) if env_file is not None and host.reads_env_file else None,
    )


def _environment(items: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, given in env_values(items, "--env").items():
        value = os.environ.get(name) if given is None else given
        if value is None:
            raise UsageProblem(
                f"--env {name}: this variable is not set here. Set it, or write --env {name}=VALUE."
            )
        found[name] = value
    return found


def _clear(
    host: Host, secrets: dict[str, str | None], options: argparse.Namespace
) -> dict[str, str]:
    """The secret values that are to be written into the configuration."""
    if host.keeps:
        if options.allow_clear:
            raise UsageProblem(
                f"--allow-clear is for hosts without a place for secrets; {host.title} has one. "
                "Leave the option out."
            )
        return {}
    if not secrets:
        return {}
    names = " ".join(f"--secret {name}" for name in secrets)
    if not options.allow_clear:
        raise UsageProblem(
            f"{host.title} has no place for secrets in its configuration, only for clear text. "
            f"`inverted pack {shlex.quote(options.target)} {names}` makes a bundle; {host.title} "
            "asks for the secrets when it is opened and keeps them in the system's keychain. To "
            "write them in clear all the same: --secret NAME=VALUE --allow-clear."
        )
    missing = [name for name, value in secrets.items() if value is None]
    if missing:
        raise UsageProblem(f"--allow-clear needs the values to write: --secret {missing[0]}=VALUE.")
    return {name: value for name, value in secrets.items() if value is not None}


def _remember(path: Path, server: Server, installed: Installed, *, new: bool) -> bool:
    receipt = receipts.load(path)
    old = receipt.entry(server.name)
    receipt.servers = [each for each in receipt.servers if each is not old]
    receipt.servers.append(
        receipts.Entry(
            name=server.name,
            after=digest(installed.text),
            spans=list(installed.spans),
            inputs=sorted({*installed.inputs, *(old.inputs if old else ())}),
        )
    )
    receipt.created = sorted({*receipt.created, *installed.created})
    receipt.new = receipt.new or new
    return receipts.save(receipt)


def _print_diff(out: Screen, work: _Work, replaced: Replaced) -> None:
    before, after = replaced.before or "", replaced.after or ""
    read = work.host.format.read
    data = (read(before), read(after))
    out.print(diff(work.path, before, after, work.server.env, data), soft_wrap=True)
    out.print(Text("Nothing was written (--dry-run).", "dim"), soft_wrap=True)


def _print_done(out: Screen, work: _Work, replaced: Replaced, *, shared: bool) -> None:
    server, host = work.server, work.host
    did = "Replaced" if work.installed.replaced else "Installed"
    out.print(Text(f"{did} {server.name} in {host.title}."), soft_wrap=True)
    rows = [("file", short(work.path))]
    if replaced.backup is not None:
        rows.append(("backup", short(replaced.backup)))
    rows.append(("starts", shlex.join([server.command, *server.args])))
    for name, value in rows:
        out.print(Text.assemble((f"  {name:<7} ", "dim"), value), soft_wrap=True)
    if shared:
        out.print(
            Text("This file belongs to the project, and names paths of this machine.", "dim"),
            soft_wrap=True,
        )
    out.print(Text(host.next.format(name=server.name)), soft_wrap=True)


def _print_notes(out: Screen, work: _Work, options: argparse.Namespace) -> None:
    server, host = work.server, work.host
    for name in server.secrets:
        out.print(
            Text.assemble((f"  {name}: ", "bold"), f"{host.keeps.format(title=host.title)}."),
            soft_wrap=True,
        )
    given = [item.partition("=")[0] for item in options.secret if "=" in item]
    if given and server.secrets:
        what = "values were" if len(given) > 1 else "value was"
        out.print(Text(f"The {what} not written anywhere.", "dim"), soft_wrap=True)
    for name in server.clear:
        note = f"{name} stands in {short(work.path)} in clear (--allow-clear)."
        out.print(Text(note, "yellow"), soft_wrap=True)
    for name in server.env:
        if looks_secret(name) and not server.env[name].startswith(os.sep):
            hint = (
                f"--secret {name} keeps it out."
                if host.keeps
                else "`inverted pack` keeps secrets out."
            )
            out.print(
                Text(
                    f"{name} looks like a secret and stands in the file in clear. {hint}", "yellow"
                ),
                soft_wrap=True,
            )
