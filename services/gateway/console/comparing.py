"""A KPI on two days, side by side: what differs is marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from starlette.datastructures import QueryParams

from nhip.goals.v1 import goals_pb2
from services.gateway.console.as_of import Moment, parse_moment
from services.gateway.console.cards import kpi_card
from services.gateway.console.further import further_text
from services.gateway.console.language import Language, decimal_of
from services.gateway.console.visit import Visit

NONE = "–"


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing that is said of it, on both days."""

    word: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class ComparedKpi:
    name: str
    level_word: str
    url: str
    """As of the later day; where it is not there any more, of the earlier."""
    state: str
    """ "added", "gone", "changed", or "same"."""
    state_word: str
    parts: Sequence[Compared]


def compared_kpi(
    before: goals_pb2.Kpi | None,
    after: goals_pb2.Kpi | None,
    served: tuple[str, str],
    moments: tuple[Moment, Moment],
    language: Language,
    *,
    further: tuple[Sequence[goals_pb2.NamedLink], Sequence[goals_pb2.NamedLink]] = ((), ()),
    whole: bool,
) -> ComparedKpi:
    """`served`: what it serves is called on each day; `further`: what else it supports and hinders. `whole`: with what
    is the same, too."""
    _ = language.gettext
    shown, at = (after, moments[1]) if after is not None else (before, moments[0])
    assert shown is not None
    card = kpi_card(shown, language, at)
    if before is None:
        state, word = "added", _("not there yet")
    elif after is None:
        state, word = "gone", _("not there any more")
    else:
        state, word = "changed", _("changed")
    sides = _said(before, served[0], further[0], language), _said(after, served[1], further[1], language)
    parts = [Compared(word, sides[0].get(word, NONE), sides[1].get(word, NONE)) for word in {**sides[0], **sides[1]}]
    differing = [part for part in parts if part.differs]
    if before is not None and after is not None and not differing:
        # In a list stands only what changed: its links or how it is measured, which its own page says.
        state, word = ("same", _("the same")) if whole else ("changed", _("changed in what its page says"))
    chosen = parts if whole or before is None or after is None else differing
    return ComparedKpi(card.name, card.level_word, card.url, state, word, chosen)


def _said(
    kpi: goals_pb2.Kpi | None, serves: str, further: Sequence[goals_pb2.NamedLink], language: Language
) -> dict[str, str]:
    """What there is to say of it on a day, by what that is called."""
    if kpi is None:
        return {}
    _ = language.gettext
    card = kpi_card(kpi, language, Moment())
    unit = kpi.measure.unit
    numbers = {
        _("Value"): decimal_of(kpi.standing, "current"),
        _("Floor"): decimal_of(kpi.measure, "floor"),
        _("Stretch"): decimal_of(kpi.measure, "stretch"),
        _("Start"): decimal_of(kpi.measure, "baseline"),
    }
    target = decimal_of(kpi.measure, "target")
    said = {
        _("Name"): kpi.name,
        _("Target"): language.amount(target, unit),
        **{word: language.amount(value, unit) for word, value in numbers.items() if value is not None},
        _("Status"): card.status.word,
        _("Confidence"): f"{kpi.standing.confidence}/10" if kpi.standing.confidence else NONE,
        _("Who answers for it"): card.owner_names or NONE,
        _("Who helps"): ", ".join(language.words(helper.name) for helper in kpi.helpers),
        _("Who judges it"): language.words(kpi.evaluator.name) if kpi.HasField("evaluator") else "",
        _("Weight"): card.weight or NONE,
        _("Whose it is"): kpi.unit_name,
        _("Serves"): serves or NONE,
        _("Supports and hinders"): further_text(further, language) if further else "",
        _("The whole sentence"): kpi.statement,
    }
    return {word: text for word, text in said.items() if text}


def days_asked(visit: Visit, *, first: date) -> tuple[Moment, Moment]:
    """The two days that an address names as `a` and `b`, by the clock that it names; without them `first`, and
    today."""
    parameters = visit.request.query_params
    found: list[Moment] = []
    for name, otherwise in (("a", first), ("b", visit.today)):
        asked = {"on": parameters.get(name, ""), "clock": parameters.get("clock", "")}
        moment = parse_moment(QueryParams(asked))
        found.append(Moment(moment.on or min(otherwise, visit.today), moment.clock))
    before, after = sorted(found, key=lambda moment: moment.on or visit.today)
    return before, after
