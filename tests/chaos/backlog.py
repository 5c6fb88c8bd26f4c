"""Requests in a topic, the answers to them, and the verdict: read with another client than the host's."""

import itertools
import json
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, Self, TypeVar
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

_NAMES: Final = itertools.count(1)
_LIMIT_S: Final = 30.0
_BATCH: Final = 2_000
_GLANCE_S: Final = 0.02
_LOOK_S: Final = 0.3
_UNLED: Final = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)
_T = TypeVar("_T")


def fresh_name() -> str:
    """The name of no other test's group and topics."""
    return f"chaos-{next(_NAMES)}-{uuid4().hex[:8]}"


class Request(NamedTuple):
    """One request of a backlog; sequence: rises over the whole backlog. node: that it is for."""

    envelope_id: UUID
    key: str
    sequence: int
    work_ms: int
    node: str = "worker"

    @property
    def response_id(self) -> UUID:
        """The id of its response, however often that is sent."""
        return uuid5(self.envelope_id, "onex.response")

    def value(self) -> bytes:
        """The envelope."""
        body = {"key": self.key, "sequence": self.sequence, "work_ms": self.work_ms}
        envelope = {
            "envelope_id": str(self.envelope_id),
            "target_node": self.node,
            "payload": {"url": "/work", "body": body},
            "timestamp": datetime.now(UTC).isoformat(),
        }
        return json.dumps(envelope).encode()


def requests(count: int, keys: int, *, slowest_ms: int = 8, first: int = 0) -> Sequence[Request]:
    """So many requests, whose keys take turns."""
    chance = random.Random(count)  # noqa: S311 - the same backlog in every run
    return [
        Request(uuid5(NAMESPACE_OID, f"{number}"), f"key-{number % keys}", number, chance.randint(0, slowest_ms))
        for number in range(first, first + count)
    ]


class Topics:
    """Three topics and a group of one test, with names of their own. servers: where they are."""

    def __init__(self, servers: str, partitions: int, name: str) -> None:
        self.bootstrap_servers = servers
        self.partitions = partitions
        self.group = name
        self.input = f"onex.{name}.work.cmd.v1"
        self.output = f"onex.{name}.work.evt.v1"
        self.dead_letter = f"onex.{name}.work.error.v1"
        self._client: dict[str, str | int | float | bool] = {"bootstrap.servers": servers, "log_level": 0}
        self._producer: Producer | None = None

    @classmethod
    def made(cls, servers: str, partitions: int, replicas: int = 1) -> Self:
        """Fresh topics."""
        topics = cls(servers, partitions, fresh_name())
        fresh = [NewTopic(name, partitions, replicas) for name in topics.names]
        admin = topics._admin()  # which has to live until it has its answers
        for created in admin.create_topics(fresh).values():
            created.result(_LIMIT_S)
        return topics

    @property
    def names(self) -> Sequence[str]:
        """Of the three."""
        return (self.input, self.output, self.dead_letter)

    def publish(self, backlog: Sequence[Request]) -> None:
        """Appends the requests; returns when all are safe."""
        if self._producer is None:
            self._producer = Producer(self._client | {"linger.ms": 5, "enable.idempotence": True})
        for request in backlog:
            self._producer.produce(self.input, request.value(), request.key)
        assert self._producer.flush(_LIMIT_S) == 0

    def leader(self, partition: int) -> int:
        """The broker that leads this partition of the input topic, as the cluster sees it now."""
        listed = self._admin().list_topics(self.input, timeout=_LIMIT_S)
        return listed.topics[self.input].partitions[partition].leader

    def _admin(self) -> AdminClient:
        return AdminClient(self._client)

    def uncommitted(self) -> int:
        """How many records of the input topic the group has not committed yet."""
        watching = Consumer(self._client | {"group.id": self.group})
        partitions = [TopicPartition(self.input, number) for number in range(self.partitions)]
        try:
            ends = _patiently(
                lambda: [watching.get_watermark_offsets(each, timeout=_LIMIT_S)[1] for each in partitions]
            )
            entries = _patiently(lambda: watching.committed(partitions, timeout=_LIMIT_S))
        finally:
            watching.close()
        return sum(ends) - sum(max(entry.offset, 0) for entry in entries)


def _patiently(ask: Callable[[], _T]) -> _T:
    """What the broker answers; one that has just come back may not lead its partitions and groups yet."""
    deadline = time.monotonic() + _LIMIT_S
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in _UNLED or time.monotonic() > deadline:
                raise
            time.sleep(_GLANCE_S)


