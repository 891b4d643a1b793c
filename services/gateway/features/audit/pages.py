"""The audit's ledger: searched, read thing by thing, and taken away as a file. Every reading is itself recorded."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from eventkit.contracts import contexts
from eventkit.names import plain_letters
from nhip.audit.v1 import audit_pb2, types_pb2
from nhip.goals.v1 import goals_pb2
from nhip.goals.v1 import types_pb2 as goals_types
from nhip.people.v1 import people_pb2
from nhip.rewards.v1 import rewards_pb2
from services.gateway.console.directory import Directory, directory
from services.gateway.console.events import event_row, event_types, reason_class_word
from services.gateway.console.language import Language, unreadable
from services.gateway.console.routes import Routes
from services.gateway.console.subjects import kind_word, subject_kinds
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.features.audit.ledger import Names, ledger_row, related_to, told_of

routes = Routes()

_FORMATS = {
    "jsonl": (types_pb2.EXPORT_FORMAT_JSONL, "application/x-ndjson"),
    "csv": (types_pb2.EXPORT_FORMAT_CSV, "text/csv; charset=utf-8"),
}
_FIELDS = ("context", "type", "actor", "kind", "subject", "from", "until", "reason")


@dataclass(frozen=True, slots=True)
class Completeness:
    """Whether every position of every context is in the ledger."""

    complete: bool
    sentence: str
    holes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, as the address says it."""

    values: dict[str, str]
    filter: types_pb2.Filter

    @property
    def narrowed(self) -> bool:
        return any(self.values.values())

    def url(self, path: str = "/audit", **more: str) -> str:
        query = {name: text for name, text in (self.values | more).items() if text}
        return path + (f"?{urlencode(query)}" if query else "")


def search_of(visit: Visit) -> Search:
    """The search of an address. Days are the company's; `until` is the last one that belongs to it."""
    query = visit.request.query_params
    values = {name: query.get(name, "").strip() for name in _FIELDS}
    wanted = types_pb2.Filter(
        context=values["context"],
        type=values["type"],
        actor=values["actor"],
        subject_kind=values["kind"],
        subject_id=values["subject"],
        reason=values["reason"],
    )
    if first := _day(values["from"]):
        getattr(wanted, "from").FromDatetime(_midnight(visit, first))
    if last := _day(values["until"]):
        wanted.until.FromDatetime(_midnight(visit, last + timedelta(days=1)))
    return Search(values, wanted)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Failure("INVALID_ARGUMENT", "MOMENT_UNREADABLE", f"{text!r} is no day") from None


def _midnight(visit: Visit, day: date) -> datetime:
    return datetime.combine(day, time(), visit.zone).astimezone(UTC)


@routes.page("/audit")
async def page(visit: Visit) -> Response:
    """`GET /audit`: what was recorded, the newest first. Its beginning says whether all of it is there; searches and
    later pages do not: that counts every entry."""
    search, after = search_of(visit), visit.request.query_params.get("after", "")
    asked = audit_pb2.SearchLedger(filter=search.filter, page_token=after)
    begins = not (search.narrowed or after)
    reply, complete, everybody = await asyncio.gather(
        visit.caller.query("audit", "SearchLedger", asked, audit_pb2.Entries),
        _completeness(visit) if begins else _not_asked(),
        or_none(
            visit.caller.query(
                "people", "ListPeople", people_pb2.ListPeople(page_size=MOST_ACTORS), people_pb2.PeopleList
            )
        ),
    )
    # Of a large company those are offered who are on the page.
    offered = [person.person_id for person in everybody.people] if everybody and not everybody.next_page_token else []
    who = await directory(visit, reply, ids=[*offered, search.values["actor"]])
    names = await _names(visit, who, _told(reply.entries))
    language = visit.language
    return visit.render(
        "audit/audit.html",
        search=search,
        begins=begins,
        completeness=complete,
        rows=[ledger_row(visit, entry, names) for entry in reply.entries],
        more=search.url(after=reply.next_page_token) if reply.next_page_token else "",
        contexts=[(name, name) for name in contexts()],
        types=[(name, event_row(name, language).words) for name in event_types()],
        kinds=sorted(
            ((kind, kind_word(kind, language)) for kind in subject_kinds()), key=lambda kind: plain_letters(kind[1])
        ),
        actors=_actors(who, search.values["actor"]),
        reasons=_reasons(visit),
        exports=[(name.upper(), search.url("/audit/export", format=name)) for name in _FORMATS],
    )


