"""An agent server that reviews the changes between two revisions of a git repository."""

from importlib.metadata import version

__version__ = version("inverted-code-review")
