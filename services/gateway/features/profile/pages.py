"""One's own page: who one is here, how notices reach one, and the way to be erased."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import available_timezones

from starlette.responses import Response

from eventkit.errors import Violation
from nhip.common.v1 import command_pb2, words_pb2
from nhip.notifications.v1 import notifications_pb2, types_pb2
from nhip.people.v1 import people_pb2
from services.gateway.console.cards import Avatar
from services.gateway.console.directory import directory
from services.gateway.console.erasures import ErasureRow, own_erasure
from services.gateway.console.events import choice_word
from services.gateway.console.forms import Form, sent
from services.gateway.console.language import Language, erased
from services.gateway.console.routes import Routes
from services.gateway.console.visit import LANGUAGE_COOKIE, Visit, or_none
from services.gateway.failures import Failure

routes = Routes()

KINDS = (
    types_pb2.NOTICE_KIND_PROPOSAL_WAITING,
    types_pb2.NOTICE_KIND_PROPOSAL_DECIDED,
    types_pb2.NOTICE_KIND_KPI_CHANGED,
    types_pb2.NOTICE_KIND_PROGRESS_STALE,
    types_pb2.NOTICE_KIND_STANDS_IN,
    types_pb2.NOTICE_KIND_PRAISE_RECEIVED,
    types_pb2.NOTICE_KIND_GIFT,
    types_pb2.NOTICE_KIND_ERASURE_WAITING,
    types_pb2.NOTICE_KIND_ERASURE_DECIDED,
    types_pb2.NOTICE_KIND_PLAN_REFUSED,
    types_pb2.NOTICE_KIND_PROGRESS_CORRECTED,
    types_pb2.NOTICE_KIND_INVITED,
    types_pb2.NOTICE_KIND_INVITATION_ACCEPTED,
    types_pb2.NOTICE_KIND_PROPOSAL_COMMENTED,
    types_pb2.NOTICE_KIND_PROPOSAL_EXPIRED,
    types_pb2.NOTICE_KIND_CHECK_IN_DUE,
    types_pb2.NOTICE_KIND_CHECK_IN_SUBMITTED,
    types_pb2.NOTICE_KIND_CHECK_IN_ANSWERED,
    types_pb2.NOTICE_KIND_TOPIC_ASKED,
    types_pb2.NOTICE_KIND_TOPIC_ANSWERED,
    types_pb2.NOTICE_KIND_TOPIC_UNANSWERED,
    types_pb2.NOTICE_KIND_RETRO_BEGUN,
    types_pb2.NOTICE_KIND_TEAM_RETRO_OPENED,
    types_pb2.NOTICE_KIND_CARDS_REVEALED,
    types_pb2.NOTICE_KIND_RETRO_SHARED,
    types_pb2.NOTICE_KIND_ACTION_AGREED,
    types_pb2.NOTICE_KIND_ACTION_DUE,
    types_pb2.NOTICE_KIND_ACTION_REPORTED,
    types_pb2.NOTICE_KIND_ACTION_ANSWERED,
    types_pb2.NOTICE_KIND_ACTION_DROPPED,
    types_pb2.NOTICE_KIND_MEETING_CALLED,
    types_pb2.NOTICE_KIND_MEETING_CHANGED,
    types_pb2.NOTICE_KIND_REVIEW_OPENED,
    types_pb2.NOTICE_KIND_REVIEW_SELF_SENT,
    types_pb2.NOTICE_KIND_REVIEW_MANAGER_SENT,
    types_pb2.NOTICE_KIND_MEETING_ANSWERED,
)
MODES = ("OFF", "AT_ONCE", "DIGEST")
QUIET_FROM, QUIET_TO, DIGEST_AT = 20, 7, 8
"""Where nothing was chosen, as the contract has it."""


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind of notice in the form."""

    name: str
    """As in the fields' names: "GIFT"."""
    word: str


@dataclass(frozen=True, slots=True)
class Me:
    avatar: Avatar
    title: str
    unit: str
    manager: Avatar | None
    email: str
    email_erased: bool


@routes.page("/profile")
async def page(visit: Visit) -> Response:
    """`GET /profile`."""
    return await show(visit)


async def show(visit: Visit, email: Form | None = None, settings: Form | None = None, status: int = 200) -> Response:
    """The page, with a form that was sent back where there is one."""
    me, preferences, erasure = await asyncio.gather(
        visit.caller.query("people", "GetPerson", people_pb2.GetPerson(person_id=visit.person), people_pb2.Person),
        or_none(
            visit.caller.query(
                "notifications", "GetPreferences", notifications_pb2.GetPreferences(), notifications_pb2.PreferencesPage
            )
        ),
        own_erasure(visit),
    )
    manager = me.place.manager_id
    who = await directory(visit, me)
    shown = Me(
        avatar=who.person(me.person_id),
        title=visit.language.words(me.title),
        unit=who.unit(me.place.unit_id).name if me.place.unit_id else "",
        manager=who.person(manager) if manager else None,
        email=me.email.plain,
        email_erased=erased(me.email),
    )
    if settings is None and preferences is not None:
        settings = Form(preference_values(preferences.preferences, visit.language))
    ending: ErasureRow | None = erasure
    return visit.render(
        "profile/profile.html",
        status,
        here="/profile",
        me=shown,
        email=email or Form({"email": me.email.plain}),
        settings=settings if preferences is not None else None,
        email_works=preferences.email_works if preferences else False,
        mailed_to=preferences.email.plain if preferences else "",
        kinds=kind_rows(visit.language),
        modes=MODES,
        zones=zones(),
        company_zone=str(visit.zone),
        hours=range(24),
        erasure=ending,
    )


