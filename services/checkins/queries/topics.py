"""Topics that somebody may read, and what was said to each."""

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.errors import unknown
from eventkit.rpc.paging import asked
from eventkit.values import from_datetime
from nhip.checkins.v1 import topics_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import TopicRaised
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.domain.reporting import reports
from services.checkins.domain.topic import Topic, rights
from services.checkins.views.topic import TOPIC_READERS, TOPIC_STEPS, TOPICS, TopicRow, TopicStepRow

PAGE = 50
STEPS = 50

# Whether somebody ($2), who leads some people ($3), finds a topic `t` among theirs. What `rights` says of each is asked
# again: a list shows nobody more than the topic's own page.
_MINE = f"""(t.author_id = $2 or (t.author_id = any($3::text[]) and t.state <> {t.TOPIC_STATE_CLOSED})
  or exists (select from {TOPIC_READERS} r
    where r.tenant = t.tenant and r.reader_id = $2 and r.topic_id = t.topic_id))"""
_WAITS = f"""(t.state = {t.TOPIC_STATE_FORWARDED} and t.holder_id = $2
  or t.state = {t.TOPIC_STATE_OPEN} and t.author_id = any($3::text[]))"""


async def topics(
    con: asyncpg.Connection, tenant: str, request: pb.ListTopics, reader: str, org: OrgChart
) -> pb.TopicList:
    """The newest first."""
    page = asked(request, tenant, str, str, size=PAGE)
    rows = await con.fetch(
        f"""select t.* from {TOPICS} t where t.tenant = $1 and {_WAITS if request.waiting_for_me else _MINE}
        and ($4 = '' or t.author_id = $4) and ($5 or t.state <> {t.TOPIC_STATE_CLOSED})
        and ($6::timestamptz is null or (t.raised_at, t.topic_id) < ($6, $7))
        order by t.raised_at desc, t.topic_id desc limit $8""",
        tenant,
        reader,
        reports(reader, org),
        request.author_id,
        request.closed_too,
        *(page.after or (None, "")),
        page.limit,
    )
    shown, token = page.cut([TOPICS.of(row) for row in rows], lambda row: (row.raised_at, row.topic_id))
    readers = await _readers(con, tenant, [row.topic_id for row in shown])
    steps = await _steps(con, tenant, [row.topic_id for row in shown])
    told = [
        _topic(row, readers.get(row.topic_id, frozenset()), steps.get(row.topic_id, []), reader, org) for row in shown
    ]
    return pb.TopicList(topics=[one for one in told if one is not None], next_page_token=token)


async def topic(con: asyncpg.Connection, tenant: str, topic_id: str, reader: str, org: OrgChart) -> pb.Topic:
    """Raises `Rejected` TOPIC_UNKNOWN, also for who may not read it."""
    row = await con.fetchrow(f"select * from {TOPICS} where tenant = $1 and topic_id = $2", tenant, topic_id)
    readers = await _readers(con, tenant, [topic_id])
    steps = await _steps(con, tenant, [topic_id])
    told = (
        _topic(TOPICS.of(row), readers.get(topic_id, frozenset()), steps.get(topic_id, []), reader, org)
        if row
        else None
    )
    if told is None:
        raise unknown("topic", topic_id, "topic_id")
    return told


async def _readers(con: asyncpg.Connection, tenant: str, topic_ids: list[str]) -> dict[str, frozenset[str]]:
    rows = await con.fetch(
        f"select topic_id, array_agg(reader_id) as readers from {TOPIC_READERS} "
        "where tenant = $1 and topic_id = any($2::text[]) group by topic_id",
        tenant,
        topic_ids,
    )
    return {row["topic_id"]: frozenset(row["readers"]) for row in rows}


async def _steps(con: asyncpg.Connection, tenant: str, topic_ids: list[str]) -> dict[str, list[TopicStepRow]]:
    """The last steps of each, in order."""
    rows = await con.fetch(
        f"""select s.* from unnest($2::text[]) ids(topic_id) cross join lateral (
          select * from {TOPIC_STEPS} where tenant = $1 and topic_id = ids.topic_id order by version desc limit {STEPS}
        ) s order by s.topic_id, s.version""",
        tenant,
        topic_ids,
    )
    found: dict[str, list[TopicStepRow]] = {}
    for row in map(TOPIC_STEPS.of, rows):
        found.setdefault(row.topic_id, []).append(row)
    return found


def _topic(
    row: TopicRow, readers: frozenset[str], steps: list[TopicStepRow], reader: str, org: OrgChart
) -> pb.Topic | None:
    """None for who may not read it."""
    raised = TopicRaised.FromString(row.raised)
    state = Topic(raised, row.state, row.holder_id, readers)
    may = rights(state, reader, org)
    if not may.read:
        return None
    return pb.Topic(
        topic_id=row.topic_id,
        author_id=row.author_id,
        check_in_id=raised.check_in_id,
        title=raised.title,
        problem=raised.problem if raised.HasField("problem") else None,
        cause=raised.cause if raised.HasField("cause") else None,
        wanted=raised.wanted if raised.HasField("wanted") else None,
        kpi_id=raised.kpi_id,
        participant_ids=raised.participant_ids,
        state=row.state,  # type: ignore[arg-type] # the enum's number
        raised_at=from_datetime(row.raised_at),
        waits_for_id=state.waits_for(org),
        since=from_datetime(row.since),
        steps=map(_step, steps),
        may_forward=may.forward,
        may_answer=may.answer,
        may_close=may.close,
        may_reopen=may.reopen,
    )


def _step(row: TopicStepRow) -> pb.TopicStep:
    return pb.TopicStep(
        kind=row.kind,  # type: ignore[arg-type] # the enum's number
        at=from_datetime(row.at),
        by_id=row.by_id,
        words=PersonalText.FromString(row.words) if row.words else None,
        to_id=row.to_id,
        unit_id=row.unit_id,
    )


async def of_people(
    con: asyncpg.Connection, tenant: str, authors: list[str], topic_ids: list[str], reader: str, org: OrgChart
) -> list[pb.Topic]:
    """The topics of some people that are not closed, the oldest first, and some more by their ids: as far as the
    reader may read them."""
    records = await con.fetch(
        f"""select * from {TOPICS} where tenant = $1
        and (topic_id = any($3::text[]) or author_id = any($2::text[]) and state <> {t.TOPIC_STATE_CLOSED})
        order by raised_at, topic_id limit {PAGE}""",
        tenant,
        authors,
        topic_ids,
    )
    rows = list(map(TOPICS.of, records))
    readers, steps = (
        await _readers(con, tenant, [row.topic_id for row in rows]),
        await _steps(con, tenant, [row.topic_id for row in rows]),
    )
    told = [
        _topic(row, readers.get(row.topic_id, frozenset()), steps.get(row.topic_id, []), reader, org) for row in rows
    ]
    return [one for one in told if one is not None]
