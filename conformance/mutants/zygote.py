"""Fixtures that start at once: one process has imported everything, and forks.

A fixture takes most of a second to import what it needs, and there are hundreds of mutants. So a
`Zygote` imports it once; `quick.py`, the command that the suite starts, hands its pipes to it and
waits. If that is killed, the fork ends too, as the process would have.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Final

from mutants import serve

QUICK: Final = Path(__file__).with_name("quick.py")
KILLED: Final = 137
STARTING: Final = 60


@contextmanager
def zygote() -> Generator[tuple[str, ...]]:
    """A process that forks fixtures, as long as this lasts.

    Yields:
        The command line to which a fixture's role, its name and its arguments are added; none where
        processes cannot be forked.
    """
    if not hasattr(os, "fork"):
        yield ()
        return
    with tempfile.TemporaryDirectory(prefix="zygote-") as folder:
        address = str(Path(folder) / "socket")
        # What measures coverage slows every fork down, and has nothing to measure in them.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        environment = {**kept, "PYTHONPATH": str(Path(__file__).parents[1])}
        with subprocess.Popen(
            [sys.executable, "-m", "mutants.zygote", address],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            try:
                assert process.stdout is not None  # noqa: S101 - it is piped
                if not process.stdout.readline():
                    raise RuntimeError("The process that forks fixtures ended; see what it wrote.")
                yield (sys.executable, "-S", "-E", str(QUICK), address)
            finally:
                process.kill()


def main() -> None:
    """Import everything, and fork whenever somebody asks."""
    serve.load()
    for module in serve.ENTRY.values():
        import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(sys.argv[1])
        listening.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                os._exit(_become(connection))
            connection.close()


def _become(connection: socket.socket) -> int:
    """Be the fixture that somebody asked for."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    payload, pipes, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    asked = json.loads(payload)
    for number, pipe in enumerate(pipes):
        os.dup2(pipe, number)
        os.close(pipe)
    os.environ.clear()
    os.environ.update(asked["environment"])
    threading.Thread(target=_die_with, args=[connection], daemon=True).start()
    code = 1
    try:
        code = serve.run(asked["role"], asked["name"], asked["arguments"])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - the interpreter would print it; this is no interpreter
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    connection.send(str(code).encode())
    return code


def _die_with(connection: socket.socket) -> None:
    """End when the command that was started ends."""
    try:
        connection.recv(1)
    finally:
        os._exit(KILLED)


if __name__ == "__main__":
    main()
