"""The runtime: drives runs against a store, one leg at a time.

A leg is one drive of a run from delivered answers until it is parked or done. It knows clocks,
leases and retries, and no protocol: carriers bring questions to the client.
"""

from inverted.runtime.ladders import Ladders
from inverted.runtime.ports import Clock, Limits
from inverted.runtime.runtime import Runtime
from inverted.runtime.steps import Retry, current_step
from inverted.runtime.tasks import TaskSettings

__all__ = ["Clock", "Ladders", "Limits", "Retry", "Runtime", "TaskSettings", "current_step"]