def kind_rows(language: Language) -> Sequence[KindRow]:
    names = [types_pb2.NoticeKind.Name(kind) for kind in KINDS]
    return [KindRow(name.removeprefix("NOTICE_KIND_"), choice_word(name, language)) for name in names]


def zones() -> Sequence[str]:
    """Zones by region and city; the others are old names and offsets."""
    return sorted(
        zone
        for zone in available_timezones()
        if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/", "right/"))
    )


def preference_values(preferences: types_pb2.Preferences, language: Language) -> dict[str, str]:
    """The form's values for what is set."""
    values = {
        "time_zone": preferences.time_zone,
        "quiet_from": str(preferences.quiet_from if preferences.HasField("quiet_from") else QUIET_FROM),
        "quiet_to": str(preferences.quiet_to if preferences.HasField("quiet_to") else QUIET_TO),
        "digest_at": str(preferences.digest_at if preferences.HasField("digest_at") else DIGEST_AT),
        "language": preferences.language or language.code,
    }
    for channels in preferences.channels:
        name = types_pb2.NoticeKind.Name(channels.kind).removeprefix("NOTICE_KIND_")
        values[f"inbox.{name}"] = "1" if channels.inbox else ""
        values[f"email.{name}"] = types_pb2.EmailMode.Name(channels.email).removeprefix("EMAIL_MODE_")
    return values


def read(filled: Form) -> tuple[types_pb2.Preferences, list[Violation]]:
    """What a form sets."""
    wrong: list[Violation] = []

    def hour(name: str) -> int:
        typed = filled.text(name)
        if typed.isascii() and typed.isdigit() and int(typed) < 24:
            return int(typed)
        wrong.append(Violation(name, "NOT_AN_HOUR"))
        return 0

    channels: list[types_pb2.Channels] = []
    for kind in KINDS:
        name = types_pb2.NoticeKind.Name(kind).removeprefix("NOTICE_KIND_")
        mode = filled[f"email.{name}"]
        if mode not in MODES:
            wrong.append(Violation(f"email.{name}", "MISSING"))
            continue
        email = types_pb2.EmailMode.Value(f"EMAIL_MODE_{mode}")
        channels.append(types_pb2.Channels(kind=kind, inbox=bool(filled[f"inbox.{name}"]), email=email))
    return types_pb2.Preferences(
        channels=channels,
        time_zone=filled.text("time_zone"),
        quiet_from=hour("quiet_from"),
        quiet_to=hour("quiet_to"),
        digest_at=hour("digest_at"),
        language=filled["language"],
    ), wrong


@routes.form("/profile/email", page="/profile")
async def change_email(visit: Visit) -> Response:
    """`POST /profile/email`; empty: none any more."""
    filled = await sent(visit.request)
    typed = filled.text("email")
    request = people_pb2.ChangeEmail(
        person_id=visit.person, email=words_pb2.PersonalText(plain=typed) if typed else None
    )
    try:
        accepted, position = await visit.caller.ask(
            "people", "ChangeEmail", request, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status in ("UNAUTHENTICATED", "NOT_FOUND"):
            raise
        return await show(visit, email=filled.refused(failure, visit.language, {"email": "email"}), status=failure.http)
    return visit.done("/profile", accepted, position, visit.language.gettext("Your e-mail address was saved."))


@routes.form("/profile/settings", page="/profile")
async def change_preferences(visit: Visit) -> Response:
    """`POST /profile/settings`: how notices reach one, and the language of both e-mails and the console."""
    filled = await sent(visit.request)
    preferences, wrong = read(filled)
    if wrong:
        return await show(visit, settings=filled.wrong(wrong, visit.language), status=422)
    request = notifications_pb2.ChangePreferences(preferences=preferences)
    try:
        accepted, position = await visit.caller.ask(
            "notifications", "ChangePreferences", request, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status in ("UNAUTHENTICATED", "NOT_FOUND"):
            raise
        fields = {
            f"preferences.{name}": name for name in ("time_zone", "quiet_from", "quiet_to", "digest_at", "language")
        }
        return await show(visit, settings=filled.refused(failure, visit.language, fields), status=failure.http)
    response = visit.done("/profile#notices", accepted, position, visit.language.gettext("Your settings were saved."))
    if preferences.language in visit.console.languages:
        response.set_cookie(LANGUAGE_COOKIE, preferences.language, max_age=365 * 86400, samesite="lax", httponly=True)
    return response
