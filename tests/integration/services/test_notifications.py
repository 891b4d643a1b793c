"""Notices and e-mails: once per cause whatever is repeated, killed or rebuilt; through real Kafka, PostgreSQL and
SMTP.

N-04, N-06, N-07.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import uuid4, uuid5
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.message import Message

from eventkit.context import Actor, Context, by_the_clock
from eventkit.log import Recorded
from eventkit.process.service import Due, Resources
from eventkit.subscriptions.checkpoint import Checkpoint, Fenced
from eventkit.subscriptions.projection import by_subscription
from eventkit.subscriptions.subscription import Reacting
from eventkit.telemetry import Metrics
from eventkit.values import from_date, to_datetime
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1 import operations_pb2 as o
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as gt
from nhip.notifications.v1 import events_pb2 as e
from nhip.notifications.v1 import notifications_pb2 as n
from nhip.notifications.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from nhip.rewards.v1 import rewards_pb2 as r
from services.notifications.domain.notice import notice_id
from services.notifications.domain.preferences import KINDS
from services.notifications.domain.recipients import NotKnownYet
from services.notifications.queries.mails import DIGEST
from services.notifications.reactors.due_mails import DueMails
from services.notifications.reactors.goals import TellOfGoals
from services.notifications.reactors.mailer import Mailer, MailServerAway, RefusedForGood
from services.notifications.reactors.next_decider import NextDecider
from services.notifications.reactors.notices import give
from services.notifications.reactors.stale_progress import StaleProgress
from services.notifications.service import service
from services.notifications.views.goals_facts import KnownProposalView
from tests.integration.services.company import MANY, OPERATOR, Company, System, number, words
from tests.integration.services.mailbox import Mailbox
from tests.waiting import PATIENCE

CHANGES = {"K1": (70, 55), "D1": (100, 80), "I1": (80, 50)}
NOW_AND_THEN = 0.05


AT_ONCE = 5
"""Companies that are founded at the same time: most of it is waiting for topics."""


@pytest.fixture(scope="module")
def companies() -> list[Company]:
    return []


@pytest.fixture
async def company(system: System, companies: list[Company]) -> Company:
    if not companies:
        companies += await asyncio.gather(*(founded(system) for _ in range(AT_ONCE)))
    return companies.pop()


async def founded(system: System) -> Company:
    """K1 ← D1 ← I1 of Minh and I2 of Trâm; everybody has an address, and is mailed at once at any hour."""
    made = await (await system.company().found()).branch()
    await made.define("I2", gt.LEVEL_INDIVIDUAL, 30, made.under("D1"), owner="tram")
    people = ("nam", "phuc", "minh", "tram", "quang")
    await asyncio.gather(
        *(made.ask(p.ChangeEmail(person_id=made.ids[who], email=words(address(made, who)))) for who in people)
    )
    await asyncio.gather(*(wants(made, who) for who in people))
    return made


def address(company: Company, who: str) -> str:
    return f"{who}@{company.tenant}.test"


async def wants(
    company: Company, who: str, email: t.EmailMode.ValueType = t.EMAIL_MODE_AT_ONCE, *, inbox: bool = True, **clock: Any
) -> None:
    """Somebody's preferences, the same for every kind; never quiet unless `clock` says so."""
    channels = [t.Channels(kind=kind, inbox=inbox, email=email) for kind in KINDS]
    said = t.Preferences(channels=channels, **{"time_zone": "UTC", "quiet_from": 0, "quiet_to": 0, **clock})
    await company.ask(n.ChangePreferences(preferences=said), who)


async def later(company: Company, who: str, email: t.EmailMode.ValueType = t.EMAIL_MODE_DIGEST) -> None:
    """Mails for them are due in an hour or two: no timer that runs sends them."""
    hour = (datetime.now(UTC).hour + 2) % 24
    if email == t.EMAIL_MODE_DIGEST:
        await wants(company, who, email, digest_at=hour)
    else:
        await wants(company, who, email, quiet_from=(hour - 3) % 24, quiet_to=hour)


async def propose(company: Company) -> str:
    return await company.do(company.proposal(**CHANGES), "minh")


async def approve(company: Company, proposal: str) -> None:
    await company.do(g.ApproveProposal(proposal_id=proposal, comment=words("được")), "nam")


async def inbox(company: Company, who: str, **request: Any) -> list[n.Notice]:
    return list((await listed(company, who, **request)).notices)


async def listed(company: Company, who: str, **request: Any) -> n.Notices:
    answer = await company.ask(n.ListNotices(**request), who)
    assert isinstance(answer, n.Notices)
    return answer


async def until(found: Callable[[], Awaitable[Any]]) -> Any:
    """What `found` answers, as soon as it is something."""
    async with asyncio.timeout(PATIENCE):
        while not (answer := await found()):
            await asyncio.sleep(NOW_AND_THEN)
    return answer


