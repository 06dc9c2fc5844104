"""Towers of Hanoi by votes, under kills: the task of MAKER (arXiv 2511.09030) as an agent.

`scripts/hanoi` runs it. The model errs at a set rate; the run must not.
"""
