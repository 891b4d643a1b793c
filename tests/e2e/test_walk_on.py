"""The walk goes on, in both sizes: praise and points, a coffee, notices to exactly whom they concern, and the ledger of
all of it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, field

import pytest

from eventkit.errors import Rejected
from nhip.audit.v1 import audit_pb2 as a
from nhip.audit.v1 import types_pb2 as at
from nhip.checkins.v1.checkins_pb2 import RecordProgress
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.notifications.v1 import notifications_pb2 as n
from nhip.notifications.v1 import types_pb2 as nt
from nhip.people.v1 import types_pb2 as pt
from nhip.rewards.v1 import rewards_pb2 as r
from nhip.rewards.v1.types_pb2 import VISIBILITY_PUBLIC
from tests.e2e.running import COMMENT, REASON, Company, System, company, number
from tests.waiting import PATIENCE

PRAISE = (
    "Em gọi lại khách Alpha ngay trong ngày và nhận lỗi thay cả đội, nhờ vậy khách ký thêm 20 %. "
    "Tuần tới kể lại cho cả phòng nhé."
)


@dataclass
class Walked:
    """What was seen on the way."""

    x: Company
    before: r.Wallet
    proposal: str
    praise: str
    redemption: str
    gifts: dict[str, r.Gift] = field(default_factory=dict[str, r.Gift])


@pytest.fixture(scope="module")
async def walked(system: System) -> AsyncGenerator[Walked]:
    async with company(system) as x:
        await x.joins("Vân", pt.ROLE_AUDITOR)
        progress = RecordProgress(
            kpi_id=x.kpis["Demo · khách mới"], value=number(20), note=PersonalText(plain="Hai nơi hỏi giá.")
        )
        await x.do("Minh", progress)
        proposal = (await x.do("Minh", x.reduction())).id
        await x.do("Nam", g.ApproveProposal(proposal_id=proposal, comment=PersonalText(plain=COMMENT)))
        before = await wallet(x, "Minh")
        values = await x.ask("Phúc", r.ListCoreValues(), r.CoreValues)
        responsibility = next(value.value_id for value in values.values if value.name == "Trách nhiệm")
        words = PersonalText(plain=PRAISE)
        given = r.GivePraise(
            receiver_id=x.people["Minh"], value_id=responsibility, words=words, visibility=VISIBILITY_PUBLIC
        )
        praise = (await x.do("Phúc", given)).id
        gifts = {gift.name: gift for gift in (await x.ask("Minh", r.ListGifts(), r.Gifts)).gifts}
        coffee = next(gift for gift in gifts.values() if gift.points == 50)
        redemption = (await x.do("Minh", r.RedeemGift(gift_id=coffee.gift_id))).id
        await x.do("Nam", r.HandOverGift(redemption_id=redemption))
        yield Walked(x, before, proposal, praise, redemption, gifts)


async def wallet(x: Company, who: str) -> r.Wallet:
    return await x.ask(who, r.GetWallet(), r.Wallet)


async def inbox(x: Company, who: str, *, about: str) -> list[n.Notice]:
    """What somebody was told of a proposal, praise or redemption."""
    notices = await x.ask(who, n.ListNotices(page_size=100), n.Notices)
    return [one for one in notices.notices if about in (one.proposal_id, one.praise_id, one.redemption_id)]


async def told(x: Company, who: str, *, about: str, kinds: Collection[int]) -> list[n.Notice]:
    """The same, once they have come: a notice follows what it tells of over Kafka."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await inbox(x, who, about=about)
            if {one.kind for one in found} >= set(kinds):
                return found
            await asyncio.sleep(0.05)


async def history(x: Company, kind: str, id: str) -> list[a.Entry]:
    return list((await x.ask("Vân", a.GetSubjectHistory(subject_kind=kind, subject_id=id), a.Entries)).entries)


def named(entry: a.Entry | a.Reference) -> str:
    return entry.type.rpartition(".")[2]


def said(entry: a.Entry) -> dict[str, str]:
    return {value.path: value.words.plain if value.HasField("words") else value.text for value in entry.values}