async def told(company: Company, who: str, kind: t.NoticeKind.ValueType) -> n.Notice:
    """The notice of a kind, as soon as somebody has it."""

    async def found() -> n.Notice | None:
        return next((notice for notice in await inbox(company, who) if notice.kind == kind), None)

    return await until(found)


async def events(company: Company, kind: type[Message] | None = None, context: str = "notifications") -> list[Recorded]:
    """What a context has recorded about the tenant, in order."""
    log = company.system.all_resources[context].log
    categories = ("telling", "inbox") if context == "notifications" else ("kpi", "alignment", "proposal")
    found: list[Recorded] = []
    async for stream in log.history(company.tenant, categories, upto=await log.last_position()):
        found += [event for event in stream if kind is None or isinstance(event.message, kind)]
    return sorted(found, key=lambda event: event.position)


async def tellings(company: Company) -> list[e.PeopleTold]:
    return [event.message for event in await events(company) if isinstance(event.message, e.PeopleTold)]


async def notices(company: Company) -> list[e.Told]:
    """What everybody was told, in order."""
    return [told for telling in await tellings(company) for told in telling.told]


async def given_to(company: Company) -> list[str]:
    """Who was told, by name, once for each notice."""
    names = {id: name for name, id in company.ids.items()}
    return sorted(names[told.person_id] for told in await notices(company))


async def outcome(company: Company, notice: n.Notice) -> e.NoticeMailed | e.NoticeNotMailed:
    """What became of a notice's mail, as soon as that is settled."""

    async def found() -> Message | None:
        settled = await events(company, e.NoticeMailed) + await events(company, e.NoticeNotMailed)
        return next(
            (event.message for event in settled if getattr(event.message, "notice_id", "") == notice.notice_id), None
        )

    return await until(found)


def resources(company: Company) -> Resources:
    return company.system.all_resources["notifications"]


async def mail_of(company: Company, who: str, notice: n.Notice, *, digest: bool = True) -> tuple[Due, Context]:
    """The mail that is due later, and the clock at its time; the view has it."""
    thing = DIGEST + company.ids[who] if digest else notice.notice_id

    async def found() -> Due | None:
        far = datetime.now(UTC) + timedelta(days=3)
        return next(
            (due for due in await mails(company).due(far, MANY) if (due.tenant, due.thing) == (company.tenant, thing)),
            None,
        )

    due = await until(found)
    return due, by_the_clock(company.tenant, "due_mails", due.thing, due.at, due.at)


def mails(company: Company, using: Resources | None = None) -> DueMails:
    return DueMails(using or resources(company), Mailer.of(resources(company).settings))


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return body.get_content()


# -- who is told


async def test_a_proposal_waits_for_who_is_asked_and_its_decision_is_told_to_all_whom_it_concerns(
    company: Company, mailbox: Mailbox
):
    proposal = await propose(company)
    waiting = await told(company, "nam", t.NOTICE_KIND_PROPOSAL_WAITING)
    assert (waiting.waiting, waiting.by_id, waiting.proposal_id) == (True, company.ids["minh"], proposal)
    assert (waiting.title.plain, waiting.reason.plain, waiting.reason_class) == (
        "Bớt lại",
        "Làm kỹ hơn",
        "REASON_CLASS_BOTTOM_UP",
    )
    (mail,) = await mailbox.comes(address(company, "nam"))
    assert mail["Subject"] == "[Nhịp] Một đề xuất đang chờ bạn quyết định"
    assert "Tên-minh đề xuất thay đổi và chờ bạn quyết định." in text(mail)
    assert f"https://nhip.test/proposals/{proposal}" in text(mail)

    await approve(company, proposal)
    decided = await told(company, "minh", t.NOTICE_KIND_PROPOSAL_DECIDED)
    assert decided.granted
    assert (decided.reason.plain, decided.reason_class, decided.by_id) == (
        "được",
        "",
        company.ids["nam"],
    )  # the decider's words
    assert [
        (ch.kpi_name, ch.unit, ch.change.before.value, ch.change.after.value, ch.change.relation)
        for ch in decided.changes
    ] == [
        ("D1", "demo", "100", "80", t.RELATION_OWNER_BELOW),
        ("I1", "demo", "80", "50", t.RELATION_OWNER),
    ]
    changed = await told(company, "phuc", t.NOTICE_KIND_KPI_CHANGED)
    assert [(ch.kpi_name, ch.change.relation) for ch in changed.changes] == [
        ("K1", t.RELATION_OWNER_BELOW),
        ("D1", t.RELATION_OWNER),
        ("I1", t.RELATION_OWNER_ABOVE),
    ]
    assert (changed.reason.plain, changed.reason_class) == ("Làm kỹ hơn", "REASON_CLASS_BOTTOM_UP")
    assert [ch.kpi_name for ch in (await told(company, "tram", t.NOTICE_KIND_KPI_CHANGED)).changes] == ["D1"]
    assert await given_to(company) == ["minh", "nam", "phuc", "tram"]
    assert [notice.waiting for notice in await inbox(company, "nam")] == [False]
    tram = await company.ask(n.CountNotices(), "tram")
    assert tram == n.NoticeCount(unread=1)


