"""Addresses beside the handlers that answer them: what a feature gives to the gateway."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.gateway.console.visit import Console, Handler, Visit, page, public

Declare = Callable[[Handler], Handler]
Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    method: str
    path: str
    handler: Handler
    everybody: bool
    """It is also for who is not signed in."""


class Routes:
    """The addresses of a feature, in the order in which they are tried; those of its other modules may be included."""

    def __init__(self, *others: "Routes"):
        self.declared: list[Endpoint] = [endpoint for other in others for endpoint in other.declared]

    def page(self, path: str, *, everybody: bool = False) -> Declare:
        """Something to look at: for who is signed in, or for `everybody`."""
        return self._declare("GET", path, everybody)

    def form(self, path: str, *, page: str = "", everybody: bool = False) -> Declare:
        """What a form is sent to.

        Where nothing is to be seen at that address, a reload or the language switch, which ask for it, lead to `page`,
        which may name parts of the address: "/proposals/{proposal}".
        """
        if page:
            self.declared.append(Endpoint("GET", path, _leading_to(page), False))
        return self._declare("POST", path, everybody)

    def _declare(self, method: str, path: str, everybody: bool) -> Declare:
        def declare(handler: Handler) -> Handler:
            self.declared.append(Endpoint(method, path, handler, everybody))
            return handler

        return declare

    def over(self, console: Console, ended: Handler) -> list[Route]:
        """The routes over a console; `ended` answers a form that meets an ended session."""
        by_path: dict[str, dict[str, Answer]] = {}
        for one in self.declared:
            answer = public(console, one.handler) if one.everybody else page(console, one.handler, ended)
            by_path.setdefault(one.path, {})[one.method] = answer
        return [Route(path, _by_method(answers), methods=list(answers)) for path, answers in by_path.items()]


def _by_method(answers: Mapping[str, Answer]) -> Answer:
    """One route for a path, so that who asks for it by another method is told all that it answers."""

    async def answer(request: Request) -> Response:
        return await answers["GET" if request.method == "HEAD" else request.method](request)

    return answer


def _leading_to(page: str) -> Handler:
    async def back(visit: Visit) -> Response:
        parts = {name: quote(str(value), safe="") for name, value in visit.request.path_params.items()}
        return visit.redirect(page.format(**parts))

    return back
