"""What a process of another program uses."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path


def megabytes(process: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{process}/status")
    if status.exists():  # Linux; a small image has no ps
        found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text("utf-8"))
        return int(found[1]) / 1024 if found else 0.0
    command = ["ps", "-o", "rss=", "-p", str(process)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return int(done.stdout.strip() or 0) / 1024


def processor_seconds(process: int) -> float:
    """Seconds of the processor that a process has used; 0 where nothing tells it finely enough."""
    stat = Path(f"/proc/{process}/stat")
    if not stat.exists():
        return 0.0
    # The name of the program, in parentheses, may hold anything.
    user, system = stat.read_text("utf-8").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
