"""Random trees, random proposals: whatever is asked for and approved in whatever order, there is no circle and no
orphan, sums are whole, and of two about the same part one wins."""

from decimal import Decimal
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from eventkit.errors import Rejected
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.goals_pb2 import ApproveProposal, ProposeChange, RebaseProposal
from services.goals.domain import before_decision, proposal
from services.goals.domain.alignment import ALIGNMENT, Alignment
from services.goals.domain.changing import Circumstances
from services.goals.domain.kpi import KPI, Kpi
from services.goals.domain.proposal import PROPOSAL
from services.goals.domain.reconciliation import Node, checks
from tests.unit.decisions import TODAY, Given, company_x, context, number, words
from tests.unit.goals.kpis import Q1, draft, tree

SIZE = 5
IDS = [f"k{n}" for n in range(SIZE)]


@st.composite
def trees(draw: st.DrawFn) -> Given:
    """KPIs of which each serves one before it, or nothing."""
    drafts: list[t.KpiDraft] = []
    for n in range(SIZE):
        serves = draw(st.integers(-1, n - 1))
        parent = t.Parent(kpi_id=IDS[serves]) if serves >= 0 else None
        target = draw(st.integers(1, 50))
        drafts.append(draft(IDS[n], t.LEVEL_COMPANY, target, owner_ids=["nam"], parent=parent))
    return tree(*drafts)


def there(state: Given) -> list[str]:
    return [id for id in IDS if state.state(KPI, id) is not None]


def around(state: Given) -> Circumstances:
    kpis = {id: state.state(KPI, id) for id in IDS}
    return Circumstances(Q1, state.state(ALIGNMENT, Q1.id), kpis, (), company_x(), TODAY)


@st.composite
def further_links(draw: st.DrawFn) -> t.FurtherLink:
    """What else is supported, whole or in part, or hindered."""
    to = t.Parent(kpi_id=draw(st.sampled_from([*IDS, "new"])))
    effect = draw(st.sampled_from([t.EFFECT_SUPPORTS, t.EFFECT_SUPPORTS, t.EFFECT_HINDERS]))
    share = draw(st.none() | st.decimals("0.01", 100, places=2)) if effect == t.EFFECT_SUPPORTS else None
    return t.FurtherLink(to=to, effect=effect, share=None if share is None else number(str(share)))


@st.composite
def wishes(draw: st.DrawFn) -> ProposeChange:
    """Other targets, other parents, ends and KPIs more; written for what somebody saw, which is filled in later."""
    changes: list[t.TargetChange] = []
    for id in draw(st.lists(st.sampled_from(IDS), max_size=3, unique=True)):
        change = t.TargetChange(kpi_id=id)
        match draw(st.sampled_from(["target", "target", "parent", "both", "further", "further", "end"])):
            case "end":
                change.ends = True
            case "further":
                change.further.after.links.extend(draw(st.lists(further_links(), max_size=2)))
                change.further.after.SetInParent()
            case what:
                if what != "parent":
                    change.after.CopyFrom(number(draw(st.integers(1, 50))))
                if what != "target":
                    parent = draw(st.sampled_from([*IDS, "new"]))
                    change.parent.after.kpi_id = parent
        changes.append(change)
    additions = [draft("new", t.LEVEL_COMPANY, 5, owner_ids=["nam"], key="new")] if draw(st.booleans()) else []
    for addition in additions:
        addition.parent.kpi_id = draw(st.sampled_from(IDS))
    return ProposeChange(
        cycle_id=Q1.id,
        reason_class=t.REASON_CLASS_BOTTOM_UP,
        title=words("Đổi"),
        reason=words("vì"),
        changes=changes,
        additions=additions,
    )


def written_on(wish: ProposeChange, state: Given) -> ProposeChange:
    """With what somebody sees in place of what they replace."""
    seen = ProposeChange()
    seen.CopyFrom(wish)
    links: Alignment = state.state(ALIGNMENT, Q1.id)
    for change in seen.changes:
        kpi: Kpi | None = state.state(KPI, change.kpi_id)
        if kpi is not None and change.HasField("after"):
            change.before.CopyFrom(kpi.measure.target)
        link = links.link(change.kpi_id, TODAY)
        if change.HasField("parent") and link is not None and link.parent.kpi_id:
            change.parent.before.CopyFrom(link.parent)
        if change.HasField("further"):
            change.further.before.links.extend(links.beside(change.kpi_id, TODAY))
            change.further.before.SetInParent()
    return seen


def asked(state: Given, wish: ProposeChange, id: str) -> Given | None:
    """None: it is refused."""
    try:
        return state.and_then(proposal.propose(written_on(wish, state), around(state), context("minh"), id))
    except Rejected:
        return None


def decided(state: Given, id: str) -> Given | None:
    current = state.state(PROPOSAL, id)
    command = ApproveProposal(proposal_id=id, comment=words("được"))
    ids = [f"{id}-{n}" for n in range(len(current.additions))]
    try:
        return state.and_then(proposal.approve(current, command, around(state), context("nam"), ids))
    except Rejected:
        return None


def check_whole(state: Given) -> None:
    """No circle, no orphan, nothing twice: every KPI in force serves and supports what is in force, all of its ways up
    end, and what it counts for comes to all of it once."""
    links: Alignment = state.state(ALIGNMENT, Q1.id)
    for id in links.links:
        if links.ended(id, TODAY):
            continue
        served = links.served(id, TODAY)
        assert id not in links.above(id, TODAY), "a circle"
        assert all(parent.kpi_id in links.links and not links.ended(parent.kpi_id, TODAY) for parent in served)
        ends = [(parent.kpi_id, parent.csf_id) for parent in served] + [
            (one.to.kpi_id, one.to.csf_id) for one in links.beside(id, TODAY) if one.effect == t.EFFECT_HINDERS
        ]
        assert len(ends) == len(set(ends)), "linked twice"
        assert not any(links.ended(one.to.kpi_id, TODAY) for one in links.beside(id, TODAY)), "an orphan"