async def test_all_notices_of_a_cause_are_one_append(company: Company):
    await approve(company, await propose(company))
    await told(company, "tram", t.NOTICE_KIND_KPI_CHANGED)
    assert [len(telling.told) for telling in await tellings(company)] == [1, 3]


async def test_a_kpi_that_ends_is_told_with_its_reason_and_a_moved_one_with_what_it_serves(company: Company):
    await company.do(g.AlignKpi(kpi_id=company.ids["I2"], parent=company.under("K1")), "quang")
    moved = await told(company, "tram", t.NOTICE_KIND_KPI_CHANGED)
    (change,) = moved.changes
    assert (change.change.kind, change.parent_before_name, change.parent_after_name) == (
        t.CHANGE_KIND_ALIGNED,
        "D1",
        "K1",
    )
    assert not change.change.unaligned
    await company.do(
        g.AlignKpi(kpi_id=company.ids["I2"], parent=company.under("K1"), why="vì thế"), "quang"
    )  # only the words
    await company.do(g.AlignKpi(kpi_id=company.ids["I2"]), "quang")

    async def unaligned() -> bool:
        return (await inbox(company, "tram"))[0].changes[0].change.unaligned

    await until(unaligned)
    assert len(await inbox(company, "tram")) == 2
    retire = g.RetireKpi(kpi_id=company.ids["I2"], reason_class=gt.REASON_CLASS_CORRECTION, reason=words("ghi nhầm"))
    await company.do(retire, "quang")

    async def found() -> n.Notice | None:
        return next(
            (x for x in await inbox(company, "tram") if x.changes[0].change.kind == t.CHANGE_KIND_RETIRED), None
        )

    ended: n.Notice = await until(found)
    assert (ended.reason.plain, ended.reason_class, len(ended.changes)) == ("ghi nhầm", "REASON_CLASS_CORRECTION", 1)


async def test_praise_and_gifts_are_told_to_those_who_receive_them(company: Company, mailbox: Mailbox):
    value = await company.do(r.NameCoreValue(name="Tận tâm"))
    praise = r.GivePraise(receiver_id=company.ids["tram"], value_id=value, words=words("Em đã gọi lại từng khách"))
    await company.do(praise, "minh")
    praised = await told(company, "tram", t.NOTICE_KIND_PRAISE_RECEIVED)
    assert (praised.words.plain, praised.value_name, praised.points, praised.by_id) == (
        "Em đã gọi lại từng khách",
        "Tận tâm",
        10,
        company.ids["minh"],
    )
    (mail,) = await mailbox.comes(address(company, "tram"))
    assert mail["Subject"] == "[Nhịp] Bạn được khen"
    assert "Em đã gọi lại từng khách" in text(mail)
    assert await given_to(company) == ["tram"]
    gift = await company.do(r.OfferGift(name="Ly cà phê", description="", points=5, stock=1))
    redemption = await company.do(r.RedeemGift(gift_id=gift), "tram")
    await company.do(r.HandOverGift(redemption_id=redemption), "nam")
    handed = await told(company, "tram", t.NOTICE_KIND_GIFT)
    assert (handed.granted, handed.gift_name, handed.points, handed.redemption_id) == (True, "Ly cà phê", 5, redemption)


async def test_praise_that_an_import_brings_is_in_the_inbox_and_not_mailed(company: Company):
    value = await company.do(r.NameCoreValue(name="Tận tâm"))
    praise = r.GivePraise(receiver_id=company.ids["tram"], value_id=value, words=words("Em đã gọi lại từng khách"))
    praise.giver_id = company.ids["minh"]
    await company.do(praise)
    praised = await told(company, "tram", t.NOTICE_KIND_PRAISE_RECEIVED)
    assert praised.by_id == company.ids["minh"]
    (told_of,) = await notices(company)
    assert not told_of.HasField("email_due_at")


async def test_a_declined_proposal_is_told_in_the_words_of_who_declined_it(company: Company, mailbox: Mailbox):
    proposal = await propose(company)
    await company.do(g.DeclineProposal(proposal_id=proposal, reason=words("chưa phải lúc")), "nam")
    declined = await told(company, "minh", t.NOTICE_KIND_PROPOSAL_DECIDED)
    assert (declined.granted, declined.reason.plain) == (False, "chưa phải lúc")
    (mail,) = await mailbox.comes(address(company, "minh"))
    assert "Lời nhắn kèm theo: chưa phải lúc" in text(mail)
    assert "Làm kỹ hơn" not in text(mail)