MOST_ACTORS = 200


def _actors(who: Directory, chosen: str) -> Sequence[tuple[str, str]]:
    """Whoever may have acted: people, the import, the clock; and who was asked for by a link."""
    people = sorted(((id, who.person(id).name) for id in who.people), key=lambda person: plain_letters(person[1]))
    others = [(actor, who.actor(actor).name) for actor in ("service:importer", "system:clock")]
    known = [*people, *others]
    return known if not chosen or chosen in dict(known) else [*known, (chosen, chosen)]


def _reasons(visit: Visit) -> Sequence[tuple[str, str]]:
    classes = [(name, reason_class_word(number, visit.language)) for name, number in goals_types.ReasonClass.items()]
    return [(name, word) for name, word in classes if word]


@routes.page("/audit/subjects/{kind}/{id}")
async def subject(visit: Visit) -> Response:
    """`GET /audit/subjects/<kind>/<id>`: all that happened to one thing, the oldest first."""
    kind, id = visit.request.path_params["kind"], visit.request.path_params["id"]
    after = visit.request.query_params.get("after", "")
    asked = audit_pb2.GetSubjectHistory(subject_kind=kind, subject_id=id, page_token=after)
    reply = await visit.caller.query("audit", "GetSubjectHistory", asked, audit_pb2.Entries)
    who = await directory(visit, reply, ids=[id] if kind == "person" else ())
    related = (thing for entry in reply.entries for thing in related_to(entry))
    names = await _names(visit, who, [(kind, id), *_told(reply.entries), *related])
    here = visit.request.url.path
    return visit.render(
        "audit/subject.html",
        kind=kind_word(kind, visit.language),
        name=names.of(kind, id),
        id=id,
        rows=[ledger_row(visit, entry, names) for entry in reply.entries],
        more=f"{here}?{urlencode({'after': reply.next_page_token})}" if reply.next_page_token else "",
        further=bool(after),
        exports=[
            (name.upper(), f"/audit/export?{urlencode({'kind': kind, 'subject': id, 'format': name})}")
            for name in _FORMATS
        ],
    )


@routes.page("/audit/export")
async def export(visit: Visit) -> Response:
    """`GET /audit/export?format=…`: every page of what a search finds, as one file.

    The first page is asked for before anything is sent, so that a refusal is a page and no file. A later one that fails
    cuts the download off: a file that is not whole must not look as if it were.
    """
    wanted = visit.request.query_params.get("format", "jsonl")
    if wanted not in _FORMATS:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", f"there is no export {wanted!r}")
    format, media_type = _FORMATS[wanted]
    search = search_of(visit)

    async def ask(token: str) -> audit_pb2.Exported:
        request = audit_pb2.ExportLedger(filter=search.filter, format=format, page_token=token)
        return await visit.caller.query("audit", "ExportLedger", request, audit_pb2.Exported)

    first = await ask("")

    async def pages() -> AsyncIterator[bytes]:
        part = first
        if wanted == "csv":
            yield "\ufeff".encode()  # by which Excel knows that it is UTF-8
        yield part.content
        while part.next_page_token:
            part = await ask(part.next_page_token)
            yield part.content

    name = f"nhip-{visit.session.tenant if visit.session else 'ledger'}-{visit.today.isoformat()}.{wanted}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(pages(), headers=headers, media_type=media_type)