def shares(links: Alignment, id: str) -> dict[str, Decimal]:
    """How much of a KPI counts for each that it serves or supports, in per cent."""
    link = links.link(id, TODAY)
    shared = {one.to.kpi_id: Decimal(one.share.value) for one in links.beside(id, TODAY) if one.HasField("share")}
    rest = 100 - sum(shared.values(), Decimal())
    first = {link.parent.kpi_id: rest} if link is not None and link.parent.kpi_id else {}
    return first | {to: share for to, share in shared.items() if share}


def sums(state: Given) -> dict[str, Decimal]:
    """What those that count for each KPI add up to, counted one by one."""
    links: Alignment = state.state(ALIGNMENT, Q1.id)
    found: dict[str, Decimal] = {}
    for id in links.links:
        if (kpi := state.state(KPI, id)) is not None and not links.ended(id, TODAY):
            for to, share in shares(links, id).items():
                found[to] = found.get(to, Decimal()) + kpi.target * share / 100
    return found


def nodes(state: Given) -> list[Node]:
    links: Alignment = state.state(ALIGNMENT, Q1.id)
    return [
        Node(
            id,
            kpi.measure.kind,
            kpi.measure.unit,
            kpi.target,
            link.parent.kpi_id,
            shares=tuple((to, share) for to, share in shares(links, id).items() if to != link.parent.kpi_id),
        )
        for id in links.links
        if (link := links.link(id, TODAY)) is not None and (kpi := state.state(KPI, id)) is not None
    ]


def check_counted_once(state: Given) -> None:
    """If every KPI that others serve aims at what these come to, those at the top come to what those at the bottom
    aim at: nothing is lost on the way up, and nothing counts twice."""
    links: Alignment = state.state(ALIGNMENT, Q1.id)
    known = {node.id: node for node in nodes(state)}
    below = {id: [node for node in known.values() if id in node.counts_for] for id in known}
    come_to: dict[str, Decimal] = {}

    def total(id: str) -> Decimal:
        if id not in come_to:
            parts = (total(node.id) * node.part(id) / 100 for node in below[id])
            come_to[id] = sum(parts, Decimal()) if below[id] else known[id].target
        return come_to[id]

    bottom = sum((node.target for node in known.values() if not below[node.id]), Decimal())
    top = Decimal()
    for node in known.values():
        counted = sum((node.part(to) for to in node.counts_for), Decimal())
        top += total(node.id) * (100 - counted) / 100
        assert 0 <= counted <= 100
    assert top == bottom, links


@settings(max_examples=80, deadline=None)
@given(trees(), st.lists(wishes(), min_size=1, max_size=4), st.data())
def test_whatever_is_approved_there_is_no_circle_no_orphan_and_sums_are_whole(
    state: Given, wanted: list[ProposeChange], data: st.DataObject
):
    waiting: list[str] = []
    for number_of, wish in enumerate(wanted):
        if (after := asked(state, wish, f"P{number_of}")) is not None:
            state = after
            waiting.append(f"P{number_of}")
    for id in data.draw(st.permutations(waiting)):
        state = decided(state, id) or state
        check_whole(state)
        check_counted_once(state)
        counted = {check.kpi_id: check.reached for check in checks(nodes(state))}
        assert counted == sums(state)


@settings(max_examples=120, deadline=None)
@given(trees(), wishes(), wishes())
def test_of_two_that_change_the_same_part_one_wins_and_the_other_can_be_put_anew(
    state: Given, one: ProposeChange, other: ProposeChange
):
    first = asked(state, one, "P0")
    both = asked(first, other, "P1") if first is not None else None
    if both is None:
        return  # one of them cannot be asked for at all
    won = decided(both, "P0")
    assert won is not None, "what was possible when it was proposed is possible as long as nothing happened"
    lost = decided(won, "P1")
    first_asked, other_asked = (both.state(PROPOSAL, id).proposed.changes for id in ("P0", "P1"))
    if any(
        mine.kpi_id == theirs.kpi_id and _same_part(mine, theirs) for mine, theirs in product(first_asked, other_asked)
    ):
        assert lost is None
        try:
            anew = won.and_then(
                before_decision.rebase(
                    won.state(PROPOSAL, "P1"),
                    RebaseProposal(proposal_id="P1"),
                    circumstances=around(won),
                    ctx=context("minh"),
                )
            )
        except Rejected:
            return  # it is so already, or not possible any more
        put = decided(anew, "P1")
        assert put is not None
        check_whole(put)


def _same_part(mine: t.TargetChange, theirs: t.TargetChange) -> bool:
    """What `mine` changes is what `theirs` replaces."""
    if mine.kpi_id != theirs.kpi_id:
        return False
    target = mine.HasField("after") and theirs.HasField("after") and mine.before != mine.after
    parent = mine.HasField("parent") and theirs.HasField("parent") and mine.parent.before != mine.parent.after
    further = mine.HasField("further") and theirs.HasField("further") and mine.further.before != mine.further.after
    return target or parent or further or mine.ends


def test_enough_of_them_can_be_asked_for():
    """Else the properties would say little."""
    seen: list[bool] = []

    @settings(max_examples=100, deadline=None, database=None)
    @given(trees(), wishes())
    def ask(state: Given, wish: ProposeChange) -> None:
        seen.append(asked(state, wish, "P") is not None)

    ask()
    assert sum(seen) > 20
