"""The services, as whoever imports sees them: with their own rights, and reading their own writes."""

import asyncio
from dataclasses import dataclass, replace

from google.protobuf.message import Message

from eventkit import contracts
from eventkit.errors import Kind, Rejected
from eventkit.rpc.errors import CODES
from importing.sheets.standing import Reply
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.operations_pb2 import CarryOutTogether
from services.gateway.failures import Failure
from services.gateway.upstream import Caller

_METHODS = {
    rpc.input_type.full_name: (context, rpc.name)
    for context, api in contracts.services().items()
    for rpc in api.methods
}
_KINDS = {code.name: kind for kind, code in CODES.items()}
PATIENCE = 30.0
"""Seconds for which who asks too often is made to wait."""


@dataclass
class Sending:
    caller: Caller

    async def ask(self, request: Message, reply: type[Reply], /) -> Reply:
        context, method = _METHODS[request.DESCRIPTOR.full_name]
        answer, _ = await self._call(context, method, request, reply)
        return answer

    async def command(self, request: Message, /, *, key: str, check: bool = False) -> Accepted:
        context, method = _METHODS[request.DESCRIPTOR.full_name]
        return self._heard(context, *await self._call(context, method, request, Accepted, key, check))

    async def together(
        self, context: str, request: CarryOutTogether, /, *, key: str, seconds: float, check: bool = False
    ) -> Accepted:
        answered = await self._call(context, "CarryOutTogether", request, Accepted, key, check, seconds)
        return self._heard(context, *answered)

    def _heard(self, context: str, done: Accepted, position: str) -> Accepted:
        """What is asked from now on is of after it."""
        if position := done.position or position:
            others = (one for one in self.caller.positions if one.partition("=")[0] != context)
            self.caller = replace(self.caller, positions=(*others, position))
        return done

    async def _call(
        self,
        context: str,
        method: str,
        request: Message,
        reply: type[Reply],
        key: str = "",
        check: bool = False,
        seconds: float = 0.0,
    ) -> tuple[Reply, str]:
        """Raises `Rejected`, caused by the failure that it was."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while True:
            try:
                return await self.caller.ask(context, method, request, reply, key=key, check=check, seconds=seconds)
            except Failure as error:
                if _KINDS.get(error.status) is Kind.TOO_MANY and error.retry_after and loop.time() < until:
                    await asyncio.sleep(min(error.retry_after, 2.0))
                    continue
                raise Rejected(
                    error.reason,
                    error.message,
                    kind=_KINDS.get(error.status, Kind.REFUSED),
                    violations=error.violations,
                    parameters=error.parameters,
                ) from error


def failure_of(refused: Rejected) -> Failure:
    """What it was before."""
    assert isinstance(refused.__cause__, Failure)
    return refused.__cause__
