"""Who decides is shown what the sums come to once a proposal is carried out (G-67)."""

from collections.abc import Sequence
from decimal import Decimal

from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.reconciliation import Check
from services.goals.queries.outline import Outline, Stub
from services.goals.queries.proposal_sums import Asked, reconciled
from tests.unit.goals.kpis import individual

COUNT, RATE = t.MEASURE_KIND_CUMULATIVE, t.MEASURE_KIND_LEVEL
FAR_AWAY = "V"
"""A count of another branch."""


def sales(*, rate_of: str = "I1", added: Sequence[Stub] = ()) -> Outline:
    """A branch of counts and rates of them, and a count of 200 in another one. I3 is a rate of I1, or of another."""
    stubs = [
        stub("K1", t.LEVEL_COMPANY, "CSF1", 70, kind="csf"),
        stub("K2", t.LEVEL_COMPANY, "CSF2", 200, kind="csf"),
        stub("D1", t.LEVEL_DEPARTMENT, "K1", 100),
        stub("D2", t.LEVEL_DEPARTMENT, "K1", 70, volume="D1"),
        stub(FAR_AWAY, t.LEVEL_DEPARTMENT, "K2", 200),
        stub("I1", t.LEVEL_INDIVIDUAL, "D1", 80),
        stub("I2", t.LEVEL_INDIVIDUAL, "D1", 30),
        stub("I3", t.LEVEL_INDIVIDUAL, "D2", 60, volume=rate_of),
        stub("I4", t.LEVEL_INDIVIDUAL, "D2", 80, volume="I2"),
        *added,
    ]
    return Outline({one.id: one._replace(position=number) for number, one in enumerate(stubs)})


def stub(id: str, level: int, parent: str, target: int, *, kind: str = "kpi", volume: str = "") -> Stub:
    measured, unit = (RATE, "%") if volume else (COUNT, "demo")
    return Stub(id, id, level, measured, t.DIRECTION_INCREASE, unit, Decimal(target), volume, kind, parent, 0)


def proposed(asked: Asked) -> dict[tuple[str, int], str]:
    """What each sum would come to."""
    return {(one.kpi_id, one.kind): one.after.arithmetic for one in reconciled(asked) if one.HasField("after")}


def stand(outline: Outline) -> dict[tuple[str, int], str]:
    return {(one.kpi_id, one.kind): one.arithmetic for one in outline.found if isinstance(one, Check)}


def test_a_rate_counts_with_the_volume_that_it_would_be_a_rate_of_wherever_that_is():
    to_another = t.SaidChange(before=t.KpiSaid(volume_kpi_id="I1"), after=t.KpiSaid(volume_kpi_id=FAR_AWAY))
    sums = proposed(Asked(sales(), [t.TargetChange(kpi_id="I3", said=to_another)], []))
    assert sums["D2", pb.Shortfall.KIND_BLENDED_RATE] == "(200 × 60 % + 30 × 80 %) / 230"
    assert sums.items() <= stand(sales(rate_of=FAR_AWAY)).items()


def test_so_does_one_that_would_be_added():
    sums = proposed(Asked(sales(), [], [individual("I5", 50, "%", "D2", "minh", volume=FAR_AWAY)]))
    then = sales(added=[stub("I5", t.LEVEL_INDIVIDUAL, "D2", 50, volume=FAR_AWAY)])
    assert sums["D2", pb.Shortfall.KIND_BLENDED_RATE] == "(80 × 60 % + 30 × 80 % + 200 × 50 %) / 310"
    assert sums.items() <= stand(then).items()
