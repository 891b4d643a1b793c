"""A tenant's settings are heard by every service, and act from their day on."""

from datetime import UTC, date, datetime, timedelta

from eventkit.values import from_date, from_datetime
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.notifications.v1 import notifications_pb2 as n
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import settings_pb2 as s
from nhip.rewards.v1 import rewards_pb2 as r
from services.notifications.queries.forgotten import forgotten
from services.notifications.queries.waiting import undecided
from tests.integration.services.company import MANY, OPERATOR, Company, System, number, today, words
from tests.unit.people.test_company import png

REASON = words("quý 1 báo muộn")


def yesterday() -> date:
    return today() - timedelta(days=1)


def tomorrow() -> date:
    return today() + timedelta(days=1)


def change(on: date, **values: object) -> s.ChangeSettings:
    return s.ChangeSettings(values=s.Settings(**values), reason=REASON, effective_on=from_date(on))  # type: ignore[arg-type]


async def status(company: Company, **as_of: object) -> str:
    page = await company.ask(g.GetKpi(kpi_id=company.ids["I1"], as_of=AsOf(**as_of)), "minh")  # type: ignore[arg-type]
    assert isinstance(page, g.KpiPage)
    return g.Status.Name(page.kpi.standing.status)


async def points(company: Company) -> int:
    hints = await company.ask(r.CheckPraise(receiver_id=company.ids["tram"], words=words("…")), "minh")
    assert isinstance(hints, r.PraiseHints)
    return hints.points


async def test_a_changed_number_is_heard_by_goals_and_rewards_and_acts_from_its_day_on(system: System):
    company = await (await system.company().found()).branch()
    early = company.definition("I1", t.LEVEL_INDIVIDUAL, 80, owner="minh")
    early.effective_on.CopyFrom(from_date(yesterday()))
    await company.do(early, name="I1")
    value = c.RecordProgress(kpi_id=company.ids["I1"], value=number(20), occurred_on=from_date(yesterday()))
    await company.do(value, "minh")
    # 41 of 91 days are over and 20 of 80 are done: 20 points behind.
    assert await status(company) == "STATUS_BEHIND"
    asked = g.PreviewStatuses(cycle_id=company.ids["q1"], settings=s.Settings(behind_gap=number(25)))
    preview = await company.ask(asked, "nam")
    assert isinstance(preview, g.StatusPreview)
    assert [(m.before, m.after, m.count) for m in preview.moves] == [(g.STATUS_BEHIND, g.STATUS_ON_TRACK, 1)]
    assert (preview.people, [kpi.kpi_id for kpi in preview.moved]) == (1, [company.ids["I1"]])
    before = datetime.now(UTC)
    await company.do(change(today(), behind_gap=number(25), points_per_praise=15, usual_confidence=2), "nam")
    await company.do(change(tomorrow(), points_per_praise=20, monthly_allowance=80), "nam")

    assert await status(company) == "STATUS_ON_TRACK"
    assert await status(company, effective_on=from_date(yesterday())) == "STATUS_BEHIND"
    assert await status(company, recorded_at=from_datetime(before)) == "STATUS_BEHIND"
    assert await points(company) == 15
    wallet = await company.ask(r.GetWallet(), "minh")
    assert isinstance(wallet, r.Wallet)
    assert wallet.monthly_allowance == 60

    # Who says nothing of it is as sure as the company says: low confidence, which takes one step off.
    await company.do(c.RecordProgress(kpi_id=company.ids["I1"], value=number(20)), "minh")
    assert await status(company) == "STATUS_BEHIND"


