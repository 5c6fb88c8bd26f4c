"""PostgreSQL through asyncpg, which is imported in this package and nowhere else; nothing here knows envelopes."""

from omnibase_infra.transports.postgres.client import Isolation, Postgres
from omnibase_infra.transports.postgres.inbox import Inbox, Request
from omnibase_infra.transports.postgres.session import Result, Statement
from omnibase_infra.transports.postgres.sql_text import SqlText, read_sql
from omnibase_infra.transports.postgres.transaction import Check

__all__ = ["Check", "Inbox", "Isolation", "Postgres", "Request", "Result", "SqlText", "Statement", "read_sql"]