async def test_a_request_for_erasure_reaches_who_decides_and_its_decision_who_asked(company: Company):
    await company.do(p.RequestErasure(person_id=company.ids["minh"]), "minh")
    waiting = await told(company, "nam", t.NOTICE_KIND_ERASURE_WAITING)
    assert (waiting.waiting, waiting.by_id, waiting.erased_id) == (True, company.ids["minh"], company.ids["minh"])
    assert await company.ask(n.CountNotices(), "nam") == n.NoticeCount(unread=1, waiting=1)
    await company.do(p.DeclineErasure(person_id=company.ids["minh"], reason=words("hợp đồng còn hiệu lực")), "nam")
    declined = await told(company, "minh", t.NOTICE_KIND_ERASURE_DECIDED)
    assert (declined.granted, declined.reason.plain) == (False, "hợp đồng còn hiệu lực")
    assert not (await told(company, "nam", t.NOTICE_KIND_ERASURE_WAITING)).waiting
    assert await given_to(company) == ["minh", "nam"]


async def test_when_the_right_to_decide_moves_the_new_one_is_told_and_the_old_ones_notice_closes(company: Company):
    await company.do(company.proposal(I1=(80, 50)), "minh")
    waiting = await told(company, "phuc", t.NOTICE_KIND_PROPOSAL_WAITING)
    place = pt.Place(unit_id=company.ids["sales"], manager_id=company.ids["quang"])
    await company.do(p.AssignPlace(person_id=company.ids["minh"], place=place))
    moved = await told(company, "quang", t.NOTICE_KIND_PROPOSAL_WAITING)
    assert (moved.waiting, moved.by_id, moved.proposal_id) == (True, company.ids["minh"], waiting.proposal_id)
    assert [notice.waiting for notice in await inbox(company, "phuc")] == [False]
    await company.do(p.DeactivatePerson(person_id=company.ids["quang"]), "nam")
    assert (await told(company, "nam", t.NOTICE_KIND_PROPOSAL_WAITING)).waiting
    assert await given_to(company) == ["nam", "phuc", "quang"]


async def test_if_the_first_who_may_decide_is_away_the_next_is_told_after_some_days(company: Company):
    await company.do(company.proposal(K1=(70, 60)), "minh")
    waiting = await told(company, "nam", t.NOTICE_KIND_PROPOSAL_WAITING)
    at = to_datetime(waiting.given_at) + timedelta(days=3)
    assert await undecided(company, at - timedelta(minutes=1)) == []
    [due] = await undecided(company, at + timedelta(minutes=1))
    ctx = by_the_clock(company.tenant, "next_decider", due.thing, due.at, at + timedelta(minutes=1))
    for _ in range(2):
        await NextDecider(resources(company)).act(due, ctx)
    assert (await told(company, "quang", t.NOTICE_KIND_PROPOSAL_WAITING)).waiting
    assert [notice.waiting for notice in await inbox(company, "nam")] == [True]  # who was asked first may still decide
    assert await given_to(company) == ["nam", "quang"]


async def undecided(company: Company, at: datetime) -> list[Due]:
    return [due for due in await NextDecider(resources(company)).due(at, MANY) if due.tenant == company.tenant]


async def test_many_kpis_that_one_person_sets_are_one_notice_for_each_whom_they_concern(company: Company):
    """As the reaction takes them when changes are told together; the service of these tests tells each by itself."""
    for name in ("I3", "I4", "I5"):
        await company.define(name, gt.LEVEL_INDIVIDUAL, 10, company.under("D1"), by="nam", owner="minh")

    async def all_told() -> bool:
        return len(await tellings(company)) == 3

    await until(all_told)
    together = replace(
        resources(company), settings=resources(company).settings.model_copy(update={"notice_batch_seconds": 86_400})
    )
    other = TellOfGoals(together)
    defined = [
        event
        for event in await events(company, context="goals")
        if event.origin.actor == f"person:{company.ids['nam']}"
    ]
    for event in [*defined, *defined]:  # each again, as after a kill
        await other.react(replace(event, id=uuid5(event.id, "together")) if event.index == event.size - 1 else event)
    batch = (await tellings(company))[3:]
    assert len({telling.telling_id for telling in batch}) == 1
    assert len(batch) == 3  # an event for each append, not one for each person
    [notice] = [one for one in await inbox(company, "minh") if len(one.changes) > 1]
    assert [change.kpi_name for change in notice.changes] == ["I3", "I4", "I5"]


# -- once


async def test_an_event_that_is_delivered_again_tells_nobody_twice(company: Company):
    await approve(company, await propose(company))
    await told(company, "tram", t.NOTICE_KIND_KPI_CHANGED)
    before = await events(company)
    for event in await events(company, context="goals"):
        await TellOfGoals(resources(company)).react(event)
    assert [x.id for x in await events(company, e.PeopleTold)] == [
        x.id for x in before if isinstance(x.message, e.PeopleTold)
    ]