class Answer(NamedTuple):
    """One record of the output topic. at_s: when the host handed it to its client."""

    envelope_id: UUID
    causation_id: UUID
    success: bool
    key: str
    payload: object
    at_s: float


class Verdict(NamedTuple):
    """What became of a backlog. wrong: answers to nothing, or that are not what the request asks for."""

    requests: int
    lost: int
    wrong: int
    disordered: int
    duplicates: int

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.wrong or self.disordered)


class Answers:
    """The output topic, read from its beginning."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._consumer = Consumer(
            {
                "bootstrap.servers": topics.bootstrap_servers,
                "log_level": 0,
                "group.id": f"{topics.group}-verifier",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 50,
            }
        )
        self._consumer.assign(
            [TopicPartition(topics.output, number, OFFSET_BEGINNING) for number in range(topics.partitions)]
        )
        self.read: list[Answer] = []
        self._distinct: set[UUID] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    @property
    def distinct(self) -> int:
        """How many requests have an answer."""
        return len(self._distinct)

    def take(self, wait_s: float) -> bool:
        """Reads what there is; whether there was anything."""
        records = self._consumer.consume(_BATCH, wait_s)
        for record in records:
            if record.error() is not None:  # of a fetch, which is repeated
                continue
            value, key = record.value(), record.key()
            assert isinstance(value, bytes)
            assert isinstance(key, bytes)
            answer = _read(value, key, record.timestamp()[1] / 1000)
            self.read.append(answer)
            self._distinct.add(answer.causation_id)
        return bool(records)

    def until_mark(self, count: int, alive: Callable[[], None], limit_s: float = 60.0) -> bool:
        """Reads until so many requests have an answer; False where the group has committed all before.

        alive: raises where nobody is there to answer.
        """
        deadline = time.monotonic() + limit_s
        while self.distinct < count:
            if not self.take(_GLANCE_S):
                alive()
                if not self.take(_LOOK_S) and self._topics.uncommitted() == 0 and not self.take(_LOOK_S):
                    return self.distinct >= count
            assert time.monotonic() < deadline, f"{self.distinct} of {count} are answered after {limit_s:.0f} s"
        return True

    def until_committed(self, alive: Callable[[], None], limit_s: float = 60.0) -> None:
        """Reads until the group has committed all of its input, and then the rest of the answers."""
        deadline = time.monotonic() + limit_s
        while (left := self._topics.uncommitted()) > 0:
            self.take(_LOOK_S)
            alive()
            assert time.monotonic() < deadline, f"{left} records are not committed after {limit_s:.0f} s"
        quiet = 0
        while quiet < 3:
            quiet = 0 if self.take(_LOOK_S) else quiet + 1

    @property
    def longest_silence_s(self) -> float:
        """The longest time between two answers, the first and the last being the ends."""
        times = sorted(answer.at_s for answer in self.read)
        return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)

    def verdict(self, backlog: Sequence[Request]) -> Verdict:
        """What the answers so far say."""
        asked = {request.envelope_id: request for request in backlog}
        latest: dict[str, int] = {}
        seen: set[UUID] = set()
        wrong = disordered = 0
        for answer in self.read:
            request = asked.get(answer.causation_id)
            if request is None or not _answers(answer, request):
                wrong += 1
                continue
            if request.envelope_id in seen:
                continue
            seen.add(request.envelope_id)
            if request.sequence < latest.get(request.key, -1):
                disordered += 1
                print(f"{request.key}: {request.sequence} is answered after {latest[request.key]}")
            latest[request.key] = max(request.sequence, latest.get(request.key, -1))
        return Verdict(len(asked), len(asked) - len(seen), wrong, disordered, len(self.read) - wrong - len(seen))


def _read(value: bytes, key: bytes, at_s: float) -> Answer:
    envelope = json.loads(value)
    return Answer(
        UUID(envelope["envelope_id"]),
        UUID(envelope["causation_id"]),
        envelope["success"],
        key.decode(),
        envelope["payload"],
        at_s,
    )


def _answers(answer: Answer, request: Request) -> bool:
    return answer == Answer(
        request.response_id,
        request.envelope_id,
        True,
        request.key,
        {"key": request.key, "sequence": request.sequence},
        answer.at_s,
    )
