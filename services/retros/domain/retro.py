"""A person's retro of a cycle: five arms of a starfish, read by nobody else unless they say so (C-47, and the product
decision "Retro")."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected
from nhip.retros.v1.events_pb2 import RetroShared, RetroUnshared, StarfishWritten
from nhip.retros.v1.retros_pb2 import WriteStarfish
from nhip.retros.v1.types_pb2 import Starfish


@dataclass(frozen=True, slots=True)
class Retro:
    id: str
    cycle_id: str
    person_id: str
    starfish: Starfish = field(default_factory=Starfish)
    """Sealed."""
    done: bool = False
    revision: int = 0
    """How many times it was written."""
    reader_id: str = ""
    """Who may read it beside its author; empty: nobody."""


def evolve(retro: Retro | None, event: StarfishWritten | RetroShared | RetroUnshared) -> Retro:
    match event:
        case StarfishWritten():
            now = retro or Retro(event.retro_id, event.cycle_id, event.person_id)
            return replace(now, starfish=event.starfish, done=event.done, revision=event.revision)
        case RetroShared():
            return replace(begun(retro, event), reader_id=event.reader_id)
        case RetroUnshared():
            return replace(begun(retro, event), reader_id="")
        case _:
            refuse_unknown(event)


RETRO = Aggregate[Retro | None]("retro", None, evolve)


def write(retro: Retro | None, command: WriteStarfish, actor: Actor, retro_id: str) -> Decision:
    """All five arms as they are now. What two windows write is not mixed: who is behind is told."""
    check_revision(retro.revision if retro else 0, command.revision)
    written = StarfishWritten(
        retro_id=retro_id,
        cycle_id=command.cycle_id,
        person_id=actor.id,
        starfish=_filled(command.starfish),
        done=command.done,
        revision=command.revision + 1,
    )
    return [StreamEvent(RETRO(retro_id), written)]


def share(retro: Retro | None, actor: Actor, org: OrgChart) -> Decision:
    """With the direct manager of now, who stays the only one that reads it when the author gets another one."""
    now = _existing(retro)
    manager = org.manager(actor.id)
    if not manager or not org.is_active(manager):
        raise Rejected("NO_MANAGER", "you have no direct manager who could read it", rule="C-47")
    if now.reader_id == manager:
        return []
    shared = RetroShared(retro_id=now.id, cycle_id=now.cycle_id, person_id=now.person_id, reader_id=manager)
    return [StreamEvent(RETRO(now.id), shared)]


def unshare(retro: Retro | None) -> Decision:
    now = _existing(retro)
    if not now.reader_id:
        return []
    taken = RetroUnshared(retro_id=now.id, cycle_id=now.cycle_id, person_id=now.person_id, reader_id=now.reader_id)
    return [StreamEvent(RETRO(now.id), taken)]


def check_revision(written: int, seen: int) -> None:
    """Raises `Rejected` RETRO_MOVED: something was written that the caller has not seen."""
    if written != seen:
        raise Rejected(
            "RETRO_MOVED",
            f"it was written in another window meanwhile (revision {written}): load it again, so that nothing is lost",
            kind=Kind.CONFLICT,
            field="revision",
        )


def _existing(retro: Retro | None) -> Retro:
    if retro is None:
        raise Rejected("RETRO_UNKNOWN", "nothing was written about this cycle yet", kind=Kind.UNKNOWN, field="cycle_id")
    return retro


def _filled(starfish: Starfish) -> Starfish:
    """Without the arms that hold nothing but blanks."""
    arms = {arm: getattr(starfish, arm) for arm in ("start", "stop", "more", "less", "keep")}
    return Starfish(**{arm: text for arm, text in arms.items() if text.plain.strip()})
