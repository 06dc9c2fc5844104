"""Linters that only read: ruff, and checks of this server's own. Each runs as a step."""

from inverted_code_review.linters.checks import run_checks
from inverted_code_review.linters.ruff import run_ruff

__all__ = ["run_checks", "run_ruff"]