async def test_a_reaction_that_is_killed_before_its_checkpoint_tells_nobody_twice(company: Company):
    await approve(company, await propose(company))
    mine, away = resources(company), Checkpoint(999, 999)
    page = await events(company, context="goals")
    async with asyncio.timeout(PATIENCE):  # what the reaction reads has come as far
        await company.ask(n.CountNotices(), "nam")
    reacting = Reacting(f"killed {uuid4()}", "goals", TellOfGoals(mine).react, mine.pool, Metrics())
    for _ in range(2):  # it reacts, then finds that it does not hold the checkpoint: nothing was moved
        with pytest.raises(Fenced):
            await reacting.take(0, away, Checkpoint(page[-1].position, 1), page)
    await told(company, "tram", t.NOTICE_KIND_KPI_CHANGED)
    assert await given_to(company) == ["minh", "nam", "phuc", "tram"]


async def test_a_rebuild_of_every_view_tells_nobody_again_and_mails_nothing(company: Company, mailbox: Mailbox):
    proposal = await propose(company)
    await mailbox.comes(address(company, "nam"))
    await approve(company, proposal)
    people = ("nam", "minh", "phuc", "tram")
    for who in people:
        await mailbox.comes(address(company, who))
        for notice in await inbox(company, who):
            await outcome(company, notice)
    before = [event.id for event in await events(company, e.PeopleTold)]
    for together in by_subscription(service(resources(company)).views).values():
        await company.ask(o.Rebuild(view=together[0].name), OPERATOR, context="notifications")

    async def right() -> bool:
        verified = await company.ask(o.Verify(), OPERATOR, context="notifications")
        assert isinstance(verified, o.Verified)
        return not [view for view in verified.views if view.differences]

    await until(right)
    assert [event.id for event in await events(company, e.PeopleTold)] == before
    assert [due for due in await mails(company).due(datetime.now(UTC), MANY) if due.tenant == company.tenant] == []
    assert {who: len(mailbox.to(address(company, who))) for who in people} == dict.fromkeys(people, 1)


# -- e-mails


async def test_a_mail_sent_again_after_a_crash_has_the_same_message_id(company: Company, mailbox: Mailbox):
    class Crashing:
        async def answering(self, ctx: Context, ref: object) -> Context:
            return ctx

        async def execute(self, *_: object) -> None:
            raise ConnectionError("killed between sent and recorded")

    await later(company, "nam")
    await propose(company)
    waiting = await told(company, "nam", t.NOTICE_KIND_PROPOSAL_WAITING)
    due, ctx = await mail_of(company, "nam", waiting)
    with pytest.raises(ConnectionError):
        await mails(company, replace(resources(company), commands=Crashing())).act(due, ctx)  # type: ignore[arg-type]
    for _ in range(2):  # the second time it is settled
        await mails(company).act(due, ctx)
    first, second = mailbox.to(address(company, "nam"))
    settled = await outcome(company, waiting)
    assert isinstance(settled, e.NoticeMailed)
    assert first["Message-ID"] == second["Message-ID"] == settled.message_id
    assert first["X-Nhip-Notices"] == waiting.notice_id


async def test_a_mail_that_the_server_cannot_take_now_is_sent_later(company: Company, mailbox: Mailbox):
    mailbox.answers[address(company, "nam")] = ["451 4.3.0 later, please"]
    await propose(company)
    await mailbox.comes(address(company, "nam"))
    assert mailbox.answers[address(company, "nam")] == []
    assert isinstance(
        await outcome(company, await told(company, "nam", t.NOTICE_KIND_PROPOSAL_WAITING)), e.NoticeMailed
    )


async def test_a_mail_that_is_refused_for_good_is_not_tried_again(company: Company, mailbox: Mailbox):
    mailbox.unknown.add(address(company, "nam"))
    await propose(company)
    settled = await outcome(company, await told(company, "nam", t.NOTICE_KIND_PROPOSAL_WAITING))
    assert isinstance(settled, e.NoticeNotMailed)
    assert settled.reason == e.NOT_MAILED_REASON_REFUSED

    async def nothing_due() -> bool:
        return all(due.tenant != company.tenant for due in await mails(company).due(datetime.now(UTC), MANY))

    await until(nothing_due)


async def test_a_server_that_is_away_is_tried_again_and_its_errors_name_nobody():
    mail = EmailMessage()
    mail["From"], mail["To"] = "nhip@company.test", "nam@company.test"
    with pytest.raises(MailServerAway) as away:
        await Mailer("smtp://127.0.0.1:9", "nhip@company.test").send(mail, "nam@company.test")
    assert "nam" not in str(away.value)
    assert away.value.__suppress_context__


