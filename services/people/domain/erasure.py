"""The erasure of a person: asked for, decided by somebody else, carried out; and the legal hold that stops it.

What is carried out is the destruction of the person's key; `reactors.erasure` does it, between `approve` and
`complete`.
"""

from dataclasses import dataclass, replace

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.context import Actor, parties
from eventkit.directory.facts import PERSON, Organisation, Person
from eventkit.errors import Kind, Rejected, unknown
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1.events_pb2 import (
    ErasureApproved,
    ErasureCompleted,
    ErasureDeclined,
    ErasureRequested,
    LegalHoldLifted,
    LegalHoldPlaced,
    PersonErased,
)
from services.people.domain.employment import forget


@dataclass(frozen=True, slots=True)
class Erasure:
    """Where the erasure of one person stands; UNSPECIFIED: nobody asked."""

    state: pb.ErasureState.ValueType = pb.ERASURE_STATE_UNSPECIFIED
    held: bool = False


def evolve(
    erasure: Erasure,
    event: ErasureRequested | ErasureDeclined | ErasureApproved | ErasureCompleted | LegalHoldPlaced | LegalHoldLifted,
) -> Erasure:
    match event:
        case ErasureRequested():
            return replace(erasure, state=pb.ERASURE_STATE_REQUESTED)
        case ErasureDeclined():
            return replace(erasure, state=pb.ERASURE_STATE_DECLINED)
        case ErasureApproved():
            return replace(erasure, state=pb.ERASURE_STATE_APPROVED)
        case ErasureCompleted():
            return replace(erasure, state=pb.ERASURE_STATE_ERASED)
        case LegalHoldPlaced():
            return replace(erasure, held=True)
        case LegalHoldLifted():
            return replace(erasure, held=False)
        case _:
            refuse_unknown(event)


ERASURE = Aggregate("erasure", Erasure(), evolve)


def request(
    erasure: Erasure, person: Person | None, command: pb.RequestErasure, actor: Actor, *, admin: bool
) -> Decision:
    _known(person, command.person_id)
    if actor.id != command.person_id and not admin:
        raise Rejected(
            "NOT_ALLOWED", "people ask for their own erasure, administrators for anybody's", kind=Kind.FORBIDDEN
        )
    match erasure.state:
        case pb.ERASURE_STATE_REQUESTED | pb.ERASURE_STATE_APPROVED | pb.ERASURE_STATE_ERASED:
            return []
        case _:
            return [StreamEvent(ERASURE(command.person_id), ErasureRequested(person_id=command.person_id))]


def approve(
    erasure: Erasure, person: Person | None, command: pb.ApproveErasure, actor: Actor, *, requested_by: str
) -> Decision:
    """Who asks (`requested_by`, as events keep an actor), who approves and who is erased are three people; of one's own
    request two.

    Raises `Rejected` OWN_ERASURE, OWN_REQUEST, LEGAL_HOLD, or for an erasure that nobody asked for.
    """
    _known(person, command.person_id)
    _another(actor, command.person_id)
    if erasure.state in (pb.ERASURE_STATE_APPROVED, pb.ERASURE_STATE_ERASED):
        return []
    _requested(erasure)
    if parties(requested_by) & actor.parties:
        raise Rejected(
            "OWN_REQUEST",
            "who asked for an erasure does not approve it: another administrator does",
            kind=Kind.FORBIDDEN,
        )
    if erasure.held:
        raise Rejected("LEGAL_HOLD", "a legal hold lies on this person: it has to be lifted first", field="person_id")
    return [StreamEvent(ERASURE(command.person_id), ErasureApproved(person_id=command.person_id))]


def decline(erasure: Erasure, person: Person | None, command: pb.DeclineErasure, actor: Actor) -> Decision:
    _known(person, command.person_id)
    _another(actor, command.person_id)
    if erasure.state == pb.ERASURE_STATE_DECLINED:
        return []
    _requested(erasure)
    return [
        StreamEvent(ERASURE(command.person_id), ErasureDeclined(person_id=command.person_id, reason=command.reason))
    ]


def complete(erasure: Erasure, organisation: Organisation, person_id: str) -> Decision:
    """The key is destroyed; what of the person was not sealed is forgotten, too."""
    if erasure.state != pb.ERASURE_STATE_APPROVED:
        return []
    return [
        StreamEvent(ERASURE(person_id), ErasureCompleted(person_id=person_id)),
        StreamEvent(PERSON(person_id), PersonErased(person_id=person_id)),
        *forget(organisation, person_id),
    ]


def place_hold(erasure: Erasure, person: Person | None, command: pb.PlaceLegalHold) -> Decision:
    _known(person, command.person_id)
    if erasure.held:
        return []
    if erasure.state in (pb.ERASURE_STATE_APPROVED, pb.ERASURE_STATE_ERASED):
        raise Rejected(
            "ALREADY_ERASED", "the erasure of this person was approved: nothing can be held any more", field="person_id"
        )
    return [
        StreamEvent(ERASURE(command.person_id), LegalHoldPlaced(person_id=command.person_id, reason=command.reason))
    ]


def lift_hold(
    erasure: Erasure, person: Person | None, command: pb.LiftLegalHold, actor: Actor, *, placed_by: str
) -> Decision:
    """By somebody other than who placed it (`placed_by`, as events keep an actor) and than whom it lies on."""
    _known(person, command.person_id)
    if not erasure.held:
        return []
    if actor.id == command.person_id or parties(placed_by) & actor.parties:
        raise Rejected("OWN_HOLD", "another administrator lifts this legal hold", kind=Kind.FORBIDDEN)
    return [
        StreamEvent(ERASURE(command.person_id), LegalHoldLifted(person_id=command.person_id, reason=command.reason))
    ]


def _known(person: Person | None, person_id: str) -> None:
    if person is None:
        raise unknown("person", person_id, "person_id")


def _another(actor: Actor, person_id: str) -> None:
    if actor.id == person_id:
        raise Rejected("OWN_ERASURE", "another administrator decides about this", kind=Kind.FORBIDDEN)


def _requested(erasure: Erasure) -> None:
    if erasure.state != pb.ERASURE_STATE_REQUESTED:
        raise Rejected("NOT_REQUESTED", "nobody has asked for the erasure of this person", field="person_id")
