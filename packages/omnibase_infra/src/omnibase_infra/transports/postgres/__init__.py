"""PostgreSQL through asyncpg, which is imported in this package and nowhere else; nothing here knows envelopes."""

from omnibase_infra.transports.postgres.client import Check, Isolation, Postgres
from omnibase_infra.transports.postgres.session import Result, Statement
from omnibase_infra.transports.postgres.sql_text import SqlText, read_sql

__all__ = ["Check", "Isolation", "Postgres", "Result", "SqlText", "Statement", "read_sql"]
