"""Drives runs: one leg at a time, from delivered answers to parked or done."""
