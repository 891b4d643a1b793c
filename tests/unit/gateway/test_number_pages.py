"""What the console makes of numbers: what a target is for, money, the longest numbers, and one that cannot be shown at
all."""

from datetime import UTC, date, datetime
from decimal import Decimal

import httpx
import pytest
from google.type import decimal_pb2

from eventkit.telemetry import UNSHOWN
from nhip.audit.v1 import audit_pb2
from nhip.common.v1 import words_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console import cards
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import kpi_card, shortfall_foot
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.forms import Form
from services.gateway.console.language import Language
from services.gateway.console.scale import scale
from services.gateway.features.kpi.pages import said_of
from services.gateway.features.proposals.drafting import read
from services.gateway.features.proposals.reconciliation import arithmetic

from .conftest import Backend
from .test_forms import OWN

VI, EN = Language("vi"), Language("en")
NBSP = "\u00a0"
LONGEST = "9" * 30
REACH, BUDGET, CEILING, BAND = goals_pb2.AIM_REACH, goals_pb2.AIM_BUDGET, goals_pb2.AIM_CEILING, goals_pb2.AIM_BAND


def number(value: str | None) -> decimal_pb2.Decimal | None:
    return None if value is None else decimal_pb2.Decimal(value=value)


def kpi(
    aim: "goals_pb2.Aim.ValueType", current: str, target: str, *, unit: str = "đ", id: str = "k", **standing: object
) -> goals_pb2.Kpi:
    measure = types_pb2.Measure(unit=unit, target=number(target), kind=types_pb2.MEASURE_KIND_CUMULATIVE)
    stands = goals_pb2.Standing(aim=aim, current=number(current), status=goals_pb2.STATUS_AT_RISK, **standing)  # type: ignore[arg-type]
    return goals_pb2.Kpi(
        kpi_id=id, name=f"KPI {id}", level=types_pb2.LEVEL_INDIVIDUAL, measure=measure, standing=stands
    )


def page_of(shown: goals_pb2.Kpi) -> goals_pb2.KpiPage:
    page = goals_pb2.KpiPage(kpi=shown, cycle=goals_pb2.Cycle(cycle_id="q1", name="Q1"), may_propose=True)
    for day, month, of in ((page.cycle.starts_on, 1, 1), (page.cycle.ends_on, 3, 31), (page.as_of.effective_on, 3, 20)):
        day.year, day.month, day.day = 2025, month, of
    point = page.trend.add(value=shown.standing.current, confidence=5)
    step = page.targets.add(target=shown.measure.target)
    for day in (point.occurred_on, step.effective_on):
        day.year, day.month, day.day = 2025, 2, 1
    return page


# --- what a target is for ---


@pytest.mark.parametrize(
    ("shown", "target", "filled", "remark", "said"),
    [
        (kpi(REACH, "44", "50", progress=number("0.88")), "50", "88", "", ""),
        (
            kpi(BUDGET, "130", "100", used=number("1.3"), progress=number("1.3")),
            f"≤{NBSP}100",
            "100",
            "over by 30",
            f"Used 130{NBSP}đ of 100{NBSP}đ: over by 30.",
        ),
        (
            kpi(BUDGET, "40", "100", used=number("0.4")),
            f"≤{NBSP}100",
            "40",
            "",
            f"Used 40{NBSP}đ of 100{NBSP}đ: 60{NBSP}đ left.",
        ),
        (
            kpi(CEILING, "12", "10", unit="%", no_share=goals_pb2.NO_SHARE_CEILING),
            f"≤{NBSP}10%",
            "0",
            "over by 2 percentage points",
            "12%, at most 10%: over by 2 percentage points. There is no percentage: a ceiling is kept or not.",
        ),
        (
            kpi(REACH, "-100", "-50", no_share=goals_pb2.NO_SHARE_TARGET_NOT_ABOVE_ZERO),
            "−50",
            "0",
            "",
            "There is no percentage: the target is not above zero, and no start is known.",
        ),
    ],
)
def test_a_card_says_what_its_target_is_for(shown: goals_pb2.Kpi, target: str, filled: str, remark: str, said: str):
    card = kpi_card(shown, EN, Moment())
    assert (card.target, card.bar.filled, card.remark, said_of(shown, EN)) == (target, Decimal(filled), remark, said)


