"""Which errors of Kafka pass by themselves."""
# pyright: reportMissingTypeStubs=false

from aiokafka.errors import IllegalStateError, KafkaError

from eventkit.faults import TRANSIENT


class TopicChanged(KafkaError):
    """A topic is not the one that was written before: it was deleted, or lost records."""


FAULTS: tuple[type[Exception], ...] = (*TRANSIENT, KafkaError, IllegalStateError)
"""The broker, the database or the network is away, or partitions moved: the same thing may succeed a moment later."""
