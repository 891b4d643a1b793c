"""Integrations: which programs get in, what they may, and what became of their looks (X-07)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from nhip.checkins.v1 import polls_pb2
from nhip.common.v1 import command_pb2, operations_pb2, words_pb2
from nhip.goals.v1 import goals_pb2
from nhip.people.v1 import integrations_pb2 as pb
from services.gateway.console.choices import people_to_choose, units_to_choose
from services.gateway.console.cycles import choose_cycle, newest_first
from services.gateway.console.deeds import carry_out
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.kpis import listed
from services.gateway.console.roles import role_words
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.features.integrations.asked import ALL, FIELDS, Picked, drawn, facts_of, form_of, known, picked
from services.gateway.features.integrations.shown import looks, merged, row, rows, url_of
from services.gateway.upstream import SERVICES

routes = Routes()
LIST = "/settings/integrations"
FOUND = 50
"""KPIs that one search offers."""
Again = Callable[[Form, int], Awaitable[Response]]


@routes.page(LIST)
async def listing(visit: Visit) -> Response:
    """`GET /settings/integrations`."""
    after = visit.request.query_params.get("after", "")
    found, uses = await asyncio.gather(
        visit.caller.query("people", "ListIntegrations", pb.ListIntegrations(page_token=after), pb.Integrations),
        _uses(visit),
    )
    who = await directory(visit, ids=_people(*found.integrations))
    shown = rows(found.integrations, uses, who, visit)
    return visit.render(
        "integrations/integrations.html",
        here=LIST,
        rows=shown,
        in_use=sum(one.works for one in shown),
        look=sum(one.works and one.state.key != "ontrack" for one in shown),
        more=f"{LIST}?" + urlencode({"after": found.next_page_token}) if found.next_page_token else "",
        whole=not after and not found.next_page_token,
    )


def _people(*found: pb.Integration) -> list[str]:
    return [actor.removeprefix("person:") for one in found for actor in (one.made_by, one.revoked_by) if actor]


async def _uses(visit: Visit, id: str = "") -> dict[str, operations_pb2.IntegrationUse]:
    asked = operations_pb2.ListIntegrationUse(integration_id=id)
    calls = (
        or_none(visit.caller.query(context, "ListIntegrationUse", asked, operations_pb2.IntegrationUses))
        for context in SERVICES
    )
    return merged(await asyncio.gather(*calls))


# --- a new one ---


@routes.page(f"{LIST}/new")
async def new(visit: Visit) -> Response:
    """`GET /settings/integrations/new`."""
    visit.must("people.MakeIntegration")
    values = {"record": "1", "objects": "kpis", "every": "60", "account": visit.person, "key_drawn": _draw(visit)}
    return await _new(visit, Form(values))


async def _new(visit: Visit, filled: Form, status: int = 200) -> Response:
    return visit.render(
        "integrations/new.html",
        status,
        here=f"{LIST}/new",
        form=filled,
        roles=role_words(visit.language),
        **await _to_choose(visit, filled),
    )


@routes.form(f"{LIST}/new")
async def make(visit: Visit) -> Response:
    """`POST /settings/integrations/new`: the key is on the page that answers, and on no other."""
    filled = await sent(visit.request)
    return await _asked(visit, filled, lambda form, status: _new(visit, form, status), _make)


async def _make(visit: Visit, filled: Form, facts: pb.IntegrationFacts, again: Again) -> Response:
    key = filled["key_drawn"] or _draw(visit)
    command = pb.MakeIntegration(integration=facts, key=known(key))
    return await _with_key(visit, filled, "MakeIntegration", command, key, again)


async def _asked(
    visit: Visit,
    filled: Form,
    again: Again,
    deed: Callable[[Visit, Form, pb.IntegrationFacts, Again], Awaitable[Response]],
) -> Response:
    """What a form about all of an integration asks for: first, maybe, only for KPIs to choose from."""
    if filled["do"] == "find":
        return await again(filled, 200)
    wrong: list[Violation] = []
    facts = facts_of(filled, wrong)
    if wrong:
        return await again(filled.wrong(wrong, visit.language), 422)
    return await deed(visit, filled, facts, again)


async def _with_key(visit: Visit, filled: Form, method: str, command: Message, key: str, again: Again) -> Response:
    """Not a page to come back to: the same form, sent again by a reload, shows the same key."""
    try:
        accepted, position = await visit.caller.ask("people", method, command, command_pb2.Accepted, key=filled.key)
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        return await again(filled.refused(failure, visit.language, FIELDS), failure.http)
    response = visit.render(
        "integrations/key.html",
        here=url_of(accepted.id),
        key=key,
        url=url_of(accepted.id),
        replaced=method == "RotateIntegrationKey",
    )
    visit.remember(response, accepted.position or position)
    return response


def _draw(visit: Visit) -> str:
    assert visit.session is not None
    return drawn(visit.session.tenant)


# --- one ---


@routes.page(f"{LIST}/{{integration}}")
async def one(visit: Visit) -> Response:
    """`GET /settings/integrations/<id>`; with `?secret=1` also with what its source signs."""
    return await _one(visit)


@dataclass(frozen=True, slots=True)
class _Back:
    """A form that was refused, and what it was for."""

    what: str = ""
    form: Form = field(default_factory=Form)


async def _one(visit: Visit, back: _Back | None = None, status: int = 200) -> Response:
    back = back or _Back()
    id = _id(visit)
    found, uses, polls = await asyncio.gather(
        visit.caller.query("people", "GetIntegration", pb.GetIntegration(integration_id=id), pb.Integration),
        _uses(visit, id),
        or_none(visit.caller.query("checkins", "ListPolls", polls_pb2.ListPolls(integration_id=id), polls_pb2.Polls)),
    )
    who = await directory(visit, ids=_people(found))
    changes = visit.may("people.ChangeIntegration") and not found.HasField("revoked_at")
    change = back.form if back.what == "change" else form_of(found.integration)
    secret = None
    if changes and visit.request.query_params.get("secret"):
        asked = pb.GetSigningSecret(integration_id=id)
        secret = await visit.caller.query("people", "GetSigningSecret", asked, pb.SigningSecret)
    rotate = back.form if back.what == "rotate" else Form({"key_drawn": _draw(visit)})
    return visit.render(
        "integrations/integration.html",
        status,
        here=url_of(id),
        one=found,
        row=row(found, uses.get(id), who, visit),
        url=url_of(id),
        changes=changes,
        records=pb.INTEGRATION_VERB_RECORD in found.integration.scope.verbs,
        keeps=pb.INTEGRATION_VERB_KEEP_PEOPLE in found.integration.scope.verbs,
        roles=role_words(visit.language),
        polls=looks(polls, visit) if polls else None,
        secret=secret,
        base=visit.console.public(visit.request),
        form=change,
        opened=back.what,
        forms={
            "rotate": rotate,
            "stop": back.form if back.what == "stop" else Form(),
            "revoke": back.form if back.what == "revoke" else Form(),
        },
        **(await _to_choose(visit, change) if changes else {}),
    )


async def _to_choose(visit: Visit, filled: Form) -> dict[str, object]:
    """What a form about an integration offers."""
    cycles = await or_none(visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles))
    ordered = newest_first(cycles.cycles if cycles else ())
    wanted = filled["of_cycle"] if filled["of_cycle"] in {one.cycle_id for one in ordered} else ""
    cycle = choose_cycle(ordered, wanted, visit.today)
    taken = picked(filled)
    found: list[Picked] = []
    if cycle is not None:
        kpis = await or_none(listed(visit, cycle.cycle_id, text=filled["find_kpi"][:100], page_size=FOUND))
        had = {one.id for one in taken}
        found = [Picked(kpi.kpi_id, kpi.name) for kpi in kpis or () if kpi.kpi_id not in had]
    who = await directory(visit)
    return {
        "people": await people_to_choose(visit, filled["account"]),
        "units": units_to_choose(who),
        "cycles": ordered,
        "cycle": cycle,
        "picked": taken,
        "found": found,
        "objects": filled["objects"] or ALL,
    }


@routes.form(f"{LIST}/{{integration}}/change", page=f"{LIST}/{{integration}}")
async def change(visit: Visit) -> Response:
    """`POST /settings/integrations/<id>/change`."""
    filled = await sent(visit.request)

    async def again(form: Form, status: int) -> Response:
        return await _one(visit, _Back("change", form), status)

    async def deed(visit: Visit, filled: Form, facts: pb.IntegrationFacts, again: Again) -> Response:
        command = pb.ChangeIntegration(integration_id=_id(visit), integration=facts)
        said = visit.language.gettext("It is saved.")
        return await _send(visit, filled, "ChangeIntegration", command, said, again)

    return await _asked(visit, filled, again, deed)


@routes.form(f"{LIST}/{{integration}}/rotate", page=f"{LIST}/{{integration}}")
async def rotate(visit: Visit) -> Response:
    """`POST /settings/integrations/<id>/rotate`."""
    filled = await sent(visit.request)
    key = filled["key_drawn"] or _draw(visit)
    command = pb.RotateIntegrationKey(integration_id=_id(visit), key=known(key))
    return await _with_key(visit, filled, "RotateIntegrationKey", command, key, _again(visit, "rotate"))


@routes.form(f"{LIST}/{{integration}}/stop", page=f"{LIST}/{{integration}}")
async def stop(visit: Visit) -> Response:
    """`POST /settings/integrations/<id>/stop`."""
    filled = await sent(visit.request)
    command = pb.StopOldIntegrationKey(integration_id=_id(visit))
    said = visit.language.gettext("The old key is not good any more.")
    return await _send(visit, filled, "StopOldIntegrationKey", command, said, _again(visit, "stop"))


@routes.form(f"{LIST}/{{integration}}/revoke", page=f"{LIST}/{{integration}}")
async def revoke(visit: Visit) -> Response:
    """`POST /settings/integrations/<id>/revoke`."""
    filled = await sent(visit.request)
    if not filled.text("reason"):
        return await _again(visit, "revoke")(filled.wrong([Violation("reason", "MISSING")], visit.language), 422)
    reason = words_pb2.PersonalText(plain=filled.text("reason"))
    command = pb.RevokeIntegration(integration_id=_id(visit), reason=reason)
    said = visit.language.gettext("It is revoked: none of its keys is good any more.")
    return await _send(visit, filled, "RevokeIntegration", command, said, _again(visit, "revoke"))


def _again(visit: Visit, what: str) -> Again:
    async def again(form: Form, status: int) -> Response:
        return await _one(visit, _Back(what, form), status)

    return again


async def _send(visit: Visit, filled: Form, method: str, command: Message, said: str, again: Again) -> Response:
    fields = FIELDS | {"reason": "reason"}
    return await carry_out(visit, filled, "people", method, command, said, to=url_of, again=again, fields=fields)


def _id(visit: Visit) -> str:
    return visit.request.path_params["integration"]
