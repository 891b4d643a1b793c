"""Several commands of one service that are carried out as one: all of them or none."""

import asyncio
from collections.abc import Iterator, Mapping, MutableSequence, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from eventkit.commands.batch import Item, Refused
from eventkit.commands.decider import Commands
from eventkit.context import Context
from eventkit.errors import Kind, Rejected, Violation
from eventkit.rpc.access import Roles, authorise
from eventkit.rpc.call import Handler, read
from eventkit.rpc.rules import violations
from eventkit.rpc.server import Api
from nhip.common.v1 import options_pb2
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.operations_pb2 import CarryOutTogether, Step

MARK = "#"
"""What a reference begins with, which no id can."""


@dataclass(frozen=True, slots=True)
class _Rpc:
    api: Api
    method: MethodDescriptor
    handler: Handler

    @property
    def path(self) -> str:
        return f"{self.api.service.full_name}/{self.method.name}"


class Together:
    """Makes of steps the commands that they are, each let in and judged as if it had come alone."""

    def __init__(self, apis: Sequence[Api], roles: Roles, commands: Commands):
        self._roles, self._commands = roles, commands
        self._rpcs: Mapping[str, _Rpc] = {
            rpc.name: _Rpc(api, rpc, api.handler(rpc))
            for api in apis
            for rpc in api.service.methods
            if rpc.output_type.full_name == Accepted.DESCRIPTOR.full_name and not api.access[rpc.name].signed
        }

    async def carry_out(self, asked: CarryOutTogether, ctx: Context) -> Accepted:
        """Raises what the first step that is refused would raise alone, its fields below `steps[…]`, with its number
        among the parameters."""
        made: dict[str, str] = {}
        items: list[Item] = []
        keys: set[str] = set()
        places: list[tuple[int, int]] = []
        """Of each: its step, and its place in that."""
        for number, step in enumerate(asked.steps):
            try:
                if (key := step.key.strip()) and key in keys:
                    raise _repeated("key", key)
                keys.add(key)
                gathered, ids = await self._gathered(number, step, made, ctx)
                for ref, id in zip(step.refs, ids, strict=False):
                    if made.setdefault(ref, id) != id:  # the same thing may be changed again
                        raise _repeated("refs", ref)
            except Rejected as refusal:
                raise _below(number, 0, refusal) from None
            items += gathered
            places += [(number, at if one.number is None else one.number) for at, one in enumerate(gathered)]
            await asyncio.sleep(0)  # of many none takes the whole loop
        if not items:
            return Accepted(unchanged=True)
        try:
            return await self._commands.whole(items)
        except Refused as refused:
            raise _below(*places[refused.number], refused.refusal) from None

    async def _gathered(
        self, number: int, step: Step, made: Mapping[str, str], ctx: Context
    ) -> tuple[list[Item], list[str]]:
        """The commands of one step, and the ids of what they make or change."""
        rpc = self._rpcs.get(step.method)
        if rpc is None:
            raise Rejected(
                "METHOD_UNKNOWN",
                f"this service has no command {step.method!r} that could be carried out with others",
                kind=Kind.INVALID,
                field="method",
            )
        await authorise(rpc.api.access[rpc.method.name], ctx.actor, self._roles, changes=True)
        request = read(GetMessageClass(rpc.method.input_type), step.request)
        for ref in _put_in(request, made):
            raise Rejected("REFERENCE_UNKNOWN", f"no step before makes {ref!r}", kind=Kind.INVALID, field="request")
        if wrong := violations(request):
            message = "; ".join(f"{one.field} {one.message}" for one in wrong[:3])
            raise Rejected("FIELDS_INVALID", message, kind=Kind.INVALID, violations=wrong)
        items: list[Item] = []
        own = await ctx.of_item(number, rpc.path, request, step.key)
        done = await rpc.handler(request, replace(own, alone=ctx.alone, gather=items.append))
        assert isinstance(done, Accepted)
        return items, [verdict.id for verdict in done.verdicts] or [done.id]


def _put_in(message: Message, made: Mapping[str, str]) -> Iterator[str]:
    """Puts ids in the place of references, wherever the contract says that there is an id; answers references to what
    no step makes."""
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_STRING and field.GetOptions().Extensions[options_pb2.rules].id:
            if field.is_repeated:
                ids = cast(MutableSequence[str], value)
                for at, id in enumerate(ids):
                    if id.startswith(MARK):
                        ids[at] = made.get(id, "")
                        if id not in made:
                            yield id
            elif value.startswith(MARK):
                setattr(message, field.name, made.get(value, ""))
                if value not in made:
                    yield value
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for one in cast(Sequence[Any], value) if field.is_repeated else [value]:
                yield from _put_in(one, made)


def _repeated(field: str, said: str) -> Rejected:
    told = f"a step before has {said!r} for something else"
    return Rejected("STEP_REPEATED", told, kind=Kind.INVALID, field=field)


def _below(number: int, item: int, refusal: Rejected) -> Rejected:
    return Rejected(
        refusal.reason,
        refusal.message,
        kind=refusal.kind,
        rule=refusal.rule,
        violations=tuple(
            Violation(f"steps[{number}].{one.field}", one.reason, one.message, one.parameters)
            for one in refusal.violations
        ),
        parameters={**refusal.parameters, "step": str(number), "item": str(item)},
        retry_after=refusal.retry_after,
        id=refusal.id,
    )
