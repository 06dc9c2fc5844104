"""The known workflow patterns, as functions over the verbs of `Run`: docs/patterns.md."""

from inverted.patterns.asking import ask
from inverted.patterns.chaining import Chained, Step, chain
from inverted.patterns.fanning import Failed, Result, Succeeded, parallel
from inverted.patterns.routing import Route, classify, route

__all__ = [
    "Chained",
    "Failed",
    "Result",
    "Route",
    "Step",
    "Succeeded",
    "ask",
    "chain",
    "classify",
    "parallel",
    "route",
]
