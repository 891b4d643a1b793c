"""Kafka: a context's log as a topic of CloudEvents. The only package that touches aiokafka and FastStream.

`records` says what a record looks like, `topics` makes topics, `reading` runs subscriptions to them, `writing` is the
relay's hand, `tailing` looks on, `subscribing` is for whoever wants single events in a program of their own.
"""

from eventkit.kafka.faults import FAULTS, REFUSALS, TopicChanged, own_cancellation
from eventkit.kafka.reading import TopicReader, tenant_events
from eventkit.kafka.records import ForeignRecord, Received, headers, partition_of, received, topic
from eventkit.kafka.tailing import Tailed, TopicMissing, tail
from eventkit.kafka.topics import ensure_topic, ensure_topics
from eventkit.kafka.writing import Kept, Sent, TopicWriter

__all__ = [
    "FAULTS",
    "REFUSALS",
    "ForeignRecord",
    "Kept",
    "Received",
    "Sent",
    "Tailed",
    "TopicChanged",
    "TopicMissing",
    "TopicReader",
    "TopicWriter",
    "ensure_topic",
    "ensure_topics",
    "headers",
    "own_cancellation",
    "partition_of",
    "received",
    "tail",
    "tenant_events",
    "topic",
]