async def test_a_praise_gives_ten_points_out_of_the_givers_allowance(walked: Walked):
    x = walked.x
    minh, phuc = await wallet(x, "Minh"), await wallet(x, "Phúc")
    kinds = [(movement.kind, movement.points) for movement in minh.movements]
    assert (r.MOVEMENT_KIND_RECEIVED, 10) in kinds
    assert (r.MOVEMENT_KIND_REDEEMED, -50) in kinds
    assert minh.received == walked.before.received + 10 - 50
    assert (r.MOVEMENT_KIND_ALLOWANCE_SPENT, -10) in [(movement.kind, movement.points) for movement in phuc.movements]
    assert phuc.monthly_allowance == 100


async def test_the_feed_shows_it_with_its_value(walked: Walked):
    feed = await walked.x.ask("Trâm", r.ListPraises(), r.Praises)
    [praise] = [one for one in feed.praises if one.praise_id == walked.praise]
    assert (praise.value_name, praise.words.plain, praise.points) == ("Trách nhiệm", PRAISE, 10)


async def test_a_coffee_costs_fifty_and_leaves_the_shop(walked: Walked):
    x = walked.x
    coffee = next(gift for gift in walked.gifts.values() if gift.points == 50)
    now = next(gift for gift in (await x.ask("Minh", r.ListGifts(), r.Gifts)).gifts if gift.gift_id == coffee.gift_id)
    assert (now.stock, sorted(gift.points for gift in walked.gifts.values())) == (coffee.stock - 1, [50, 100, 200])
    [redeemed] = (await x.ask("Minh", r.ListRedemptions(), r.Redemptions)).redemptions
    assert (redeemed.state, redeemed.gift_name) == (r.REDEMPTION_STATE_HANDED_OVER, coffee.name)
    assert await x.refused("Minh", r.RefundRedemption(redemption_id=walked.redemption)) == "GIFT_HANDED_OVER"


async def test_notices_reach_exactly_whom_they_concern(walked: Walked):
    x = walked.x
    expected = {
        "Minh": {nt.NOTICE_KIND_PROPOSAL_DECIDED},  # his own proposal, with what it changed of his
        "Nam": {nt.NOTICE_KIND_PROPOSAL_WAITING},  # it waited for him; the approval is his own deed
        "Phúc": {nt.NOTICE_KIND_KPI_CHANGED},  # his department's KPI, with one above and one below
        "Trâm": {nt.NOTICE_KIND_KPI_CHANGED},  # the KPI above hers
    }
    for who, kinds in expected.items():
        await told(x, who, about=walked.proposal, kinds=kinds)
    for who in ("Minh", "Nam", "Phúc", "Trâm", "Lan", "Thảo", "Tiến", "Quang", "Vân"):
        found = await inbox(x, who, about=walked.proposal)
        assert sorted(one.kind for one in found) == sorted(expected.get(who, set())), who
    [phuc] = await inbox(x, "Phúc", about=walked.proposal)
    assert phuc.by_id == x.people["Nam"]
    assert phuc.reason.plain == REASON
    assert {(change.kpi_name, change.change.before.value, change.change.after.value) for change in phuc.changes} >= {
        ("Demo sản phẩm", "100", "80")
    }
    [praised] = await told(x, "Minh", about=walked.praise, kinds={nt.NOTICE_KIND_PRAISE_RECEIVED})
    assert (praised.words.plain, praised.value_name, praised.points) == (PRAISE, "Trách nhiệm", 10)
    assert not await inbox(x, "Phúc", about=walked.praise)
    [handed] = await told(x, "Minh", about=walked.redemption, kinds={nt.NOTICE_KIND_GIFT})
    assert (handed.granted, handed.by_id) == (True, x.people["Nam"])


async def test_what_waited_waits_no_longer_and_what_is_read_is_read(walked: Walked):
    x = walked.x
    [waiting] = await told(x, "Nam", about=walked.proposal, kinds={nt.NOTICE_KIND_PROPOSAL_WAITING})
    assert not waiting.waiting
    assert not waiting.read
    await x.do("Nam", n.ReadNotices(notice_ids=[waiting.notice_id]))
    assert (await inbox(x, "Nam", about=walked.proposal))[0].read
    before = (await x.ask("Minh", n.ListNotices(page_size=100), n.Notices)).notices
    await x.do("Minh", n.ReadNotices(all=True))
    after = {one.notice_id: one.read for one in (await x.ask("Minh", n.ListNotices(page_size=100), n.Notices)).notices}
    assert before
    assert all(after[one.notice_id] for one in before)


