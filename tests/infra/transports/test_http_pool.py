"""The pool: never too many, none lost, first come first served, the last used first, closed in any state."""

import asyncio
import contextlib
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import httpcore
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_infra.transports.http.pool import ConnectionPool

from tests.fakes.http_lines import Course, Line, Network, turns

FAILURES = (httpcore.NetworkError, httpcore.TimeoutException)
_ENOUGH = 200
"""Turns of the loop, more than any of these requests needs."""


def pool_of(network: Network, size: int) -> ConnectionPool:
    """With the network's clock."""
    return ConnectionPool(network.connect, size, now=lambda: network.now)


async def answered(pool: ConnectionPool, course: Course = Course()) -> None:  # noqa: B008 - it is frozen
    """One request from its start to the end of its body."""
    response = await pool.send(course.request())
    try:
        if course.reads:
            await response.aread()
    finally:
        await response.aclose()


async def responses(pool: ConnectionPool, origins: str) -> list[httpx.Response]:
    """Responses with a connection each, since none is closed."""
    return [await pool.send(Course(origin).request()) for origin in origins]


async def idle(network: Network, pool: ConnectionPool, origins: str) -> list[Line]:
    """One idle connection for each of these origins, given back in this order."""
    before = len(network.open)
    for response in await responses(pool, origins):
        await response.aclose()
    return network.open[before:]


class Sent(NamedTuple):
    """A request among others: how many turns until the next one, and until it is given up."""

    course: Course
    then: int
    given_up_after: int | None
    server_closes_one: bool


_COURSES = st.builds(
    Course,
    origin=st.sampled_from("abc"),
    connects=st.integers(0, 4).map(bool),
    answers=st.sampled_from(("whole", "whole", "whole", "broken", "elsewhere")),
    reads=st.integers(0, 3).map(bool),
    turns=st.integers(0, 3),
)
_SENT = st.lists(
    st.builds(
        Sent, _COURSES, st.integers(0, 3), st.none() | st.integers(0, 12), st.sampled_from((False, False, True))
    ),
    max_size=12,
)


async def played(
    network: Network, pool: ConnectionPool, size: int, sent: Sequence[Sent], closing_at: int | None
) -> None:
    """Sends all of these, until each has come to its end; the pool is closed at one of its turns."""

    async def one(request: Sent) -> None:
        with contextlib.suppress(*FAILURES):
            await answered(pool, request.course)

    coming = list(itertools.accumulate((request.then for request in sent), initial=0))
    begun: list[asyncio.Task[None]] = []
    closing: list[asyncio.Task[None]] = []
    for turn in range(_ENOUGH):
        while len(begun) < len(sent) and coming[len(begun)] <= turn:
            request = sent[len(begun)]
            begun.append(asyncio.create_task(one(request)))
            for line in network.open[: int(request.server_closes_one)]:
                line.gone = True
        for task, start, request in zip(begun, coming, sent, strict=False):
            if request.given_up_after is not None and turn - start >= request.given_up_after:
                task.cancel()  # again and again: cleaning up is cancelled, too
        if turn == closing_at:
            closing.append(asyncio.create_task(pool.aclose()))
        network.now += 1
        await turns(1)
        assert len(network.open) + network.opening <= size
        assert pool.open_connections <= size
        assert pool.closed or len(network.open) <= pool.open_connections
        if len(begun) == len(sent) and all(task.done() for task in (*begun, *closing)):
            return
    raise AssertionError("a request waits for ever")


@settings(max_examples=150, deadline=None)
@given(size=st.integers(1, 3), sent=_SENT)
def test_however_requests_end_no_connection_is_too_many_and_none_is_lost(size: int, sent: list[Sent]) -> None:
    async def run() -> None:
        network = Network()
        pool = pool_of(network, size)
        await played(network, pool, size, sent, None)
        assert pool.open_connections == len(network.open)
        lent = await responses(pool, "d" * size)  # all that may be there: every slot was given back
        with pytest.raises(httpcore.PoolTimeout):
            await pool.send(Course("d").request(pool_timeout_s=0))
        for response in lent:
            await response.aclose()
        assert pool.open_connections == len(network.open) == size

    asyncio.run(run())


