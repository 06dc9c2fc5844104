"""An agent server that reviews the changes between two revisions of a git repository."""
