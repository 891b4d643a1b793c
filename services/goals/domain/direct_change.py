"""A KPI changed without a proposal: anything while its cycle is planned, misspelt words also while it runs (1.14)."""

from dataclasses import replace

from eventkit.commands.aggregate import Decision
from eventkit.context import Context
from eventkit.directory import responsibility
from eventkit.errors import Kind, Rejected
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.goals_pb2 import ChangeKpi, CorrectKpiWords, KpiWords
from services.goals.domain.authority import check_may_set
from services.goals.domain.changing import Circumstances, carry_out, touched
from services.goals.domain.cycle import check_not_closed, check_planned
from services.goals.domain.kpi_change import Cause, changes_nothing
from services.goals.domain.wording import figures_as_written


def change(command: ChangeKpi, circumstances: Circumstances, ctx: Context) -> Decision:
    """By who may set the KPI, as it is and as it is to be. What is so already is no event."""
    if command.change.kpi_id != command.kpi_id:
        told = "name the KPI that the change is of"
        raise Rejected("KPI_DIFFERS", told, kind=Kind.INVALID, field="change.kpi_id")
    check_planned(circumstances.cycle, "kpi_id")
    if changes_nothing(command.change):
        return []
    check_may_set(touched([command.change], [], circumstances.kpis), ctx.actor, circumstances.org, "kpi_id")
    reason = command.reason if command.HasField("reason") else None
    cause = Cause(command.reason_class, reason=reason)
    return carry_out([command.change], [], circumstances, cause, [], lambda _: "change")


def correct_words(command: CorrectKpiWords, circumstances: Circumstances, ctx: Context) -> Decision:
    """By who could decide about a change of it; what the words promise is not theirs to change: their numbers stay."""
    check_not_closed(circumstances.cycle, "kpi_id")
    wanted = words_change(command)
    concerned = touched([wanted], [], circumstances.kpis)
    if ctx.actor.kind != "person" or (
        concerned and ctx.actor.id not in responsibility.deciders(concerned, "", circumstances.org).people
    ):
        told = "who could decide about a change of this KPI puts its words right"
        raise Rejected("NOT_THE_APPROVER", told, kind=Kind.FORBIDDEN, field="kpi_id", rule="G-69")
    if changes_nothing(wanted):
        return []
    _check_same_numbers(command)
    reason = command.reason if command.HasField("reason") else None
    cause = Cause(t.REASON_CLASS_CORRECTION, reason=reason)
    try:
        return carry_out([wanted], [], circumstances, cause, [])
    except Rejected as refusal:
        raise _as_sent(refusal) from None


def _as_sent(refusal: Rejected) -> Rejected:
    """A refusal of the change that the words come to, by the fields of the request: it has words and no more."""
    refusal.violations = tuple(
        replace(one, field=one.field.removeprefix("changes[0].").removeprefix("said.")) for one in refusal.violations
    )
    return refusal


def _check_same_numbers(command: CorrectKpiWords) -> None:
    for name in ("name", "statement"):
        before, after = getattr(command.before, name), getattr(command.after, name)
        if command.after.HasField(name) and figures_as_written(before) != figures_as_written(after):
            told = "another number is another promise: propose a change of the KPI"
            raise Rejected("NUMBER_NOT_A_WORD", told, kind=Kind.INVALID, field=f"after.{name}", rule="G-69")


def words_change(command: CorrectKpiWords) -> t.TargetChange:
    said = t.SaidChange(before=_said(command.before), after=_said(command.after))
    return t.TargetChange(kpi_id=command.kpi_id, said=said)


def _said(words: KpiWords) -> t.KpiSaid:
    return t.KpiSaid(
        name=words.name if words.HasField("name") else None,
        statement=words.statement if words.HasField("statement") else None,
    )