async def test_who_waits_too_long_and_what_was_forgotten_is_told_by_the_companys_numbers(system: System):
    company = await (await system.company().found()).branch()
    await company.do(change(today(), approval_days=1, stale_days=5), "nam")
    proposal = await company.do(company.proposal(I1=(80, 70)), "minh")
    await company.ask(n.CountNotices(), "minh")  # notifications has heard of all that
    pool, now = system.all_resources["notifications"].pool, datetime.now(UTC)

    async def waits(days: int) -> bool:
        due = await undecided(pool, now + timedelta(days=days, minutes=1), MANY)
        return proposal in {one.thing for one in due if one.tenant == company.tenant}

    async def was_forgotten(days: int) -> bool:
        due = await forgotten(pool, now + timedelta(days=days), MANY)
        return company.ids["I1"] in {one.thing for one in due if one.tenant == company.tenant}

    assert [await waits(days) for days in (0, 1)] == [False, True]
    assert [await was_forgotten(days) for days in (4, 5)] == [False, True]


async def test_everybody_reads_what_is_in_force_and_who_leads_how_it_came(system: System):
    company = await system.company().found()
    await company.do(change(today(), stale_days=14), "nam")
    await company.do(change(tomorrow(), stale_days=10), "nam")
    await company.do(s.ChangeSettings(to_default=["stale_days"], reason=REASON), "nam")  # tomorrow, too
    page = await company.ask(s.GetSettings(), "minh")
    assert isinstance(page, s.SettingsPage)
    assert (page.in_force.stale_days, page.in_force.months_to_spend) == (14, 12)
    [stale] = [one for one in page.settings if one.name == "stale_days"]
    assert (stale.own, stale.value.value, stale.default.value) == (True, "14", "28")
    assert (stale.next_value.value, stale.next_is_default, stale.next_on) == ("28", True, from_date(tomorrow()))
    changes = await company.ask(s.ListSettingChanges(name="stale_days", page_size=2), "phuc")
    assert isinstance(changes, s.SettingChanges)
    told = [(one.before.value, one.after.value, one.to_default) for one in changes.changes]
    assert told == [("10", "28", True), ("14", "10", False)]
    assert (changes.changes[0].by, changes.changes[0].reason.plain) == (company.ids["nam"], REASON.plain)
    rest = s.ListSettingChanges(name="stale_days", page_size=2, page_token=changes.next_page_token)
    last = await company.ask(rest, "phuc")
    assert isinstance(last, s.SettingChanges)
    assert [(one.before.value, one.after.value) for one in last.changes] == [("28", "14")]

    assert (await company.refused(s.ListSettingChanges(), "minh")).reason == "NOT_ALLOWED"
    assert (await company.refused(change(today(), stale_days=7), "phuc")).reason == "NOT_ALLOWED"
    wrong = await company.refused(change(today(), at_risk_gap=number(101), stale_days=367), "nam")
    assert [(v.field, v.message) for v in wrong.violations] == [
        ("values.at_risk_gap", "must be from 2 to 100"),
        ("values.stale_days", "must be from 1 to 366"),
    ]


async def test_a_company_changes_its_name_zone_language_and_logo(system: System):
    company = await system.company().found()
    await company.do(s.ChangeCompany(name="Công ty mới", time_zone="Asia/Tokyo", language="en"), "nam")
    await company.do(s.ChangeLogo(image=png()), "nam")
    tenant = await company.ask(p.GetTenant(), OPERATOR)
    assert isinstance(tenant, p.Tenant)
    assert (tenant.name, tenant.time_zone, tenant.language) == ("Công ty mới", "Asia/Tokyo", "en")
    logo = await company.ask(s.GetLogo(), "minh")
    assert isinstance(logo, s.Logo)
    assert (logo.digest, logo.media_type, logo.image) == (tenant.logo, "image/png", png())
    await company.do(s.ChangeLogo(), "nam")
    assert (await company.refused(s.GetLogo(), "minh")).reason == "LOGO_UNKNOWN"
    assert (await company.refused(s.ChangeLogo(image=b"<svg/>"), "nam")).reason == "LOGO_UNREADABLE"
    assert (await company.refused(s.ChangeCompany(name="X"), "phuc")).reason == "NOT_ALLOWED"
