"""Where the scenarios for clients are kept; `scenarios` fills it."""

from __future__ import annotations

from typing import Final

from inverted_conformance.scenario import Registry

CLIENT: Final = Registry("client")
