"""What Kafka's errors mean to us, in words: no class name of the library leaves this room (I9)."""

import ssl
from typing import Final

from aiokafka import errors as kafka

_WORDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (kafka.TopicAuthorizationFailedError, "access to the topic is refused"),
    (kafka.GroupAuthorizationFailedError, "access to the consumer group is refused: it needs READ on the group"),
    (
        kafka.ClusterAuthorizationFailedError,
        "the cluster refuses it: a user needs IDEMPOTENT_WRITE, or WRITE on a topic",
    ),
    (kafka.SaslAuthenticationFailed, "authentication failed: wrong user, password or token"),
    (kafka.AuthenticationFailedError, "authentication failed: wrong user, password or token"),
    (kafka.UnsupportedSaslMechanismError, "the broker does not offer this SASL mechanism"),
    (kafka.IllegalSaslStateError, "the listener expects no SASL, or another security protocol"),
    (kafka.InvalidSessionTimeoutError, "the broker does not allow this session_timeout_ms"),
    (kafka.InvalidGroupIdError, "the broker does not allow this consumer_group"),
    (kafka.InconsistentGroupProtocolError, "other members of the consumer group assign partitions in another way"),
    (kafka.NoOffsetForPartitionError, "the group has no committed offset, and offset_reset is none"),
    (kafka.OffsetOutOfRangeError, "the committed offset is no longer in the topic, and offset_reset is none"),
    (kafka.UnsupportedCodecError, "records are compressed with a codec that is not installed"),
    (kafka.CorruptRecordException, "a record is damaged: its checksum is wrong"),
    (kafka.MessageSizeTooLargeError, "the broker does not take a message of this size"),
    (kafka.RecordListTooLargeError, "the broker does not take a batch of this size"),
    (kafka.OutOfOrderSequenceNumber, "the broker has lost the order of what was sent before"),
    (kafka.UnknownProducerId, "the broker has forgotten this producer"),
    (kafka.InvalidProducerEpoch, "the broker has forgotten this producer"),
    (kafka.ProducerFenced, "the broker has forgotten this producer"),
    (kafka.UnknownTopicOrPartitionError, "the topic or partition does not exist, or may not be seen"),
    (kafka.CommitFailedError, "the group has been rebalanced meanwhile"),
    (kafka.RequestTimedOutError, "the broker does not answer in time"),
    (kafka.KafkaTimeoutError, "the broker does not answer in time"),
    (kafka.KafkaConnectionError, "no broker can be reached"),
    (kafka.NodeNotReadyError, "no broker can be reached"),
    (kafka.NotEnoughReplicasError, "fewer replicas are in sync than min.insync.replicas"),
    (kafka.NotEnoughReplicasAfterAppendError, "fewer replicas are in sync than min.insync.replicas"),
    (kafka.IncompatibleBrokerVersion, "the broker is too old: it must be Kafka 2.3 or newer"),
    (kafka.UnsupportedVersionError, "the broker is too old: it must be Kafka 2.3 or newer"),
    (ssl.SSLCertVerificationError, "TLS: the broker's certificate is not accepted"),
    (ssl.SSLError, "TLS: the handshake failed; is this a TLS listener, and does it want a client certificate?"),
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "no answer in time"),
)
_FINAL: Final = (
    kafka.TopicAuthorizationFailedError,
    kafka.GroupAuthorizationFailedError,
    kafka.ClusterAuthorizationFailedError,
    kafka.SaslAuthenticationFailed,
    kafka.AuthenticationFailedError,
    kafka.UnsupportedSaslMechanismError,
    kafka.IllegalSaslStateError,
    kafka.InvalidSessionTimeoutError,
    kafka.InvalidGroupIdError,
    kafka.InconsistentGroupProtocolError,
    kafka.NoOffsetForPartitionError,
    kafka.OffsetOutOfRangeError,
    kafka.UnsupportedCodecError,
    kafka.IncompatibleBrokerVersion,
    kafka.UnsupportedVersionError,
)


def in_words(error: BaseException) -> str:
    """The reason for people: what is wrong, and never the library's name for it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: the broker's certificate is not accepted: {error.verify_message or 'it is not valid'}"
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    number = getattr(error, "errno", None)
    return "the client failed" if number is None else f"the broker answered with error {number}"


def is_final(error: BaseException) -> bool:
    """Whether trying again cannot help: somebody must change the contract, the cluster or a permission."""
    return isinstance(error, _FINAL)


def is_too_large(error: BaseException) -> bool:
    """Whether a broker refused a batch for its size."""
    return isinstance(error, kafka.MessageSizeTooLargeError | kafka.RecordListTooLargeError)
