"""Checking in: what one check-in and many that are brought in have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Decide, Load
from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, Violation, unknown
from eventkit.values import required_date
from nhip.checkins.v1 import check_ins_pb2 as pb
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.domain import action, check_in, progress, topic
from services.checkins.domain.action import ACTION
from services.checkins.domain.calendar import Slot
from services.checkins.domain.check_in import CHECK_IN, CheckIn, at_row, refuse_rows
from services.checkins.domain.cycle_facts import CYCLE_FACTS, check_taken
from services.checkins.domain.progress import PROGRESS, KnownKpi
from services.checkins.domain.topic import TOPIC


@dataclass(frozen=True, slots=True)
class Made:
    """Whose check-in it is, and what is known of them and of what it speaks of."""

    person_id: str
    manager_id: str
    """To whom it is sent; empty: nobody leads them."""
    slot: Slot | None
    today: date
    org: OrgChart
    kpis: Mapping[str, KnownKpi]
    imported: bool


def deciding(
    command: pb.SubmitCheckIn,
    made: Made,
    ctx: Context,
    check: Callable[[CheckIn, pb.SubmitCheckIn, date], None] | None = None,
) -> Decide:
    """All of it, or what is wrong with each row of it; `check` looks first at what stands there."""
    id = check_in.id_of(made.person_id, required_date(command.due_on))
    usual = made.org.settings.on(made.today).usual_confidence
    topic_ids = [ctx.new_id(f"topic {number}") for number in range(len(command.topics))]

    async def decide(load: Load) -> Decision:
        state = await load(CHECK_IN, id)
        if check:
            check(state, command, made.today)
        recorded: list[Decision] = []
        topics: dict[str, Decision] = {}
        first: Rejected | None = None
        wrong: list[Violation] = []
        for index, value in enumerate(command.values):
            try:
                if value.kpi_id in {earlier.kpi_id for earlier in command.values[:index]}:
                    raise Rejected("KPI_TWICE", "name each KPI once", kind=Kind.INVALID, field="kpi_id", rule="C-06")
                kpi = _of(made.kpis, value.kpi_id)
                check_taken(await load(CYCLE_FACTS, kpi.cycle_id))
                known = await load(PROGRESS, kpi.id)
                recorded.append(progress.record(known, value, kpi, ctx.actor, made.today, usual_confidence=usual))
            except Rejected as refusal:
                first, wrong = first or refusal, [*wrong, *at_row(refusal, f"values[{index}]")]
        for index, (topic_id, draft) in enumerate(zip(topic_ids, command.topics, strict=True)):
            try:
                if draft.kpi_id:
                    _of(made.kpis, draft.kpi_id)
                known_topic = await load(TOPIC, topic_id)
                topics[topic_id] = topic.raise_topic(known_topic, topic_id, draft, made.person_id, made.org, id)
            except Rejected as refusal:
                first, wrong = first or refusal, [*wrong, *at_row(refusal, f"topics[{index}]")]
        reported: list[Decision] = []
        for index, action_id in enumerate(dict.fromkeys(command.done_action_ids)):
            try:
                known_action = await load(ACTION, action_id)
                reported.append(action.report(known_action, PersonalText(), ctx.actor, made.org, action_id))
            except Rejected as refusal:
                first, wrong = first or refusal, [*wrong, *at_row(refusal, f"done_action_ids[{index}]")]
        refuse_rows(first, wrong)
        whole = check_in.submit(
            state,
            command,
            made.person_id,
            made.manager_id,
            made.slot,
            made.today,
            recorded,
            topics,
            imported=made.imported,
        )
        return [*whole, *(event for decision in reported for event in decision)]

    return decide


def _of(kpis: Mapping[str, KnownKpi], kpi_id: str) -> KnownKpi:
    if kpi_id not in kpis:
        raise unknown("kpi", kpi_id, "kpi_id")
    return kpis[kpi_id]
