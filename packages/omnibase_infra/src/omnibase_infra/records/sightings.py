"""Records of the three topics as what they are: requests, responses, dead letters, or neither."""

from typing import Literal, NamedTuple

from omnibase_core.contracts.bindings import ModelTopics
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_spi.topic_log import Record

from omnibase_infra.records.dead_letter import DeadLetter, dead_letter_of, envelope_of

Place = Literal["request", "response", "dead_letter", "no_envelope"]


class Sighting(NamedTuple):
    """One record, read. letter: what its headers tell, where it lies in the dead-letter topic."""

    record: Record
    envelope: ModelOnexEnvelope | None
    letter: DeadLetter | None = None

    @property
    def place(self) -> Place:
        """What it is: a dead letter, wherever it came from, else what the envelope says."""
        if self.letter is not None:
            return "dead_letter"
        if self.envelope is None:
            return "no_envelope"
        return "response" if self.envelope.is_response else "request"

    @property
    def correlation_id(self) -> str | None:
        """As the envelope has it; of a dead letter that is no envelope, as its header says."""
        if self.envelope is None:
            return None if self.letter is None else self.letter.correlation_id
        return None if self.envelope.correlation_id is None else str(self.envelope.correlation_id)


class Reading(NamedTuple):
    """How records are read. limit: bytes over which a value is not decoded."""

    topics: ModelTopics
    limit: int

    def sighting(self, record: Record) -> Sighting:
        """The record as what it is."""
        if record.partition.topic == self.topics.dead_letter:
            letter = dead_letter_of(record, limit=self.limit)
            return Sighting(record, letter.envelope, letter)
        return Sighting(record, envelope_of(record, self.limit))
