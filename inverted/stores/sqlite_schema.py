"""The SQLite schema and how a file gets from one version of it to the next.

A migration is never changed after its release; a new one goes to the end. Each runs in one
transaction, which also raises `PRAGMA user_version`.
"""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x696E7672
"""`PRAGMA application_id` of a store: "invr". It keeps the store out of other programs' files."""

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        """
        CREATE TABLE runs (
            number INTEGER PRIMARY KEY, -- a short name for the run inside this file
            id TEXT NOT NULL UNIQUE,
            agent TEXT NOT NULL,
            principal TEXT,
            key TEXT,
            status TEXT NOT NULL,
            created REAL NOT NULL,
            updated REAL NOT NULL,
            position INTEGER NOT NULL,
            segment_start INTEGER NOT NULL,
            size INTEGER NOT NULL,
            fence INTEGER NOT NULL,
            lease_owner TEXT,
            lease_until REAL,
            live INTEGER NOT NULL -- whether the status is not terminal
        )
        """,
        # To a unique index two NULLs differ; '=' keeps "no principal" and an empty one apart.
        """
        CREATE UNIQUE INDEX runs_by_key ON runs (agent, key, coalesce('=' || principal, ''))
        WHERE key IS NOT NULL
        """,
        "CREATE INDEX runs_by_age ON runs (created, id)",
        "CREATE INDEX runs_by_principal ON runs (principal, created, id)",
        # An index on the status would cost every append a page; this one costs only the last.
        "CREATE INDEX live_runs ON runs (principal) WHERE live",
        """
        CREATE TABLE entries (
            run INTEGER NOT NULL, -- runs.number
            position INTEGER NOT NULL,
            line BLOB NOT NULL,
            PRIMARY KEY (run, position)
        ) WITHOUT ROWID
        """,
    ),
    (
        "ALTER TABLE runs ADD COLUMN task TEXT",
        "ALTER TABLE runs ADD COLUMN expires REAL",
        "ALTER TABLE runs ADD COLUMN wake REAL",
        "ALTER TABLE runs ADD COLUMN message TEXT",
        "ALTER TABLE runs ADD COLUMN stop TEXT",
        "CREATE INDEX waking_runs ON runs (wake) WHERE wake IS NOT NULL",
        "CREATE INDEX expiring_runs ON runs (expires) WHERE expires IS NOT NULL",
        """
        CREATE TABLE inbox (
            number INTEGER PRIMARY KEY, -- the order of posting
            run INTEGER NOT NULL, -- runs.number
            id TEXT NOT NULL, -- of an effect, or empty for a cancellation
            answer BLOB NOT NULL,
            UNIQUE (run, id)
        )
        """,
    ),
)
"""Statements that lead from schema version N, the index here, to version N + 1."""