@settings(max_examples=100, deadline=None)
@given(size=st.integers(1, 3), sent=_SENT, closing_at=st.integers(0, 20))
def test_whenever_it_is_closed_nothing_is_left_open(size: int, sent: list[Sent], closing_at: int) -> None:
    async def run() -> None:
        network = Network()
        pool = pool_of(network, size)
        await played(network, pool, size, sent, closing_at)
        if not pool.closed:
            await pool.aclose()
        assert (network.open, pool.open_connections) == ([], 0)
        with pytest.raises(httpcore.ConnectError):
            await answered(pool)

    asyncio.run(run())


@pytest.mark.asyncio
async def test_who_waits_first_gets_a_connection_first() -> None:
    network = Network()
    pool = pool_of(network, 1)
    (held,) = await responses(pool, "a")
    served: list[str] = []

    async def noted(origin: str) -> None:
        await answered(pool, Course(origin))
        served.append(origin)

    waiting = [asyncio.create_task(noted(origin)) for origin in "bcad"]
    await turns(1)
    await held.aclose()
    await asyncio.gather(*waiting)
    assert served == list("bcad")


@pytest.mark.asyncio
async def test_the_last_used_connection_is_used_first() -> None:
    network = Network()
    pool = pool_of(network, 3)
    lines = await idle(network, pool, "aaa")
    await answered(pool)
    assert [line.served for line in lines] == [1, 1, 2]


@pytest.mark.asyncio
async def test_a_connection_that_its_server_has_closed_is_replaced() -> None:
    network = Network()
    pool = pool_of(network, 2)
    first, second = await idle(network, pool, "aa")
    second.gone = True
    await answered(pool)
    assert (first.served, network.open) == (2, [first])
    first.gone = True
    await answered(pool)
    assert [line.served for line in network.open] == [1]


@pytest.mark.asyncio
async def test_connections_that_were_not_used_for_five_seconds_are_closed_by_the_next_request() -> None:
    network = Network()
    pool = pool_of(network, 4)
    for origin in "ab":
        await idle(network, pool, origin)
        network.now += 3
    assert [line.origin for line in network.open] == ["a", "b"]
    await answered(pool, Course("c"))
    assert [line.origin for line in network.open] == ["b", "c"]


@pytest.mark.asyncio
async def test_the_longest_unused_connection_makes_room_for_another_origin() -> None:
    network = Network()
    pool = pool_of(network, 3)
    await idle(network, pool, "aba")
    await answered(pool, Course("c"))
    assert [line.origin for line in network.open] == ["b", "a", "c"]
    await answered(pool, Course("a"))
    assert [line.served for line in network.open] == [1, 2, 1]


@pytest.mark.asyncio
@pytest.mark.parametrize("reads", [False, True])
async def test_a_response_gives_its_connection_back_once(reads: bool) -> None:
    network = Network()
    pool = pool_of(network, 1)
    response = await pool.send(Course(turns=1).request())
    if reads:
        await response.aread()
    for _ in range(2):
        await response.stream.aclose()  # type: ignore[union-attr]  # the pool's are asynchronous
    assert len(network.open) == int(reads)
    await responses(pool, "a")
    with pytest.raises(httpcore.PoolTimeout):
        await pool.send(Course().request(pool_timeout_s=0))


@pytest.mark.asyncio
@pytest.mark.parametrize("after", range(6))
async def test_closing_ends_a_request_in_every_state_and_those_that_wait_for_it(after: int) -> None:
    network = Network()
    pool = pool_of(network, 1)
    course = Course(answers="never", turns=3)
    sending = [asyncio.create_task(answered(pool, course)) for _ in range(3)]
    await turns(after)
    await pool.aclose()
    for outcome in await asyncio.gather(*sending, return_exceptions=True):
        assert isinstance(outcome, httpcore.NetworkError)
    assert (network.open, pool.open_connections, network.opened) == ([], 0, min(after, 1))
