"""The sans-IO core: effects, the machine that steps an agent's body, and its journal.

Nothing here knows an event loop, a clock, randomness, a database or the protocol.
"""