@pytest.mark.parametrize(
    ("answer", "error"), [("421 4.3.2 closing", MailServerAway), ("552 5.3.4 too long", RefusedForGood)]
)
async def test_what_the_server_says_to_the_mail_decides(mailbox: Mailbox, answer: str, error: type[Exception]):
    to = f"{uuid4()}@company.test"
    mailbox.answers[to] = [answer]
    mail = EmailMessage()
    mail["From"], mail["To"] = "nhip@company.test", to
    with pytest.raises(error) as refused:
        await Mailer(mailbox.url, "nhip@company.test").send(mail, to)
    assert to not in str(refused.value)


async def test_in_quiet_hours_nothing_is_mailed_before_they_end(company: Company, mailbox: Mailbox):
    await later(company, "nam", t.EMAIL_MODE_AT_ONCE)
    await propose(company)
    waiting = await told(company, "nam", t.NOTICE_KIND_PROPOSAL_WAITING)
    due, ctx = await mail_of(company, "nam", waiting, digest=False)
    assert timedelta(0) < due.at - to_datetime(waiting.given_at) <= timedelta(hours=2)
    assert (due.at.minute, due.at.second) == (0, 0)
    early = await mails(company).due(due.at - timedelta(seconds=1), MANY)
    assert [d for d in early if d.tenant == company.tenant] == []
    await mails(company).act(due, ctx)
    assert len(mailbox.to(address(company, "nam"))) == 1


async def test_a_digest_is_one_mail_with_everything_that_is_due(company: Company, mailbox: Mailbox):
    await later(company, "phuc")
    await approve(company, await propose(company))
    changed = await told(company, "phuc", t.NOTICE_KIND_KPI_CHANGED)
    await company.do(g.AlignKpi(kpi_id=company.ids["I2"], parent=company.under("K1")), "quang")

    async def both() -> list[n.Notice]:
        notices = await inbox(company, "phuc")
        return notices if len(notices) == 2 else []

    newest, _ = await until(both)
    due, ctx = await mail_of(company, "phuc", changed)
    await mails(company).act(due, ctx)
    (mail,) = mailbox.to(address(company, "phuc"))
    assert mail["Subject"] == "[Nhịp] 2 tin dành cho bạn"
    assert mail["X-Nhip-Notices"].split() == [changed.notice_id, newest.notice_id]
    settled = [await outcome(company, notice) for notice in (changed, newest)]
    assert {s.message_id for s in settled if isinstance(s, e.NoticeMailed)} == {mail["Message-ID"]}


async def test_what_was_read_before_it_was_due_is_not_mailed(company: Company, mailbox: Mailbox):
    await later(company, "nam")
    await propose(company)
    waiting = await told(company, "nam", t.NOTICE_KIND_PROPOSAL_WAITING)
    await company.ask(n.ReadNotices(notice_ids=[waiting.notice_id]), "nam")
    await not_mailed(company, mailbox, "nam", waiting, e.NOT_MAILED_REASON_READ)


async def test_what_waited_and_was_decided_before_it_was_due_is_not_mailed(company: Company, mailbox: Mailbox):
    await later(company, "nam")
    proposal = await propose(company)
    waiting = await told(company, "nam", t.NOTICE_KIND_PROPOSAL_WAITING)
    await company.do(g.WithdrawProposal(proposal_id=proposal), "minh")
    await listed(company, "nam")  # the view has heard of it
    await not_mailed(company, mailbox, "nam", waiting, e.NOT_MAILED_REASON_DECIDED)


async def test_while_what_it_tells_of_is_not_known_a_mail_waits(company: Company, mailbox: Mailbox):
    await later(company, "nam")
    await propose(company)
    waiting = await told(company, "nam", t.NOTICE_KIND_PROPOSAL_WAITING)
    due, ctx = await mail_of(company, "nam", waiting)
    heard = KnownProposalView().table.name
    await resources(company).pool.execute(
        f"delete from {heard} where tenant = $1", company.tenant
    )  # as before the view heard of it
    with pytest.raises(NotKnownYet):
        await mails(company).act(due, ctx)
    assert len(await events(company)) == 1
    assert mailbox.to(address(company, "nam")) == []


async def test_who_has_no_address_is_not_mailed(company: Company, mailbox: Mailbox):
    await later(company, "nam")
    await company.ask(p.ChangeEmail(person_id=company.ids["nam"], email=words("")))
    await propose(company)
    waiting = await told(company, "nam", t.NOTICE_KIND_PROPOSAL_WAITING)
    await not_mailed(company, mailbox, "nam", waiting, e.NOT_MAILED_REASON_NO_ADDRESS)


