"""`inverted uninstall HOST NAME`: takes out of a host's configuration what was put in.

When nothing else changed since, the file gets back the bytes that it had. Called by `main`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from inverted.cli.errors import CliError
from inverted.cli.installing import receipts
from inverted.cli.installing.change import digest, restore, uninstall
from inverted.cli.installing.edits import Malformed, Unsafe
from inverted.cli.installing.files import update
from inverted.cli.installing.hosts import HOSTS, Host
from inverted.cli.installing.options import read_uninstall
from inverted.cli.installing.places import configuration, unreadable
from inverted.cli.installing.report import diff, short
from inverted.cli.screen import open_console


def command(argv: Sequence[str]) -> int:
    """Serve `inverted uninstall`.

    Args:
        argv: What stands after `uninstall`.

    Returns:
        0.

    Raises:
        CliError: The configuration cannot be changed, or there is no such server.
    """
    options = read_uninstall(argv)
    host = HOSTS[options.host]
    path = configuration(host, options)
    receipt = receipts.load(path)
    work = _Work(host, options.name, path, receipt, force=options.force)
    replaced = update(path, work, write=not options.dry_run)
    out = open_console(stderr=False)
    if options.dry_run:
        before, after = replaced.before or "", replaced.after or ""
        data = (host.format.read(before), host.format.read(after))
        out.print(diff(path, before, after, (), data), soft_wrap=True)
        out.print(Text("Nothing was written (--dry-run).", "dim"), soft_wrap=True)
        return 0
    receipt.servers = [each for each in receipt.servers if each.name != options.name]
    receipts.save(receipt)
    out.print(Text(f"Removed {options.name} from {host.title}."), soft_wrap=True)
    rows = [("file", short(path) if replaced.after is not None else f"{short(path)} (removed)")]
    if replaced.backup is not None:
        rows.append(("backup", short(replaced.backup)))
    for name, value in rows:
        out.print(Text.assemble((f"  {name:<7} ", "dim"), value), soft_wrap=True)
    return 0


@dataclass(frozen=True)
class _Work:
    """Makes the new text; `update` calls it again when somebody else wrote meanwhile."""

    host: Host
    name: str
    path: Path
    receipt: receipts.Receipt
    force: bool

    def __call__(self, text: str | None) -> str | None:
        try:
            return self._without(text or "")
        except (Malformed, Unsafe) as problem:
            raise unreadable(self.path, problem) from None

    def _without(self, text: str) -> str | None:
        after = self._cut(text)
        if after is None:
            raise CliError(
                f"{self.host.title} has no server called {self.name} in {short(self.path)}. "
                "Nothing was changed."
            )
        if self.receipt.entry(self.name) is None and not self.force:
            raise CliError(
                f"{self.name} in {short(self.path)} was not put there by `inverted install`. "
                "Nothing was changed. --force removes it all the same."
            )
        return None if self.receipt.new and after.strip() in ("", "{}") else after

    def _cut(self, text: str) -> str | None:
        entry = self.receipt.entry(self.name)
        if entry is not None and entry.spans and entry.after == digest(text):
            return restore(text, entry.spans)
        others = {id for each in self.receipt.servers if each is not entry for id in each.inputs}
        return uninstall(
            self.host,
            text,
            self.name,
            inputs=[id for id in (entry.inputs if entry else ()) if id not in others],
            created=self.receipt.created,
        )
