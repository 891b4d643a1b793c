"""The rhythm of a team over the real services: topics, check-ins, their answers and reminders."""

import asyncio

import pytest

from nhip.checkins.v1 import topics_pb2 as tp
from nhip.checkins.v1 import types_pb2 as t
from nhip.common.v1 import operations_pb2 as o
from nhip.notifications.v1 import notifications_pb2 as n
from nhip.notifications.v1 import types_pb2 as nt
from tests.integration.services.company import OPERATOR, Company, System, words


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


async def told(company: Company, who: str, kind: nt.NoticeKind.ValueType) -> n.Notice:
    """The notice of that kind that somebody gets."""
    for _ in range(100):
        listed = await company.ask(n.ListNotices(), who)
        assert isinstance(listed, n.Notices)
        if found := next((one for one in listed.notices if one.kind == kind), None):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{who} was not told")


async def is_right(company: Company) -> None:
    """Every view says what the streams say."""
    verified = await company.ask(o.Verify(), OPERATOR, context="checkins")
    assert isinstance(verified, o.Verified)
    assert [(view.view, difference) for view in verified.views for difference in view.differences] == []


async def test_a_topic_is_read_by_whom_it_concerns_answered_and_told(company: Company):
    draft = tp.TopicDraft(title=words("Duyệt giá nhanh hơn"), wanted=words("Xong tuần này"), kpi_id=company.ids["I1"])
    topic = await company.do(tp.RaiseTopic(topic=draft), "minh")
    assert (await told(company, "phuc", nt.NOTICE_KIND_TOPIC_ASKED)).topic_id == topic
    assert (await company.refused(tp.GetTopic(topic_id=topic), "tram")).reason == "TOPIC_UNKNOWN"
    await company.do(tp.ForwardTopic(topic_id=topic, person_id=company.ids["quang"], note=words("Nhờ anh")), "phuc")
    waiting = await company.ask(tp.ListTopics(waiting_for_me=True), "quang")
    assert isinstance(waiting, tp.TopicList)
    assert [(one.title.plain, one.steps[0].words.plain) for one in waiting.topics] == [
        ("Duyệt giá nhanh hơn", "Nhờ anh")
    ]
    await company.do(tp.AnswerTopic(topic_id=topic, answer=words("Duyệt rồi")), "quang")
    assert (await told(company, "minh", nt.NOTICE_KIND_TOPIC_ANSWERED)).by_id == company.ids["quang"]
    shown = await company.ask(tp.GetTopic(topic_id=topic), "minh")
    assert isinstance(shown, tp.Topic)
    assert (shown.state, shown.may_close, shown.may_reopen, shown.may_answer) == (
        t.TOPIC_STATE_ANSWERED,
        True,
        True,
        False,
    )
    await is_right(company)
