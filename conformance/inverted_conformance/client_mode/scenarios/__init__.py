"""The scenarios for clients."""

from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios import sampling

__all__ = ["CLIENT", "sampling"]
