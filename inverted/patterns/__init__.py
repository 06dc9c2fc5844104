"""The known workflow patterns, as functions over the verbs of `Run`: docs/patterns.md."""

from inverted.patterns.asking import ask
from inverted.patterns.chaining import Chained, Step, chain

__all__ = [
    "Chained",
    "Step",
    "ask",
    "chain",
]
