"""A tenant's events of a service's log, taken out whole: as JSON, with words opened, a part at a time (decision 53)."""

import base64
import json
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from eventkit.commands.aggregate import Aggregate, StreamEvent, refuse_unknown
from eventkit.context import Context, Standing
from eventkit.errors import tenant_deleted
from eventkit.log import EventLog, Recorded
from eventkit.privacy.words import Words
from eventkit.process.service import Resources
from eventkit.rpc.paging import asked
from nhip.common.v1 import operations_pb2 as pb

PART = 500
"""Events of a part that names no number."""
LOOKED_AT = 20_000
"""Events of all tenants that are looked through for one part: it is answered with what was found by then."""


def evolve_exported(state: int, event: pb.EventsExported) -> int:
    """How often it was begun."""
    match event:
        case pb.EventsExported():
            return state + 1
        case _:
            refuse_unknown(event)


EXPORTED = Aggregate("export", 0, evolve_exported)


async def export(resources: Resources, request: pb.ExportEvents, ctx: Context) -> pb.ExportedEvents:
    """A part of them; that it was begun is recorded first. Raises Rejected (TENANT_DELETED)."""
    if await resources.directory.standing(ctx.tenant) is Standing.DELETED:
        raise tenant_deleted(ctx.tenant)
    page = asked(request, ctx.tenant, int, int, size=PART)
    if page.after:
        after, upto = page.after
    else:
        begun = StreamEvent(EXPORTED(ctx.tenant), pb.EventsExported(tenant_id=ctx.tenant))
        await resources.commands.on(ctx, EXPORTED, ctx.tenant, lambda _: [begun])
        after, upto = 0, await resources.log.last_position()
    found, behind = await _part(resources.log, ctx.tenant, after, upto, page.size)
    lines = [await _line(event, resources.name, resources.words) for event in found]
    return pb.ExportedEvents(events=lines, next_page_token=page.token(behind, upto) if behind < upto else "")


async def _part(event_log: EventLog, tenant: str, after: int, upto: int, size: int) -> tuple[Sequence[Recorded], int]:
    """The tenant's next events, and how far the log was looked through."""
    found, looked = list[Recorded](), 0
    if after >= upto:
        return found, upto
    async with aclosing(event_log.feed(after)) as pages:
        async for page in pages:
            for event in page:
                if event.position > upto:
                    return found, upto
                after = event.position
                if event.tenant == tenant:
                    found.append(event)
                if len(found) == size or after == upto:
                    return found, after
            looked += len(page)
            if looked >= LOOKED_AT:
                return found, after
    return found, after


async def _line(event: Recorded, context: str, words: Words) -> str:
    """An event as a line of JSON. Words of people who were erased say so; what this version knows no contract of is
    in base64."""
    line: dict[str, Any] = {
        "context": context,
        "position": event.position,
        "id": str(event.id),
        "type": event.type,
        "stream": str(event.stream),
        "version": event.version,
        "append": f"{event.append_id}/{event.index}/{event.size}",
        "occurred_at": event.occurred_at.isoformat(),
        "recorded_at": event.recorded_at.isoformat(),
        "actor": event.origin.actor,
        "correlation": event.origin.correlation_id,
        "cause": event.origin.causation_id,
    }
    if event.message is None:
        line["data"] = base64.b64encode(event.data).decode()
    else:
        opened: Message = type(event.message)()
        opened.CopyFrom(event.message)  # others read it, too
        await words.open(opened, tenant=event.tenant)
        line["event"] = MessageToDict(opened, preserving_proto_field_name=True)
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))
