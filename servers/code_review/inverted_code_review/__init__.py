"""An agent server that reviews the changes between two revisions of a git repository."""

__version__ = "0.1.0"