async def test_the_ledger_tells_a_kpi_from_its_definition_to_its_reduction_and_why(walked: Walked):
    x = walked.x
    entries = [
        entry for entry in await history(x, "kpi", x.kpis["Demo · khách mới"]) if entry.context != "notifications"
    ]
    assert {named(entry) for entry in entries[:2]} == {"KpiDefined", "KpiAligned"}
    # A rate that applies to its volume names it as well.
    assert [named(entry) for entry in entries[2:]] == [
        "KpiDefined",
        "ProgressRecorded",
        "ChangeProposed",
        "KpiTargetRevised",
    ]
    proposed, revised = entries[-2:]
    assert (said(revised)["before"], said(revised)["after"]) == ("80", "50")
    assert revised.actor == f"person:{x.people['Nam']}"
    assert (named(revised.cause), revised.cause.event_id, revised.cause.actor) == (
        "ChangeProposed",
        proposed.event_id,
        f"person:{x.people['Minh']}",
    )
    assert said(proposed)["reason"] == REASON
    assert "ProposalApproved" in {named(other) for other in revised.together}


async def test_the_ledger_joins_praise_points_gift_and_notice(walked: Walked):
    x = walked.x
    praise = await history(x, "praise", walked.praise)
    assert {named(entry) for entry in praise if entry.context == "rewards"} == {
        "PraiseGiven",
        "AllowanceSpent",
        "PointsReceived",
    }
    [given] = [entry for entry in praise if named(entry) == "PraiseGiven"]
    [words] = [value.words for value in given.values if value.path == "words"]
    assert words == PersonalText(withheld=True)
    async with asyncio.timeout(PATIENCE):  # the notice of it is an event as well
        while not (
            noticed := [entry for entry in await history(x, "praise", walked.praise) if named(entry) == "PeopleTold"]
        ):
            await asyncio.sleep(0.05)
    assert noticed[0].cause.event_id in {entry.event_id for entry in praise}
    handed = next(
        entry for entry in await history(x, "redemption", walked.redemption) if named(entry) == "GiftHandedOver"
    )
    assert named(handed.cause) in ("GiftRedeemed", "PointsRedeemed", "GiftReserved")


async def test_every_position_of_every_context_is_in_the_ledger_once(walked: Walked):
    async with asyncio.timeout(PATIENCE):
        while True:
            told = await walked.x.ask("Vân", a.GetCompleteness(), a.Completeness)
            if all(one.complete for one in told.contexts):
                break
            await asyncio.sleep(0.1)
    assert {one.context for one in told.contexts} == {
        "people",
        "goals",
        "checkins",
        "rewards",
        "retros",
        "notifications",
        "audit",
    }
    assert all(one.last for one in told.contexts if one.context != "retros"), "nobody looks back on this walk"


async def test_who_audits_changes_nothing_and_others_read_no_ledger(walked: Walked):
    x = walked.x
    assert (
        await x.refused("Vân", r.GivePraise(receiver_id=x.people["Minh"], words=PersonalText(plain="Giỏi")))
        == "NOT_ALLOWED"
    )
    await x.do("Vân", n.ReadNotices(all=True))  # their own settings and notices are not what they audit
    with pytest.raises(Rejected, match="NOT_ALLOWED"):
        await x.ask("Minh", a.SearchLedger(filter=at.Filter(context="goals")), a.Entries)


async def test_events_are_tailed_as_they_went_over_kafka(walked: Walked):
    kinds = ("--types", "PraiseGiven", "--types", "nhip.goals.v1.ProposalApproved")
    code, printed = await walked.x.system.nhip(
        "events", "tail", "--after", "0", "--no-follow", "--tenant", walked.x.tenant, *kinds
    )
    assert code == 0, printed
    events = [json.loads(line) for line in printed.splitlines()]
    assert {event["type"] for event in events} == {"nhip.rewards.v1.PraiseGiven", "nhip.goals.v1.ProposalApproved"}
    assert walked.praise in {event["data"].get("praise_id") for event in events}
    assert PRAISE not in printed


async def test_every_view_is_what_the_log_says(walked: Walked):
    assert await walked.x.differences() == []