def test_a_band_is_shown_from_where_to_where():
    shown = kpi(BAND, "13", "10", no_share=goals_pb2.NO_SHARE_BAND)
    shown.measure.floor.value, shown.measure.stretch.value = "8", "12"
    assert kpi_card(shown, VI, Moment()).target == "8–12"
    assert "cần giữ ở mức 8–12" in said_of(shown, VI)
    drawn = scale(shown.measure, BAND, Decimal(13), EN)
    assert [(band.word, band.range) for band in drawn.bands] == [
        ("Too low", "< 8"),
        ("Kept", "8 – 12"),
        ("Too high", "> 12"),
    ]
    assert drawn.bands[2].start < (drawn.at or 0)


def test_a_budget_that_is_passed_reads_so_everywhere():
    page = page_of(kpi(BUDGET, "130", "100", used=number("1.3")))
    assert "vượt 30" in said_of(page.kpi, VI)
    over = goals_pb2.Shortfall(kpi_id="k", reached=number("140"), wanted=number("100"), over=True)
    foot = shortfall_foot(over, VI)
    assert (foot.comparison, foot.gap) == ("140 > 100", "vượt 40")
    assert "vượt 40" in foot.said


@pytest.mark.parametrize(
    ("after", "not_checked", "short", "unsure"),
    [
        ({"reached": "140", "wanted": "100", "over": True}, 0, True, False),
        ({"reached": "80", "wanted": "100"}, 0, False, False),
        (None, goals_pb2.NotChecked.REASON_UNITS_DIFFER, False, True),
    ],
)
def test_sums_over_a_budget_and_sums_that_cannot_be_checked_do_not_look_right(
    after: dict[str, object] | None, not_checked: int, short: bool, unsure: bool
):
    made = goals_pb2.Reconciliation(kpi_id="k", kpi_name="K", not_checked=not_checked)  # type: ignore[arg-type] # the enum's number
    if after is not None:
        made.after.reached.value, made.after.wanted.value = str(after["reached"]), str(after["wanted"])
        made.after.over = bool(after.get("over"))
    sums = arithmetic([made], VI)
    assert (bool(sums.short), sums.unsure) == (short, unsure)


def test_a_card_whose_parts_cannot_be_added_up_says_so():
    why = goals_pb2.NotChecked(kpi_id="k", reason=goals_pb2.NotChecked.REASON_VOLUME_MISSING)
    assert (
        kpi_card(kpi(REACH, "1", "2"), EN, Moment(), (), [why]).remark == "not checked: rates below lack their volume"
    )


# --- money, and the longest numbers ---


def test_money_fits_on_a_card_and_is_exact_beside_it():
    card = kpi_card(kpi(REACH, "11999999999", "12000000000"), VI, Moment())
    assert (card.current, card.target, card.exact) == (f"11,99{NBSP}tỷ", f"12{NBSP}tỷ", "11.999.999.999/12.000.000.000")
    assert kpi_card(kpi(REACH, "44", "50"), VI, Moment()).exact == ""
    hidden = goals_pb2.Shortfall(reached=number("11999999999"), wanted=number("11999999999.5"))
    assert shortfall_foot(hidden, VI).comparison == "11.999.999.999 < 11.999.999.999,5"


