"""The scenarios for servers; the modules of `scenarios` fill it."""

from __future__ import annotations

from typing import Final

from inverted_conformance.scenario import Registry

SERVER: Final = Registry("server")
scenario = SERVER.scenario
