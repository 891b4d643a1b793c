"""Which errors of Kafka pass by themselves, and clients that do not end as they should."""
# pyright: reportMissingTypeStubs=false

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any

import structlog
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    IllegalStateError,
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    KafkaConnectionError,
    KafkaError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
)

from eventkit.log.faults import TRANSIENT

log = structlog.get_logger(__name__)


class TopicChanged(KafkaError):
    """A topic is not the one that was written before: it was deleted, or lost records."""


class TopicUnfit(KafkaError):
    """A topic is not what it must be, or is not ours; a sentence. It is looked at again: who can mend it may have."""


FAULTS: tuple[type[Exception], ...] = (*TRANSIENT, KafkaError, IllegalStateError)
"""The broker, the database or the network is away, or partitions moved: the same thing may succeed a moment later."""


REFUSALS: tuple[type[Exception], ...] = (
    InvalidReplicationFactorError,
    InvalidPartitionsError,
    InvalidConfigurationError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
    ClusterAuthorizationFailedError,
)
"""Of those, what does not pass: the broker does not do what it is asked for."""


async def close(stop: Coroutine[Any, Any, object], *, seconds: float = 5.0) -> bool:
    """Stop a client, within bounds, whatever becomes of it: the broker may be away. False if it did not end well.

    In a task of its own: a client that stops while its broker is away may let the cancellation of an inner task escape,
    and that must not be taken for the cancellation of whoever stops it.
    """
    task = asyncio.ensure_future(stop)
    await asyncio.wait([task], timeout=seconds)
    if not task.done():
        task.cancel()
        return False
    return not task.cancelled() and task.exception() is None


@contextmanager
def own_cancellation() -> Generator[None]:
    """Inside, only a cancellation of the current task counts as one; a client's stray one is a lost connection."""
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise KafkaConnectionError("a task inside the client was cancelled") from error
