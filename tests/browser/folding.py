"""A whole map as the service would fold it: by the service's own rule, so that what stands in for it does not drift."""

from decimal import Decimal

from nhip.goals.v1 import goals_pb2
from services.goals.queries.outline import Outline, Stub


def outline_of(reply: goals_pb2.GoalMap) -> Outline:
    return Outline({kpi.kpi_id: _stub(kpi, number) for number, kpi in enumerate(reply.kpis)})


def _stub(kpi: goals_pb2.Kpi, number: int) -> Stub:
    kind = kpi.parent.WhichOneof("target") or ""
    parent = getattr(kpi.parent, kind) if kind else ""
    target = Decimal(kpi.measure.target.value or "0")
    m = kpi.measure
    unit, volume = m.unit, m.volume_kpi_id
    return Stub(
        kpi.kpi_id,
        kpi.name,
        kpi.level,
        m.kind,
        m.direction,
        unit,
        target,
        volume,
        kind.removesuffix("_id"),
        parent,
        number,
    )


def folded(reply: goals_pb2.GoalMap, request: goals_pb2.GetMap) -> goals_pb2.GoalMap:
    """The part of a map that a request asks for; with counts of the whole."""
    outline = outline_of(reply)
    tops = [goal.goal_id for goal in reply.goals] + [csf.csf_id for csf in reply.csfs]
    if request.under_id:
        shown = set(outline.children.get(request.under_id, ()))
    else:
        shown = {*outline.unfolded(tops, request.open_ids, request.focus_ids), *outline.loose, *request.focus_ids}
    answer = goals_pb2.GoalMap()
    answer.CopyFrom(reply)
    del answer.kpis[:]
    answer.kpis.extend(kpi for kpi in reply.kpis if kpi.kpi_id in shown)
    for thing, id in (
        *((kpi, kpi.kpi_id) for kpi in answer.kpis),
        *((csf, csf.csf_id) for csf in answer.csfs),
        *((goal, goal.goal_id) for goal in answer.goals),
    ):
        thing.children, thing.below = len(outline.children.get(id, ())), outline.below(id)
    loose = set(outline.loose)
    for stub in outline.stubs.values():
        if stub.id not in loose:
            level = {1: "company", 2: "department", 3: "individual"}[stub.level]
            setattr(answer.counts, level, getattr(answer.counts, level) + 1)
    answer.counts.unaligned = len(loose)
    answer.whole = not request.under_id and len(shown) == len(outline.stubs)
    answer.shortfall_count = len(answer.shortfalls)
    for shortfall in answer.shortfalls:
        shortfall.kpi_name = outline.stubs[shortfall.kpi_id].name if shortfall.kpi_id in outline.stubs else ""
    return answer
