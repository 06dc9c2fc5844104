"""Broken variants of the fixtures: each must be noticed by the scenario that it names."""
