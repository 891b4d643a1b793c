"""What a KPI supports or hinders beside what it serves first: on its page, in its history, in proposals (G-74)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.edges import Edge
from services.gateway.console.language import Language, decimal_of

HINDERS, SUPPORTS = types_pb2.EFFECT_HINDERS, types_pb2.EFFECT_SUPPORTS


@dataclass(frozen=True, slots=True)
class FurtherRow:
    kind: str
    """ "supports" or "hinders", whichever way."""
    word: str
    name: str
    url: str
    """Empty for goals and success factors, which have no page."""
    share: str
    """How much counts there; empty: nothing."""
    why: str


def effect_words(language: Language) -> dict[types_pb2.Effect.ValueType, str]:
    _ = language.gettext
    return {SUPPORTS: _("supports"), HINDERS: _("hinders")}


def further_rows(page: goals_pb2.KpiPage, language: Language, moment: Moment) -> tuple[FurtherRow, ...]:
    """Those that lead away first, then those that lead to it; what hinders before what supports."""
    _ = language.gettext
    away = {SUPPORTS: _("Supports"), HINDERS: _("Hinders")}
    here = {SUPPORTS: _("Is supported by"), HINDERS: _("Is hindered by")}
    rows: list[FurtherRow] = []
    for words, links in ((away, page.further), (here, page.further_from)):
        for link in sorted(links, key=lambda link: link.effect != HINDERS):
            url = moment.url(f"/kpi/{quote(link.other.kpi_id, safe='')}") if link.other.kpi_id else ""
            kind = "hinders" if link.effect == HINDERS else "supports"
            rows.append(FurtherRow(kind, words.get(link.effect, ""), link.name, url, _share(link, language), link.why))
    return tuple(rows)


def further_changes(
    before: Sequence[goals_pb2.NamedLink], after: Sequence[goals_pb2.NamedLink], language: Language
) -> Iterator[Edge]:
    """What is linked otherwise, as one line; nothing where both are the same."""
    if list(before) != list(after):
        word = language.gettext("Supports and hinders")
        yield Edge(word, further_text(before, language), further_text(after, language))


def further_text(links: Sequence[goals_pb2.NamedLink], language: Language) -> str:
    """ "supports Demo (40 %), hinders Renewals"; "–" for nothing."""
    words = effect_words(language)
    said = [
        f"{words.get(link.effect, '')} {link.name}" + (f" ({share})" if (share := _share(link, language)) else "")
        for link in links
    ]
    return ", ".join(said) or "–"


def _share(link: goals_pb2.NamedLink, language: Language) -> str:
    return language.amount(decimal_of(link, "share"), "%") if link.HasField("share") else ""
