"""A request that somebody be erased, as it is shown, and what became of it."""

from dataclasses import dataclass
from datetime import UTC
from urllib.parse import quote

from nhip.people.v1 import people_pb2
from services.gateway.console.cards import Avatar, StateMark
from services.gateway.console.directory import Directory, directory
from services.gateway.console.language import unreadable
from services.gateway.console.visit import Visit, or_none


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """One request, and what became of it."""

    person_id: str
    person: Avatar
    url: str
    state: StateMark
    key: str
    requested_by: Avatar
    requested_at: str
    decided_by: Avatar | None
    decided_at: str
    erased_at: str
    reason: str
    reason_hidden: bool
    held: bool
    open: bool
    own: bool


def erasure_row(visit: Visit, erasure: people_pb2.Erasure, who: Directory) -> ErasureRow:
    language = visit.language
    _ = language.gettext
    marks: dict[int, tuple[str, StateMark]] = {
        people_pb2.ERASURE_STATE_UNSPECIFIED: ("none", StateMark("stale", "circle-dashed", _("Not asked for"))),
        people_pb2.ERASURE_STATE_DECLINED: ("declined", StateMark("stale", "x", _("Declined"))),
        people_pb2.ERASURE_STATE_APPROVED: ("approved", StateMark("behind", "hourglass", _("Approved, being erased"))),
        people_pb2.ERASURE_STATE_ERASED: ("erased", StateMark("stale", "eraser", _("Erased"))),
    }
    key, state = marks.get(erasure.state, ("requested", StateMark("behind", "clock", _("Waiting"))))

    def at(field: str) -> str:
        return language.instant(getattr(erasure, field).ToDatetime(UTC), visit.zone) if erasure.HasField(field) else ""  # pyright: ignore[reportArgumentType]

    return ErasureRow(
        person_id=erasure.person_id,
        person=who.person(erasure.person_id),
        url=f"/erasures/{quote(erasure.person_id, safe='')}",
        state=state,
        key=key,
        requested_by=who.person(erasure.requested_by),
        requested_at=at("requested_at"),
        decided_by=who.person(erasure.decided_by) if erasure.decided_by else None,
        decided_at=at("decided_at"),
        erased_at=at("erased_at"),
        reason=language.words(erasure.reason),
        reason_hidden=unreadable(erasure.reason),
        held=erasure.held,
        open=key == "requested",
        own=erasure.person_id == visit.person,
    )


async def own_erasure(visit: Visit) -> ErasureRow | None:
    """What became of the viewer's own request, the latest of them."""
    reply = await or_none(erasures(visit, people_pb2.ListErasures(person_id=visit.person)))
    own = next((one for one in reply.erasures if one.state), None) if reply else None
    return erasure_row(visit, own, await directory(visit, own)) if own else None


async def erasures(visit: Visit, asked: people_pb2.ListErasures) -> people_pb2.Erasures:
    return await visit.caller.query("people", "ListErasures", asked, people_pb2.Erasures)
