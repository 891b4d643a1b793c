"""Further links with the names of what they lead to (G-74)."""

from collections.abc import Callable, Iterable, Mapping

from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.alignment import target_of
from services.goals.queries.outline import Outline

MOST = 50
"""Of those that support or hinder one KPI that its page names."""


def named_link(link: t.FurtherLink, other: t.Parent, name: str) -> pb.NamedLink:
    """`other`: what is at the end that one looks from."""
    share = link.share if link.HasField("share") else None
    return pb.NamedLink(other=other, name=name, effect=link.effect, share=share, why=link.why)


def named_links(links: Iterable[t.FurtherLink], called: Callable[[t.Parent], str]) -> list[pb.NamedLink]:
    return [named_link(link, link.to, called(link.to)) for link in links]


def coming(kpi_id: str, outline: Outline, further: Mapping[str, Iterable[t.FurtherLink]]) -> list[pb.NamedLink]:
    """Those that lead to a KPI. `further`: what the KPIs that they come from support or hinder."""
    return [
        named_link(link, t.Parent(kpi_id=id), outline.stubs[id].name)
        for id in outline.linked_from.get(kpi_id, ())[:MOST]
        for link in further.get(id, ())
        if target_of(link.to) == kpi_id
    ]
