"""The known workflow patterns, as functions over the verbs of `Run`: docs/patterns.md.

The prompts that stand in this package are in the journals of runs that use it, and a replay
compares them: changing one breaks the runs that are parked behind it.
"""

from inverted.patterns.asking import ask
from inverted.patterns.chaining import Chained, Step, chain
from inverted.patterns.evaluating import Draft, Optimised, Verdict, evaluator_optimizer
from inverted.patterns.fanning import Failed, Result, Succeeded, parallel
from inverted.patterns.handing import HandedOff, Specialist, handoff
from inverted.patterns.notes import Note, Notes
from inverted.patterns.orchestrating import Piece, orchestrator_workers
from inverted.patterns.planning import Executed, Plan, PlannedStep, plan_and_execute
from inverted.patterns.reducing import map_reduce
from inverted.patterns.routing import Route, classify, route
from inverted.patterns.voting import Elected, longer_than, same_text, vote

__all__ = [
    "Chained",
    "Draft",
    "Elected",
    "Executed",
    "Failed",
    "HandedOff",
    "Note",
    "Notes",
    "Optimised",
    "Piece",
    "Plan",
    "PlannedStep",
    "Result",
    "Route",
    "Specialist",
    "Step",
    "Succeeded",
    "Verdict",
    "ask",
    "chain",
    "classify",
    "evaluator_optimizer",
    "handoff",
    "longer_than",
    "map_reduce",
    "orchestrator_workers",
    "parallel",
    "plan_and_execute",
    "route",
    "same_text",
    "vote",
]