async def test_who_was_erased_or_has_left_is_not_mailed(company: Company, mailbox: Mailbox):
    for who in ("phuc", "tram"):
        await later(company, who)
    await approve(company, await propose(company))
    phuc, tram = [await told(company, who, t.NOTICE_KIND_KPI_CHANGED) for who in ("phuc", "tram")]
    await company.do(p.DeactivatePerson(person_id=company.ids["phuc"]), "nam")
    await company.ask(p.RequestErasure(person_id=company.ids["tram"]), "tram")
    await company.ask(p.ApproveErasure(person_id=company.ids["tram"]), "nam")

    async def gone() -> bool:
        people = (await resources(company).directory.org_chart(company.tenant)).people
        return people[company.ids["tram"]].erased and not people[company.ids["phuc"]].active

    await until(gone)
    await not_mailed(company, mailbox, "phuc", phuc, e.NOT_MAILED_REASON_INACTIVE)
    await not_mailed(company, mailbox, "tram", tram, e.NOT_MAILED_REASON_NO_ADDRESS)


async def not_mailed(
    company: Company, mailbox: Mailbox, who: str, notice: n.Notice, reason: e.NotMailedReason.ValueType
) -> None:
    due, ctx = await mail_of(company, who, notice)
    await mails(company).act(due, ctx)
    settled = await outcome(company, notice)
    assert isinstance(settled, e.NoticeNotMailed)
    assert settled.reason == reason
    assert mailbox.to(address(company, who)) == []


async def test_a_service_that_was_away_for_long_mails_nobody_its_past(company: Company):
    draft = e.NoticeGiven(person_id=company.ids["tram"], kind=t.NOTICE_KIND_GIFT)
    ctx = Context(Actor(company.tenant, "notifications", "service"), datetime.now(UTC), uuid4())
    for cause, days in (("old", 8), ("new", 6)):
        await give(resources(company), ctx, cause, [draft], happened_at=ctx.at - timedelta(days=days))
    given = {told_of.notice_id: told_of for told_of in await notices(company)}
    due = {
        cause: given[notice_id(company.tenant, draft.person_id, cause)].HasField("email_due_at")
        for cause in ("old", "new")
    }
    assert due == {"old": False, "new": True}


async def test_without_a_mail_server_a_notice_is_in_the_inbox_only(company: Company):
    without = replace(resources(company), settings=resources(company).settings.model_copy(update={"smtp": ""}))
    draft = e.NoticeGiven(person_id=company.ids["tram"], kind=t.NOTICE_KIND_GIFT)
    ctx = Context(Actor(company.tenant, "notifications", "service"), datetime.now(UTC), uuid4())
    await give(without, ctx, "a cause", [draft], happened_at=ctx.at)
    (given,) = await notices(company)
    assert (given.inbox, given.HasField("email_due_at")) == (True, False)
    assert await DueMails(without, Mailer.of(without.settings)).due(ctx.at + timedelta(days=9), MANY) == []


# -- forgotten KPIs


async def test_a_forgotten_kpi_is_told_to_its_owners_once_until_a_value_comes(company: Company):
    today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
    start = today - timedelta(days=40)
    cycle = await company.do(
        g.OpenCycle(name="Nay", starts_on=from_date(start), ends_on=from_date(today + timedelta(days=90)))
    )
    definition = company.definition("KC", gt.LEVEL_INDIVIDUAL, 10, owner="minh")
    definition.cycle_id = cycle
    definition.effective_on.CopyFrom(from_date(start))
    kpi = await company.do(definition, name="KC")
    await company.ask(n.CountNotices(), "minh")
    now = datetime.now(UTC)
    assert await forgotten(company, kpi, now) is None  # it was only just written down
    tomorrow = now + timedelta(days=1, minutes=1)
    due = await forgotten(company, kpi, tomorrow)
    assert due is not None
    assert due == Due(
        company.tenant,
        kpi,
        datetime.combine(start + timedelta(days=28), datetime.min.time(), ZoneInfo("Asia/Ho_Chi_Minh")),
    )
    for _ in range(2):
        await StaleProgress(resources(company)).act(
            due, by_the_clock(company.tenant, "stale_progress", kpi, due.at, tomorrow)
        )
    stale = await told(company, "minh", t.NOTICE_KIND_PROGRESS_STALE)
    assert (stale.kpi_name, day(stale), await given_to(company)) == ("KC", start, ["minh"])

    async def is_settled(at: datetime) -> bool:
        return await forgotten(company, kpi, at) is None

    await until(lambda: is_settled(tomorrow))
    await company.do(c.RecordProgress(kpi_id=kpi, value=number(4)), "minh")
    await company.ask(n.CountNotices(), "minh")
    assert await forgotten(company, kpi, now + timedelta(days=27)) is None
    assert await forgotten(company, kpi, now + timedelta(days=29)) is not None


def day(notice: n.Notice) -> date:
    return date(notice.since.year, notice.since.month, notice.since.day)


async def forgotten(company: Company, kpi: str, at: datetime) -> Due | None:
    found = await StaleProgress(resources(company)).due(at, MANY)
    return next((due for due in found if (due.tenant, due.thing) == (company.tenant, kpi)), None)


