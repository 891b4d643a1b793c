"""What stands across a page that does not show now: nobody may mistake the past for today."""

from dataclasses import dataclass

from starlette.responses import Response

from nhip.common.v1.time_pb2 import AsOf
from services.gateway.console.visit import Visit


@dataclass(frozen=True, slots=True)
class PastBar:
    headline: str
    clock: str
    back: str
    """The same page, today."""
    compared: str = ""
    """This day beside today; empty: it is not compared."""


def looked_back_at(visit: Visit) -> AsOf | None:
    """The moment that a page of people is asked for; None: now, as today and days to come are."""
    moment = visit.moment
    if moment.is_now or (moment.known is None and moment.on is not None and moment.on >= visit.today):
        return None
    return moment.message(visit.zone)


def past_bar(visit: Visit, past: bool, back: str, compared: str = "") -> PastBar | None:
    """The bar of a page whose answer is `past`; none for now."""
    moment, language = visit.moment, visit.language
    _ = language.gettext
    if not past:
        return None
    if moment.known is not None:
        at = language.instant(moment.known, visit.zone)
        return PastBar(_("Looking back at %(moment)s") % {"moment": at}, _("as it was known at that moment"), back)
    clock = (
        _("as it was known when that day ended") if moment.clock == "recorded" else _("by the day things took effect")
    )
    return PastBar(_("Looking back at %(moment)s") % {"moment": language.day(moment.on)}, clock, back, compared)


def nothing_yet(visit: Visit, back: str, *, kpi: bool = False, status: int = 200) -> Response:
    """The page of a day on which nothing had been recorded yet, or not this KPI: a sentence, and the way to today."""
    return visit.render("nothing_yet.html", status, bar=past_bar(visit, True, back), kpi=kpi)
