"""What is typed is kept while somebody writes: the script sends a form as it stands, and is answered in JSON."""

from typing import Any

from starlette.responses import JSONResponse, Response

from services.gateway.console.visit import Visit


def by_script(visit: Visit) -> bool:
    return visit.request.headers.get("x-requested-with") == "fetch"


def kept(visit: Visit, revision: int, *, position: str = "", written: bool = False, refused: str = "") -> Response:
    """What became of it: the revision that stands by now, which goes with what is typed next, and when it was kept, or
    why it was not. `written`: there is something new."""
    now = visit.console.clock().astimezone(visit.zone)
    said = visit.language.gettext("Kept at %(time)s") % {"time": f"{now:%H:%M}"}
    told: dict[str, Any] = {"revision": revision, "said": refused or said, "written": written}
    response = JSONResponse(told, headers={"Cache-Control": "no-store"})
    visit.remember(response, position)
    return response
