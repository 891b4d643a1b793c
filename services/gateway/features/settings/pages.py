"""Settings: which numbers govern this company, whether they are its own, who changed them and why; changing them."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal

from starlette.responses import Response

from eventkit.errors import Violation
from nhip.common.v1 import command_pb2, words_pb2
from nhip.people.v1 import settings_pb2
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form, date_message, sent
from services.gateway.console.routes import Routes
from services.gateway.console.setting_words import setting_value
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.features.settings import company
from services.gateway.features.settings.asked import is_whole, settings_with
from services.gateway.features.settings.effect import effect
from services.gateway.features.settings.rows import Row, View, elsewhere, groups, past, rows, shown

routes = Routes(company.routes)
HISTORY, CHANGES = 5, 50
"""Changes of one setting beside its form; of all of them on a page."""
_FIELDS = {"to_default[0]": "value", "to_default": "value", "reason": "reason", "effective_on": "on"}


@routes.page("/settings")
async def listing(visit: Visit) -> Response:
    """`GET /settings`: one group, what is searched for, or what is changed; one of them open."""
    query = visit.request.query_params
    view = View(query.get("group", ""), query.get("text", "")[:120], bool(query.get("changed")))
    return await _show(visit, view, query.get("open", ""))


@routes.page("/settings/changes")
async def changes(visit: Visit) -> Response:
    """`GET /settings/changes`: how all of them were changed, the newest first."""
    asked = settings_pb2.ListSettingChanges(page_size=CHANGES, page_token=visit.request.query_params.get("after", ""))
    page, found = await asyncio.gather(
        _settings(visit),
        visit.caller.query("people", "ListSettingChanges", asked, settings_pb2.SettingChanges),
    )
    who = await directory(visit, ids=[change.by for change in found.changes])
    return visit.render(
        "settings/changes.html",
        changes=past(found, _units(page), who, visit),
        more=f"/settings/changes?after={found.next_page_token}" if found.next_page_token else "",
    )


@routes.form("/settings/{setting}", page="/settings?open={setting}")
async def change(visit: Visit) -> Response:
    """`POST /settings/<name>`: a new number, the default again, or only what a number would do."""
    filled, name = await sent(visit.request), visit.request.path_params["setting"]
    view = View(filled["group"], filled["text"], bool(filled["changed"]))
    page = await _settings(visit)
    row = next((row for row in rows(page, visit.language) if row.name == name), None)
    if row is None:
        raise Failure("NOT_FOUND", "SETTING_UNKNOWN", f"there is no setting {name!r}")
    wrong: list[Violation] = []
    back = filled["do"] == "default"
    value = None if back else _value(filled, name, wrong, visit)
    on = filled.day("on", wrong) or visit.today + timedelta(days=1)
    if filled["do"] == "effect":
        return await _show(visit, view, name, filled, value=value)
    if not filled.text("reason"):
        wrong.append(Violation("reason", "MISSING"))
    if wrong:
        return await _show(visit, view, name, filled.wrong(wrong, visit.language), 422)
    command = settings_pb2.ChangeSettings(
        values=None if value is None else settings_with(name, value),
        to_default=[name] if back else [],
        reason=words_pb2.PersonalText(plain=filled.text("reason")),
        effective_on=date_message(on),
    )
    try:
        accepted, position = await visit.caller.ask(
            "people", "ChangeSettings", command, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        fields = {**_FIELDS, f"values.{name}": "value"}
        return await _show(visit, view, name, filled.refused(failure, visit.language, fields), failure.http)
    return visit.done(view.url(name), accepted, position, _said(visit, page, row, value, on))


@routes.form("/settings/{setting}/effect", page="/settings?open={setting}")
async def look(visit: Visit) -> Response:
    """`POST /settings/<name>/effect`: what the number that is typed would do, as a piece of the page."""
    filled, name = await sent(visit.request), visit.request.path_params["setting"]
    row = next((row for row in rows(await _settings(visit), visit.language) if row.name == name), None)
    value = _value(filled, name, [], visit)
    found = await effect(visit, name, row.group, value) if row else None
    return visit.render("settings/effect.html", effect=found)


def _value(filled: Form, name: str, wrong: list[Violation], visit: Visit) -> Decimal | None:
    """The number as typed; None, and why in `wrong`, for what cannot be asked for."""
    value = filled.number("value", wrong, visit.language)
    if value is None:
        if not wrong:
            wrong.append(Violation("value", "MISSING"))
    elif is_whole(name) and (value != int(value) or not 0 <= value < 2**32):
        wrong.append(Violation("value", "NOT_A_COUNT"))
        return None
    return value


def _said(visit: Visit, page: settings_pb2.SettingsPage, row: Row, value: Decimal | None, on: date) -> str:
    _ = visit.language.gettext
    day, unit = visit.language.day(on), _units(page)[row.name]
    if value is None:
        return _("%(name)s is the default again, %(value)s, from %(day)s on.") % {
            "name": row.label,
            "value": row.default,
            "day": day,
        }
    shown_value = setting_value(value, unit, visit.language)
    return _("%(name)s is %(value)s from %(day)s on.") % {"name": row.label, "value": shown_value, "day": day}


async def _settings(visit: Visit) -> settings_pb2.SettingsPage:
    return await visit.caller.query("people", "GetSettings", settings_pb2.GetSettings(), settings_pb2.SettingsPage)


def _units(page: settings_pb2.SettingsPage) -> dict[str, str]:
    return {state.name: state.unit for state in page.settings}


async def _show(
    visit: Visit, view: View, open: str, filled: Form | None = None, status: int = 200, *, value: Decimal | None = None
) -> Response:
    """The page; `filled` is the form of the open setting as it was sent, `value` what it would do."""
    page = await _settings(visit)
    all_rows = rows(page, visit.language)
    all_groups = groups(all_rows, visit.language)
    opened = next((row for row in all_rows if row.name == open), None)
    if not view.text and not view.changed:
        wanted = opened.group if opened else view.group
        known = [group.key for group in all_groups]
        view = View(wanted if wanted in known else known[0])
    history = None
    if opened and visit.may("people.ListSettingChanges"):
        asked = settings_pb2.ListSettingChanges(name=open, page_size=HISTORY)
        found = await or_none(visit.caller.query("people", "ListSettingChanges", asked, settings_pb2.SettingChanges))
        who = await directory(visit, ids=[change.by for change in found.changes]) if found else None
        history = past(found, _units(page), who, visit) if found and who else None
    tomorrow = visit.today + timedelta(days=1)
    form = filled or Form({"value": opened.number if opened else "", "reason": "", "on": tomorrow.isoformat()})
    return visit.render(
        "settings/settings.html",
        status,
        here=view.url(open),
        view=view,
        groups=all_groups,
        shown=shown(all_groups, view),
        elsewhere=elsewhere(all_groups, view),
        own=sum(row.own for row in all_rows),
        count=len(all_rows),
        open=open,
        form=form,
        may_change=visit.may("people.ChangeSettings"),
        may_see_changes=visit.may("people.ListSettingChanges"),
        history=history,
        today=visit.today.isoformat(),
        first_day=visit.language.short_day(_day(form["on"]) or tomorrow),
        effect=await effect(visit, open, opened.group, value) if opened else None,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
