"""An agent server that tells what the client can do that called it."""

from importlib.metadata import version

__version__ = version("inverted-doctor")