@pytest.mark.parametrize("aim", [REACH, BUDGET, CEILING, BAND])
@pytest.mark.parametrize("value", [LONGEST, f"-{LONGEST}", "0." + "1" * 30, "9" * 400])
async def test_no_number_that_was_ever_stored_takes_a_page(
    signed_in: httpx.AsyncClient, backend: Backend, value: str, aim: int
):
    long = kpi(aim, value, "70", expected=number(value), progress=number(value), used=number(value))  # type: ignore[arg-type]
    long.measure.floor.value = value
    page = page_of(long)
    short = goals_pb2.Shortfall(kpi_id="k", reached=number(value), wanted=number("70"), arithmetic=f"{value} + 1")
    page.shortfalls.append(short)
    entry = goals_pb2.HistoryEntry(
        event_id="e", what="ProgressRecorded", after=f"{value} đ", number_after=number(value), unit="đ"
    )
    proposed = goals_pb2.Proposal(
        proposal_id="p", state=types_pb2.PROPOSAL_STATE_PROPOSED, title=words_pb2.PersonalText(plain="Bớt")
    )
    proposed.changes.add(kpi=long, before=number(value), after=number("1"))
    proposed.reconciliations.add(kpi_id="k", kpi_name="K").after.reached.value = value
    ledger = audit_pb2.Entries(
        entries=[audit_pb2.Entry(event_id="e", type="nhip.checkins.v1.ProgressRecorded", position=1)]
    )
    ledger.entries[0].values.add(path="after.value", text=value)
    backend.answers("GetKpi", page)
    backend.answers("GetKpiHistory", goals_pb2.KpiHistory(entries=[entry]))
    backend.answers("ListCycles", goals_pb2.Cycles(cycles=[page.cycle]))
    backend.answers("GetMap", goals_pb2.GoalMap(cycle=page.cycle, kpis=[long], shortfalls=[short]))
    backend.answers("ListProposals", goals_pb2.Proposals(proposals=[proposed]))
    backend.answers("GetProposal", proposed)
    backend.answers("SearchLedger", ledger)
    backend.answers("GetSubjectHistory", ledger)
    before = shown_not()
    forms = ("/kpi/k/progress", "/proposals/new", "/proposals/new?kpi=k")
    for path in ("/map", "/kpi/k", *forms, "/proposals", "/proposals/p", "/audit/subjects/kpi/k"):
        answer = await signed_in.get(path)
        assert answer.status_code == 200, path
    assert shown_not() == before


def shown_not() -> float:
    return sum(sample.value for metric in UNSHOWN.collect() for sample in metric.samples)


