"""The PostgreSQL that stands in where a contract wants a database and none is configured. For `dev` only."""

import tempfile
from pathlib import Path

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelDbConfig
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_core.secret import ModelSecretRef

from omnibase_infra.cli.hosting import with_dsn
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.embedded import EmbeddedPostgres
from omnibase_infra.wiring import needed_sql


class StandInDatabase:
    """An embedded PostgreSQL, started when it is first wanted, and then there until `close`.

    sql: what it begins with. Starting blocks for about a second, once.
    """

    def __init__(self, sql: Path | None) -> None:
        self._sql = sql
        self._server = EmbeddedPostgres()
        self._prepared: set[str] = set()

    async def behind(
        self, loaded: LoadedContract, resolver: SecretResolver
    ) -> tuple[LoadedContract, tuple[str, ...]]:
        """The contract with this server behind each db handler without a database, and the names of these.

        Raises ProtocolConfigurationError where the server, or the SQL that it begins with, fails.
        """
        async with resolver:
            lacking = [each for each in loaded.require().handlers if each.enabled and await _lacks(each, resolver)]
        if not lacking:
            return loaded, ()
        if not self._server.running:
            self._start()
        for each in lacking:
            self._prepare(each)
        names = tuple(each.name for each in lacking)
        return with_dsn(loaded, self._server.dsn, names), names

    def close(self) -> None:
        """Stops it; its data is gone."""
        self._server.close()

    def _start(self) -> None:
        self._server.start()
        if self._sql is None:
            return
        try:
            self._server.run_sql(self._sql)
        except ProtocolConfigurationError:
            self._server.close()
            raise

    def _prepare(self, binding: ModelHandlerBinding) -> None:
        """Creates the tables that the handler itself needs, once."""
        sql = needed_sql(binding)
        if sql is None or sql in self._prepared:
            return
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(sql)
            file.flush()
            self._server.run_sql(Path(file.name))
        self._prepared.add(sql)


async def _lacks(binding: ModelHandlerBinding, resolver: SecretResolver) -> bool:
    """Whether it is a db handler whose dsn is not written, or is a secret that is nowhere to be found."""
    config = binding.config
    if not isinstance(config, ModelDbConfig):
        return False
    if not isinstance(config.dsn, ModelSecretRef):
        return config.dsn is None
    _, missing = await resolver.search([config.dsn])
    return bool(missing)