async def test_of_a_cycle_that_is_over_nothing_is_forgotten(company: Company):
    found = await StaleProgress(resources(company)).due(datetime.now(UTC) + timedelta(days=2), MANY)
    assert [due for due in found if due.tenant == company.tenant] == []


# -- the inbox


async def test_the_newest_notice_is_the_first(company: Company):
    for before, after in ((100, 90), (90, 80), (80, 70)):
        await approve(company, await company.do(company.proposal(D1=(before, after)), "minh"))

    async def all_there() -> Sequence[n.Notice]:
        notices = await inbox(company, "phuc")
        return notices if len(notices) == 3 else []

    assert [notice.changes[0].change.after.value for notice in await until(all_there)] == ["70", "80", "90"]


async def test_what_waits_is_shown_first_and_a_page_goes_on_where_the_last_one_ended(company: Company):
    proposals = [await propose(company) for _ in range(3)]
    await company.do(g.WithdrawProposal(proposal_id=proposals[2]), "minh")

    async def all_there() -> bool:
        count = await company.ask(n.CountNotices(), "nam")
        return count == n.NoticeCount(unread=3, waiting=2)

    await until(all_there)
    seen: list[tuple[str, bool]] = []
    token = ""
    for _ in range(3):
        page = await listed(company, "nam", page_size=1, page_token=token)
        assert page.unread == 3
        seen += [(notice.proposal_id, notice.waiting) for notice in page.notices]
        token = page.next_page_token
    assert token == ""
    assert seen == [(proposals[1], True), (proposals[0], True), (proposals[2], False)]
    refused = await company.refused(n.ListNotices(page_token="somewhere"), "nam")
    assert (refused.reason, refused.violations[0].field) == ("PAGE_TOKEN_INVALID", "page_token")


async def test_people_read_their_own_notices_and_no_others(company: Company):
    await approve(company, await propose(company))
    theirs = await told(company, "tram", t.NOTICE_KIND_KPI_CHANGED)
    refused = await company.refused(n.ReadNotices(notice_ids=[theirs.notice_id]), "phuc")
    assert (refused.reason, refused.violations[0].field) == ("NOTICE_UNKNOWN", "notice_ids[0]")
    first = await company.ask(n.ReadNotices(notice_ids=[theirs.notice_id]), "tram")
    again = await company.ask(n.ReadNotices(notice_ids=[theirs.notice_id]), "tram")
    assert (first.unchanged, again.unchanged) == (False, True)  # type: ignore[attr-defined]
    assert (await inbox(company, "tram"))[0].read
    assert await inbox(company, "tram", unread=True) == []
    await told(company, "phuc", t.NOTICE_KIND_KPI_CHANGED)
    await company.ask(n.ReadNotices(all=True), "phuc")
    assert (await listed(company, "phuc")).unread == 0
    for wrong in (n.ReadNotices(), n.ReadNotices(all=True, notice_ids=[theirs.notice_id])):
        assert (await company.refused(wrong, "tram")).reason == "NOTICES_NAMED"


async def test_a_kind_that_is_not_wanted_in_the_inbox_is_not_listed_and_is_there(company: Company):
    await wants(company, "nam", t.EMAIL_MODE_OFF, inbox=False)
    await propose(company)
    (given,) = await until(lambda: notices(company))
    assert (given.inbox, given.HasField("email_due_at")) == (False, False)
    assert (await listed(company, "nam")).notices == []
    assert await company.ask(n.CountNotices(), "nam") == n.NoticeCount()


async def test_preferences_are_told_whole_with_the_address_that_mails_go_to(company: Company):
    silent = t.Channels(kind=t.NOTICE_KIND_GIFT, email=t.EMAIL_MODE_OFF)
    await company.ask(n.ChangePreferences(preferences=t.Preferences(channels=[silent], language="en")), "quang")
    page = await company.ask(n.GetPreferences(), "quang")
    assert isinstance(page, n.PreferencesPage)
    assert (page.email.plain, page.email_works, page.preferences.language) == (address(company, "quang"), True, "en")
    assert [c.kind for c in page.preferences.channels] == list(KINDS)
    assert next(c for c in page.preferences.channels if c.kind == t.NOTICE_KIND_GIFT) == silent
    twice = await company.refused(n.ChangePreferences(preferences=t.Preferences(channels=[silent, silent])), "quang")
    assert (twice.reason, twice.violations[0].field) == ("KIND_TWICE", "preferences.channels[1].kind")


async def test_no_address_and_no_word_of_a_mail_is_in_the_log_lines(company: Company, mailbox: Mailbox):
    await propose(company)
    await mailbox.comes(address(company, "nam"))
    lines = (company.system.directory / "log").read_text()
    assert [word for word in (address(company, "nam"), "Tên-minh", "Làm kỹ hơn") if word in lines] == []