async def test_what_cannot_be_shown_is_shown_as_such_and_counted(
    signed_in: httpx.AsyncClient, backend: Backend, monkeypatch: pytest.MonkeyPatch
):
    made = cards._kpi_card  # pyright: ignore[reportPrivateUsage]

    def breaks(shown: goals_pb2.Kpi, *more: object) -> cards.KpiCard:
        if shown.HasField("measure") and shown.kpi_id == "bad":
            raise ArithmeticError("stored long ago")
        return made(shown, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(cards, "_kpi_card", breaks)
    page = page_of(kpi(REACH, "1", "2"))
    said = goals_pb2.Kpi(kpi_id="unshown", name="KPI unshown", level=types_pb2.LEVEL_INDIVIDUAL, unshown=True)
    kpis = [kpi(REACH, "1", "2", id="good"), kpi(REACH, "1", "2", id="bad"), said]
    backend.answers("ListCycles", goals_pb2.Cycles(cycles=[page.cycle]))
    backend.answers("GetMap", goals_pb2.GoalMap(cycle=page.cycle, kpis=kpis))
    before = shown_not()
    answer = await signed_in.get("/map")
    assert answer.status_code == 200
    assert all(f"KPI {id}" in answer.text for id in ("good", "bad", "unshown"))
    assert answer.text.count("Không hiển thị được") == 2
    assert shown_not() > before


# --- numbers that are typed ---


@pytest.mark.parametrize(
    ("language", "typed", "said"),
    [
        ("vi", "1.200", f"= 1.200 (1,2{NBSP}nghìn)"),
        ("en", "1.200", "= 1.2"),
        ("vi", "12000000000", f"= 12.000.000.000 (12{NBSP}tỷ)"),
        ("vi", "1,2", "= 1,2"),
        ("vi", "12.34,5", ""),
        ("vi", "", ""),
    ],
)
async def test_a_number_is_said_back_in_full_while_it_is_typed(
    client: httpx.AsyncClient, language: str, typed: str, said: str
):
    client.cookies.set("nhip-language", language)
    answer = await client.get("/number", params={"text": typed})
    assert (answer.status_code, answer.text) == (200, said)


async def test_without_script_a_form_that_comes_back_says_its_numbers(signed_in: httpx.AsyncClient, backend: Backend):
    backend.answers("GetKpi", page_of(kpi(REACH, "1", "2")))
    answer = await signed_in.post("/kpi/k/progress", data={"value": "1.200", "occurred_on": ""}, headers=OWN)
    assert f"= 1.200 (1,2{NBSP}nghìn)" in answer.text


# --- a proposal and the rest of the scale ---


def test_a_proposal_carries_floor_stretch_and_start_along():
    typed = {
        "after.k": "50",
        "before.k": "80",
        "floor.k": "40",
        "floor.k.before": "60",
        "stretch.k": "",
        "stretch.k.before": "90",
        "baseline.k": "20",
        "baseline.k.before": "20.0",
    }
    draft = read(Form(typed), "minh", VI)
    (change,) = draft.changes
    assert (change.after.value, change.floor.before.value, change.floor.after.value) == ("50", "60", "40")
    assert (change.stretch.before.value, change.stretch.HasField("after"), change.HasField("baseline")) == (
        "90",
        False,
        False,
    )
    assert draft.fields["changes[0].floor"] == "floor.k"


def test_the_floor_alone_may_change_and_what_is_untouched_does_not():
    untouched = {"after.k": "", "before.k": "80", "floor.k": "1.000,5", "floor.k.before": "1000.50"}
    assert read(Form(untouched), "minh", VI).changes == []
    (change,) = read(Form(untouched | {"floor.k": "900"}), "minh", VI).changes
    assert (change.before.value, change.after.value, change.floor.after.value) == ("80", "80", "900")


async def test_a_proposals_page_shows_what_else_of_the_scale_changes(signed_in: httpx.AsyncClient, backend: Backend):
    asked = goals_pb2.Proposal(
        proposal_id="p", state=types_pb2.PROPOSAL_STATE_PROPOSED, title=words_pb2.PersonalText(plain="Bớt")
    )
    change = asked.changes.add(kpi=kpi(REACH, "1", "80"), before=number("80"), after=number("50"))
    change.floor.before.value, change.floor.after.value = "60", "40"
    change.stretch.before.value = "90"
    backend.answers("GetProposal", asked)
    text = (await signed_in.get("/proposals/p")).text
    for said in ("Mức sàn", "60", "40", "Mức vượt kỳ vọng", "90"):
        assert said in text


# --- which cycle ---


def cycle(id: str, starts: date, ends: date) -> goals_pb2.Cycle:
    made = goals_pb2.Cycle(cycle_id=id)
    for day, of in ((made.starts_on, starts), (made.ends_on, ends)):
        day.year, day.month, day.day = of.year, of.month, of.day
    return made


THIS = cycle("2026", date(2026, 1, 1), date(2026, 12, 31))
QUARTER = cycle("q4", date(2026, 10, 1), date(2026, 12, 31))
NEXT = cycle("2027", date(2027, 1, 1), date(2027, 12, 31))
OLD = cycle("2024", date(2024, 1, 1), date(2024, 12, 31))
TYPO = cycle("2062", date(2062, 1, 1), date(2062, 12, 31))


@pytest.mark.parametrize(
    ("cycles", "today", "chosen"),
    [
        ([THIS, NEXT], date(2026, 11, 28), "2026"),
        ([TYPO, NEXT, THIS], date(2026, 11, 28), "2026"),
        ([THIS, QUARTER], date(2026, 11, 28), "q4"),
        ([OLD, NEXT], date(2026, 11, 28), "2027"),
        ([OLD, TYPO], date(2026, 11, 28), "2024"),
        ([OLD], date(2026, 11, 28), "2024"),
    ],
)
def test_the_console_opens_the_cycle_that_runs_else_the_nearest(
    cycles: list[goals_pb2.Cycle], today: date, chosen: str
):
    found = choose_cycle(cycles, "", today)
    assert found is not None
    assert found.cycle_id == chosen


def test_without_cycles_there_is_none_to_open():
    assert choose_cycle([], "", datetime(2026, 1, 1, tzinfo=UTC).date()) is None


@pytest.mark.parametrize(("ends", "classes"), [(31, 4), (19, 1)])
async def test_after_the_end_only_corrections_are_proposed(
    signed_in: httpx.AsyncClient, backend: Backend, ends: int, classes: int
):
    page = page_of(kpi(REACH, "1", "2"))
    page.cycle.ends_on.day = ends  # today is the 20th
    backend.answers("GetKpi", page)
    text = (await signed_in.get("/proposals/new?kpi=k")).text
    assert text.count('name="reason_class"') == classes
    assert ("Chu kỳ đã kết thúc" in text) == (classes == 1)
