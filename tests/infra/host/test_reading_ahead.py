"""Records are read before their turn, some at a time: in the order of the stream, and never many."""

from omnibase_core.enums import EnumSettlement
from omnibase_core.verdict import Admission
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.composer import Composer
from omnibase_infra.host.delivery import Courier, Desk
from omnibase_infra.host.flight import Flight, Stream
from omnibase_infra.telemetry.meter import Meter
from omnibase_spi.event_bus import Delivery, Source

from tests.fakes.runtimes import NOW, ImmediateRuntime, bus_binding, raw_request

SOURCE = Source("onex.cmd", 0, 1)
CLOCK = Clock(now=lambda: NOW, monotonic=lambda: 0.0)
FEW = 64
_BYTES = 128 * 1024


def courier() -> Courier:
    """One whose node has no answer that waits."""
    runtime = ImmediateRuntime(lambda _: {})
    meter = Meter(())
    composer = Composer(runtime.nodes, bus_binding(), group="orders-host", clock=CLOCK, meter=meter)
    return Courier(runtime, composer, Desk(_keep, _settle, _keep), limit=2**20, clock=CLOCK, meter=meter)


def _keep(flight: Flight) -> None:
    """Takes what is posted or withdrawn."""


def _settle(flight: Flight, settlement: EnumSettlement) -> None:
    """Takes a settlement."""


def stream_of(count: int, *, blanks: int = 0) -> tuple[Stream, list[Flight]]:
    """A stream of requests that each have so many blanks behind them."""
    stream = Stream(SOURCE)
    values = (raw_request(number) + b" " * blanks for number in range(1, count + 1))
    return stream, [
        stream.take_off(Delivery(SOURCE, position, value, b"key", (), 0), 0.0)
        for position, value in enumerate(values)
    ]


def read(flights: list[Flight]) -> list[int]:
    """The places of those that were read."""
    return [place for place, flight in enumerate(flights) if flight.cargo is not None]


def test_some_that_follow_in_the_stream_are_read_too_and_not_all() -> None:
    _, flights = stream_of(500)
    courier().admit(flights[0])
    ahead = read(flights)
    assert ahead == list(range(len(ahead)))
    assert FEW / 2 < len(ahead) <= FEW + 1
    assert all(isinstance(flight.cargo, Admission) for flight in flights[: len(ahead)])


def test_those_before_it_come_first() -> None:
    _, flights = stream_of(500)
    courier().admit(flights[100])
    assert read(flights)[-1] == 100
    assert read(flights)[0] == 0


def test_no_more_are_read_until_some_had_their_turn() -> None:
    desk = courier()
    _, flights = stream_of(500)
    desk.admit(flights[0])
    ahead = len(read(flights))
    desk.admit(flights[200])
    assert read(flights) == [*range(ahead), 200]
    for flight in flights[:ahead]:
        running = desk.carry(flight)
        assert running is not None
        running.close()
    desk.admit(flights[300])
    assert read(flights) == [*range(2 * ahead - 1), 200, 300]


def test_of_large_ones_fewer_are_read() -> None:
    _, flights = stream_of(20, blanks=_BYTES // 4)
    courier().admit(flights[0])
    assert len(read(flights)) <= 5


def test_one_that_is_over_is_left_out_and_gives_back_what_it_took() -> None:
    desk = courier()
    stream, flights = stream_of(200)
    stream.land(flights[1])
    desk.admit(flights[0])
    ahead = read(flights)
    assert 1 not in ahead
    for place in ahead:
        if place:
            stream.land(flights[place])
        running = desk.carry(flights[place])
        assert (running is None) is (place > 0)
        if running is not None:
            running.close()
    desk.admit(flights[-1])
    assert len(read(flights)) >= 2 * len(ahead) - 1


def test_a_stream_that_was_read_to_its_end_goes_on_with_what_comes_later() -> None:
    desk = courier()
    stream, flights = stream_of(3)
    desk.admit(flights[0])
    assert read(flights) == [0, 1, 2]
    later = [stream.take_off(Delivery(SOURCE, 3 + more, raw_request(9), b"key", (), 0), 0.0) for more in range(2)]
    desk.admit(later[1])
    assert read(later) == [0, 1]
