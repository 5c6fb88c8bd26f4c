"""The start's look at a cluster, where no broker produces the case on demand."""

import socket

import pytest
from aiokafka.errors import IncompatibleBrokerVersion
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.errors import EventBusError
from omnibase_infra.event_bus.kafka.cluster import Cluster, ClusterState, TopicState
from omnibase_infra.event_bus.kafka.connection import security_arguments
from omnibase_infra.event_bus.kafka.faults import in_words
from omnibase_infra.event_bus.kafka.preflight import check_leaders

OPTIONS = ModelKafkaOptions(bootstrap_servers="kafka:9092", consumer_group="g", connect_timeout_ms=500)


def state(brokers: dict[int, tuple[str, int]], leaders: dict[int, int]) -> ClusterState:
    """A cluster with one topic."""
    return ClusterState(brokers, {"in": TopicState("in", False, leaders, 1, None)})


@pytest.mark.asyncio
async def test_brokers_that_advertise_an_address_that_cannot_be_reached_are_named() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        with pytest.raises(EventBusError) as raised:
            await check_leaders(state({1: ("127.0.0.1", port)}, {0: 1}), OPTIONS, security_arguments(OPTIONS))
    assert raised.value.message == (
        f"The cluster answers at kafka:9092, but its brokers advertise addresses that cannot be reached from here "
        f"(127.0.0.1:{port}: connection refused); correct advertised.listeners of the brokers, or the network"
    )


@pytest.mark.asyncio
async def test_partitions_without_a_leader_do_not_stop_the_start() -> None:
    await check_leaders(state({1: ("127.0.0.1", 1)}, {0: -1}), OPTIONS, security_arguments(OPTIONS))


class OldConnection:
    """A broker before Kafka 2.3: the library finds no version of the request that both know."""

    async def send(self, request: object) -> object:
        """Finds none."""
        raise NotImplementedError("Support for _MetadataRequest v7 has not yet been added")


@pytest.mark.asyncio
async def test_a_broker_that_is_too_old_is_said_to_be_so() -> None:
    cluster = Cluster(OldConnection())  # type: ignore[arg-type]  # it has what a cluster uses
    with pytest.raises(IncompatibleBrokerVersion) as raised:
        await cluster.state(["in"])
    assert in_words(raised.value) == "the broker is too old: it must be Kafka 2.3 or newer"