async def _completeness(visit: Visit) -> Completeness | None:
    asked = visit.caller.query("audit", "GetCompleteness", audit_pb2.GetCompleteness(), audit_pb2.Completeness)
    reply = await or_none(asked)
    return completeness_of(visit, reply) if reply else None


async def _not_asked() -> None:
    return None


def completeness_of(visit: Visit, reply: audit_pb2.Completeness) -> Completeness:
    language = visit.language
    _ = language.gettext
    holes = [f"{context.context} {_positions(hole, language)}" for context in reply.contexts for hole in context.holes]
    total = language.number(Decimal(sum(context.entries for context in reply.contexts)))
    if holes or not all(context.complete for context in reply.contexts):
        return Completeness(False, _("The ledger is not complete: positions are missing."), tuple(holes))
    said = _("The ledger is complete: %(total)s entries of %(contexts)s parts, no position is missing.")
    return Completeness(True, said % {"total": total, "contexts": len(reply.contexts)})


def _positions(hole: audit_pb2.Hole, language: Language) -> str:
    """ "7" or "7–9"."""
    first: int = getattr(hole, "from")
    ends = [first] if first == hole.to else [first, hole.to]
    return "–".join(language.number(Decimal(end)) for end in ends)


async def _names(visit: Visit, who: Directory, things: Iterable[tuple[str, str]]) -> Names:
    """Names of some things, where the services that know them are there; of too many the first ones."""
    told = dict.fromkeys(things)
    kinds = {kind for kind, _ in told}
    found = await asyncio.gather(
        _goals(visit, told) if kinds & set(_OF_GOALS) else _no_names(),
        _proposals(visit) if "proposal" in kinds else _no_names(),
        _values(visit) if "value" in kinds else _no_names(),
        _gifts(visit) if "gift" in kinds else _no_names(),
    )
    return Names(who, {thing: name for some in found for thing, name in some.items()}, visit.zone)


def _told(entries: Iterable[audit_pb2.Entry]) -> Iterable[tuple[str, str]]:
    return (thing for entry in entries for thing in told_of(entry))


ByThing = dict[tuple[str, str], str]
_OF_GOALS = ("kpi", "goal", "csf", "cycle")
MOST_NAMES = 500
"""Of one kind that are asked for at once; further ones are told by their ids."""


async def _no_names() -> ByThing:
    return {}


async def _goals(visit: Visit, told: Iterable[tuple[str, str]]) -> ByThing:
    ids = {kind: [id for of, id in told if of == kind][:MOST_NAMES] for kind in _OF_GOALS}
    asked = goals_pb2.ListNames(kpi_ids=ids["kpi"], goal_ids=ids["goal"], csf_ids=ids["csf"], cycle_ids=ids["cycle"])
    reply = await or_none(visit.caller.query("goals", "ListNames", asked, goals_pb2.Names))
    named = {one.id: one.name for one in reply.names} if reply else {}
    return {(kind, id): named[id] for kind in _OF_GOALS for id in ids[kind] if id in named}


async def _proposals(visit: Visit) -> ByThing:
    reply = await or_none(
        visit.caller.query("goals", "ListProposals", goals_pb2.ListProposals(page_size=30), goals_pb2.Proposals)
    )
    titled = [one for one in reply.proposals if not unreadable(one.title)] if reply else []
    return {("proposal", one.proposal_id): one.title.plain for one in titled}


async def _values(visit: Visit) -> ByThing:
    reply = await or_none(
        visit.caller.query("rewards", "ListCoreValues", rewards_pb2.ListCoreValues(), rewards_pb2.CoreValues)
    )
    return {("value", value.value_id): value.name for value in reply.values} if reply else {}


async def _gifts(visit: Visit) -> ByThing:
    reply = await or_none(visit.caller.query("rewards", "ListGifts", rewards_pb2.ListGifts(), rewards_pb2.Gifts))
    return {("gift", gift.gift_id): gift.name for gift in reply.gifts} if reply else {}
