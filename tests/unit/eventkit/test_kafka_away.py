"""Who asks for what needs Kafka, as `nhip verify` does, is told that it passes while Kafka is away."""

import socket

import grpc
import pytest

from eventkit.kafka import FAULTS, Cluster, partition_events
from eventkit.rpc.errors import failure


async def test_a_broker_that_is_away_is_no_fault_of_ours():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else can
        nobody = f"127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(FAULTS, match="does not answer") as found:
            await anext(partition_events(Cluster(nobody, 4, 1), "people", 0, upto=1))
    told = failure(found.value)
    assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "TEMPORARILY_UNAVAILABLE")
