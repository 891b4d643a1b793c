"""Kafka: a context's log as a topic of CloudEvents. The only package that touches aiokafka and FastStream.

`cluster` says where it is and as whom one comes to it, `records` what a record looks like, `topics` makes topics and
checks them, `comparing` holds one against its log, `reading` runs subscriptions to them, `writing` is the relay's hand,
`tailing` looks on, `subscribing` is for whoever wants single events in a program of their own, `acls` says what a login
must be allowed.
"""

from eventkit.kafka.acls import acls
from eventkit.kafka.acls import commands as acl_commands
from eventkit.kafka.cluster import Cluster, Security
from eventkit.kafka.comparing import Compared, Difference, compare
from eventkit.kafka.faults import FAULTS, REFUSALS, TopicChanged, TopicUnfit, own_cancellation
from eventkit.kafka.reading import TopicIncomplete, TopicReader, partition_events, tenant_events
from eventkit.kafka.records import ForeignRecord, Received, headers, partition_of, received
from eventkit.kafka.tailing import Tailed, TopicMissing, tail
from eventkit.kafka.topics import Looked, Topics, empty_topics, ensure_topic, ensure_topics, look, other_logs
from eventkit.kafka.writing import Kept, Sent, TopicWriter

__all__ = [
    "FAULTS",
    "REFUSALS",
    "Cluster",
    "Compared",
    "Difference",
    "ForeignRecord",
    "Kept",
    "Looked",
    "Received",
    "Security",
    "Sent",
    "Tailed",
    "TopicChanged",
    "TopicIncomplete",
    "TopicMissing",
    "TopicReader",
    "TopicUnfit",
    "TopicWriter",
    "Topics",
    "acl_commands",
    "acls",
    "compare",
    "empty_topics",
    "ensure_topic",
    "ensure_topics",
    "headers",
    "look",
    "other_logs",
    "own_cancellation",
    "partition_events",
    "partition_of",
    "received",
    "tail",
    "tenant_events",
]
