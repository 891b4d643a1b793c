"""The company's profile: its name, zone, language and logo; and the logo itself, for every page."""

import asyncio
from zoneinfo import available_timezones

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from nhip.common.v1 import command_pb2
from nhip.people.v1 import people_pb2, settings_pb2
from services.gateway.console.forms import Form, sent, sent_with_file
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.upstream import Caller

routes = Routes()


@routes.page("/company")
async def page(visit: Visit) -> Response:
    """`GET /company`."""
    return await _show(visit)


async def _show(visit: Visit, sent_back: tuple[str, Form] = ("", Form()), status: int = 200) -> Response:
    """The profile; `sent_back` is the form that was refused, by what it was for."""
    tenant = await visit.caller.query("people", "GetTenant", people_pb2.GetTenant(), people_pb2.Tenant)
    profile = Form({"name": tenant.name, "time_zone": tenant.time_zone, "language": tenant.language})
    forms = {"profile": profile, "logo": Form()} | ({sent_back[0]: sent_back[1]} if sent_back[0] else {})
    return visit.render(
        "settings/company.html",
        status,
        here="/company",
        tenant=tenant,
        forms=forms,
        zones=await asyncio.to_thread(_zones),
        may_change=visit.may("people.ChangeCompany"),
    )


def _zones() -> list[str]:
    """Zones by region and city; the others are old names and offsets."""
    return sorted(
        zone
        for zone in available_timezones()
        if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/", "right/"))
    )


@routes.form("/company")
async def change(visit: Visit) -> Response:
    """`POST /company`."""
    filled = await sent(visit.request)
    command = settings_pb2.ChangeCompany(
        name=filled.text("name"), time_zone=filled.text("time_zone"), language=filled["language"]
    )
    return await _send(
        visit, "profile", filled, "ChangeCompany", command, visit.language.gettext("The company's profile was saved.")
    )


@routes.form("/company/logo", page="/company")
async def draw(visit: Visit) -> Response:
    """`POST /company/logo`: another one, or none."""
    filled, image = await sent_with_file(visit.request, "image")
    _ = visit.language.gettext
    if filled["do"] == "remove":
        return await _send(
            visit, "logo", filled, "ChangeLogo", settings_pb2.ChangeLogo(), _("The logo was taken away.")
        )
    if not image:
        wrong = filled.wrong([Violation("image", "MISSING")], visit.language)
        return await _show(visit, ("logo", wrong), 422)
    command = settings_pb2.ChangeLogo(image=image)
    return await _send(visit, "logo", filled, "ChangeLogo", command, _("The logo was saved."))


async def _send(visit: Visit, form: str, filled: Form, method: str, command: Message, said: str) -> Response:
    try:
        accepted, position = await visit.caller.ask("people", method, command, command_pb2.Accepted, key=filled.key)
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        fields = {name: name for name in ("name", "time_zone", "language", "image")}
        return await _show(visit, (form, filled.refused(failure, visit.language, fields)), failure.http)
    if visit.session:
        visit.console.forget_company(visit.session.tenant)
    return visit.done("/company", accepted, position, said)


@routes.page("/logo/{digest}", everybody=True)
async def logo(visit: Visit) -> Response:
    """`GET /logo/<digest>`: to whoever is signed in, and, where the demo lets people pick themselves, before that."""
    identity = visit.console.identity
    if visit.session is not None:
        callers = [visit.caller]
    elif identity.issues:
        callers = [Caller(visit.console.upstream, identity.service_token(tenant)) for tenant in identity.tenants]
    else:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no such page")
    ask = (or_none(caller.query("people", "GetLogo", settings_pb2.GetLogo(), settings_pb2.Logo)) for caller in callers)
    digest = visit.request.path_params["digest"]
    found = next((logo for logo in await asyncio.gather(*ask) if logo and logo.digest == digest), None)
    if found is None:
        raise Failure("NOT_FOUND", "LOGO_UNKNOWN", "there is no such logo, or it is another one by now")
    headers = {
        # Another logo has another address. It is one company's: no cache that is shared keeps it.
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    return Response(found.image, media_type=found.media_type, headers=headers)
