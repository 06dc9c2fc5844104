"""How fast and how small: every figure beside the same work done without the framework.

Both sides of a row are measured in one run, turn by turn. `scripts/bench` runs it; what the rows
mean is in docs/benchmarks.md.
"""
