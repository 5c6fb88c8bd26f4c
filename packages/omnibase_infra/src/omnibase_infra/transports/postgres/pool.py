"""The connections of one database: opened when needed, lent one at a time, the last used first.

asyncpg's own pool pays a round trip and a task for every release, since it cannot know what a statement left
behind; here the caller says so, and a connection that nothing was left in goes back at once.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from math import inf
from typing import Final

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from omnibase_core.errors import PoolExhaustedError, ProtocolConfigurationError

from omnibase_infra.telemetry import events
from omnibase_infra.transports.postgres.address import PostgresAddress, encrypting
from omnibase_infra.transports.postgres.errors import FAILURES, typed_error
from omnibase_infra.transports.postgres.session import Session
from omnibase_infra.transports.slots import Slots

_SETTLE_S: Final = 1.0
_IDLE_S: Final = 300.0

_logger = logging.getLogger("onex.transports.postgres")


class SessionPool:
    """At most `size` sessions.

    acquire_s, connect_s: how long a caller waits for one at the most, and for a new one to be opened.
    own: whether a session is ours alone; behind a pooler in transaction mode it is not.
    settings: of the server, told when a connection starts.
    """

    def __init__(
        self,
        address: PostgresAddress,
        *,
        size: int,
        acquire_s: float,
        connect_s: float,
        cache_size: int,
        settings: Mapping[str, str],
        own: bool,
    ) -> None:
        self._address = address
        self._tls = address.tls
        self._cache_size = cache_size
        self._settings = {"application_name": "onex-host", **address.settings, **settings}
        self._own = own
        self._size = size
        self._acquire_s = acquire_s
        self._connect_s = connect_s
        self._slots = Slots(size)
        self._idle: deque[tuple[float, Session]] = deque()
        self._lent: set[Session] = set()
        self._waiting = 0
        self._closed = False
        self._watch: asyncio.TimerHandle | None = None

    async def probe(self) -> None:
        """Opens one connection, and learns whether the server speaks TLS where the DSN leaves it open."""
        session = await self._connect(self._connect_s)
        if self._tls == "prefer":
            self._tls = encrypting() if session.encrypted else False
        self._idle.append((time.monotonic(), session))

    def take(self) -> Session | None:
        """Lends an idle session where one is to be had without waiting."""
        if self._closed or not self._slots.take():
            return None
        session = self._reusable()
        if session is None:
            self._slots.release()
        else:
            self._lent.add(session)
        return session

    async def acquire(self, deadline: float, *, fresh: bool = False) -> Session:
        """Lends a session until `deadline` (monotonic seconds).

        `fresh` closes the idle ones first, since one of them turned out dead. Raises PoolExhaustedError when
        none becomes free in time, HandlerConnectionError and HandlerAuthenticationError when none can be opened.
        """
        if not self._slots.take():
            await self._wait(min(self._acquire_s, deadline - time.monotonic()))
        try:
            if self._closed:
                raise ProtocolConfigurationError("The database was closed")
            session = self._reusable(fresh=fresh)
            if session is None:
                session = await self._connect(max(0.001, min(deadline - time.monotonic(), self._connect_s)))
        except BaseException:
            self._slots.release()
            raise
        self._lent.add(session)
        return session

    def watch(self, session: Session, deadline: float) -> None:
        """Cuts off what the current task does with the session, once `deadline` has passed.

        One timer watches all sessions, and is moved only when it fires: a timer for each statement costs as
        much as checking its payload.
        """
        session.lend(deadline)
        if self._watch is None or deadline < self._watch.when():
            self._watch_until(deadline)

    def release(self, session: Session) -> None:
        """Takes back a session in which nothing was left."""
        self._lent.discard(session)
        now = time.monotonic()
        if self._closed:
            session.terminate()
        elif not session.is_closed():
            self._idle.append((now, session))
            if now - self._idle[0][0] > _IDLE_S:
                self._idle.popleft()[1].terminate()
        self._slots.release()

    async def settle(self, session: Session, *, unsure: bool = False) -> None:
        """Takes back a session in whatever state: rolls back and resets it within a second, or closes it.

        `unsure`: the answer to its last statement, which may have opened a transaction, did not come.
        """
        session.deadline = inf
        try:
            if not session.is_closed():
                async with asyncio.timeout(_SETTLE_S):
                    await session.restore(own=self._own, unsure=unsure)
        except FAILURES:
            session.terminate()
        except BaseException:
            session.terminate()
            raise
        finally:
            self.release(session)

    async def close(self, budget_s: float) -> None:
        """Waits for the sessions that are lent, closes all; what is not back within the budget is cut off."""
        self._closed = True
        try:
            async with asyncio.timeout(budget_s):
                for _ in range(self._size):
                    await self._slots.wait()
                for _, session in self._idle:
                    await session.close()
        except FAILURES as error:
            _logger.warning(
                "Database connections were cut off: %s",
                "the time to close them is over" if isinstance(error, TimeoutError) else "closing them failed",
                extra={"event": events.HANDLER_CONNECTIONS_CUT_OFF},
            )
        finally:
            for session in (*self._lent, *(idle for _, idle in self._idle)):
                session.terminate()
            self._idle.clear()
            if self._watch is not None:
                self._watch.cancel()

    def figures(self) -> dict[str, int]:
        """Counts of connections and of callers that wait for one."""
        idle = sum(not session.is_closed() for _, session in self._idle)
        return {"pool_size": self._size, "in_use": len(self._lent), "idle": idle, "waiting": self._waiting}

    def _watch_until(self, deadline: float) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = asyncio.get_running_loop().call_at(deadline, self._look)

    def _look(self) -> None:
        self._watch = None
        now = time.monotonic()
        for session in self._lent:
            if session.deadline <= now:
                session.expire()
        following = min((session.deadline for session in self._lent), default=inf)
        if following < inf:
            self._watch_until(following)

    async def _wait(self, wait_s: float) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(wait_s):
                await self._slots.wait()
        except TimeoutError:
            raise PoolExhaustedError(
                f"No database connection became free within {max(wait_s, 0):.3g} s; nothing was done. "
                f"All {self._size} are in use: raise pool_size, or shorten the statements",
                details={"pool_size": self._size},
            ) from None
        finally:
            self._waiting -= 1

    def _reusable(self, *, fresh: bool = False) -> Session | None:
        while self._idle:
            _, session = self._idle.pop()
            if fresh:
                session.terminate()
            elif not session.is_closed():
                return session
        return None

    async def _connect(self, timeout_s: float) -> Session:
        address = self._address
        try:
            async with asyncio.timeout(timeout_s):
                session = await asyncpg.connect(
                    host=list(address.hosts),
                    port=list(address.ports),
                    user=address.user,
                    password=address.password.reveal(),
                    database=address.database,
                    ssl=self._tls,
                    direct_tls=False,  # these four are said lest the driver asks the environment for them
                    target_session_attrs=SessionAttribute.any,
                    krbsrvname="postgres",
                    gsslib="gssapi",
                    timeout=timeout_s,
                    statement_cache_size=self._cache_size,
                    server_settings=self._settings,
                    connection_class=Session,
                )
                await session.equip()
        except FAILURES as error:
            raise typed_error(error, connecting=True) from None
        return session
