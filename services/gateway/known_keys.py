"""Which keys of integrations are good: the gateway keeps no integrations, a service says whether it knows a key."""

import time

from eventkit.rpc.integrations import digest
from eventkit.rpc.metadata import AUTHORIZATION
from nhip.common.v1 import operations_pb2
from services.gateway.upstream import OPERATIONS, Upstream

KEY_SECONDS, KEYS = 10.0, 1_000
"""How long a key that a service knew is not asked about again before a body is read, and how many are remembered."""


class KnownKeys:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._until: dict[str, float] = {}

    async def know(self, key: str) -> None:
        """Raises Failure for a key that no integration has."""
        now, told = time.monotonic(), digest(key)
        if now <= self._until.get(told, 0.0):
            return
        request = operations_pb2.GetAccess(service="people")
        method = OPERATIONS.methods_by_name["GetAccess"]
        await self._upstream.call("people", method, request, [(AUTHORIZATION, f"Bearer {key}")])
        if len(self._until) >= KEYS:
            self._until.clear()
        self._until[told] = now + KEY_SECONDS
