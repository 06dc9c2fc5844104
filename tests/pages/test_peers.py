"""Whose a connection of this machine is."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from inverted.pages import peers


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a connection is")
def test_the_kernel_tells_whose_a_connection_is(monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.getuid()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = listener.getsockname()
        with socket.create_connection(here) as client:
            ours, peer = listener.accept()
            with ours:
                monkeypatch.setattr(os, "getuid", lambda: me or 1000)
                assert peers.is_ours(peer, here)  # its owner is us, or root
                monkeypatch.setattr(os, "getuid", lambda: me + 4321)
                assert peers.is_ours(peer, here) is (me == 0)
                client.close()
                assert not peers.is_ours(peer, here)
                monkeypatch.setattr(peers, "TABLES", ())
                assert peers.is_ours(peer, here)
                monkeypatch.setattr(os, "getuid", lambda: 0)
                assert peers.is_ours(peer, here)


def test_a_table_of_connections_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
    rest = "00000000:00000000 00:00000000 00000000"
    old, new = tmp_path / "tcp", tmp_path / "tcp6"
    number = "0100007F" if sys.byteorder == "little" else "7F000001"
    mapped = f"0000000000000000FFFF0000{number}"
    old.write_text(
        f"{head}\n"
        f" 0: {number}:1F90 00000000:0000 0A {rest}  1000 0 1\n"
        f" 1: {number}:C350 {number}:1F90 01 {rest}  1001 0 2\n"
        f" 2: {number}:C352 {number}:1F90 06 {rest}  1000 0 2\n"
    )
    new.write_text(f"{head}\n 0: {mapped}:C351 {mapped}:1F90 01 {rest}  1000 0 3\n")
    monkeypatch.setattr(peers, "TABLES", (old, new, tmp_path / "missing"))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    here = ("127.0.0.1", 0x1F90)
    theirs, ours, closed, unheard = 0xC350, 0xC351, 0xC352, 0xC353
    answers = [peers.is_ours(("127.0.0.1", one), here) for one in (theirs, ours, closed, unheard)]
    assert answers == [False, True, False, False]
