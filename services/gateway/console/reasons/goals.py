"""Refusals of goals, by their reasons."""

from services.gateway.console.language import Language


def reasons(language: Language) -> dict[str, str]:
    _ = language.gettext
    return {
        "PROPOSAL_UNKNOWN": _("There is no such proposal."),
        "KPI_QUOTA": _(
            "A cycle of your company may have %(most)s KPIs, and this one would have %(have)s. End some, or ask "
            "whoever operates Nhip to allow more."
        ),
        "PROPOSAL_STALE": _(
            "Targets have changed since this was proposed, so it cannot be approved as it stands. A new proposal is "
            "needed."
        ),
        "KPI_CHANGED_MEANWHILE": _(
            "Somebody changed this KPI meanwhile, so nothing was changed. Look at it as it is now, and change it then."
        ),
        "NO_APPROVER": _("There is nobody who may decide on this: name a manager or an executive first."),
        "PROPOSAL_DECIDED": _("This proposal has been decided already."),
        "SELF_APPROVAL": _("Nobody approves their own proposal."),
        "GOAL_EXISTS": _("There is a strategic goal of this name in that year already."),
        "GOAL_HAS_CSFS": _("A success factor serves this goal: withdraw that first, or let it serve another goal."),
        "GOAL_HAS_KPIS": _("KPIs serve this goal (%(count)s): align them elsewhere, or end them first."),
        "GOAL_HAS_VALUES": _("This goal has a value, recorded or computed, which is kept: it is not withdrawn."),
        "CSF_EXISTS": _("There is a success factor of this name for this goal already."),
        "CSF_HAS_KPIS": _("KPIs serve this success factor (%(count)s): align them elsewhere, or end them first."),
        "NOT_THE_APPROVER": _("Somebody else decides on this proposal."),
        "NOT_THE_PROPOSER": _("Only who proposed it may withdraw it."),
        "NOTHING_PROPOSED": _("Change at least one target or add a KPI."),
        "GOAL_COMPUTED": _("Nobody records this value: it is computed from KPIs."),
        "OUTSIDE_YEAR": _("That day is not within the goal's year, or lies ahead."),
        "COMPUTATION_OF_TWO": _("Name exactly two KPIs for this."),
        "MILESTONE_COMPUTED": _("What is done or not is entered, not computed."),
        "UNITS_DIFFER": _("These are not measured in the same unit, or not in the unit that comes out of it."),
        "VOLUME_MISSING": _("A rate can be weighted only if it says which KPI it is a rate of."),
        "EARLIER_CYCLE_MISSING": _("The second KPI has to be one of a cycle that began earlier."),
        "FORMULA_UNREADABLE": _("The formula cannot be read from character %(at)s on."),
        "FORMULA_NAMES": _("Use each of these letters, and no other: %(letters)s."),
        "HELPER_TWICE": _("Name each helper once, and nobody who answers for it."),
        "VOLUME_OF_ITSELF": _("A rate is one of another KPI, not of itself: choose another one."),
        "VOLUME_OF_NO_RATE": _("Only a KPI whose value stands at a level is a rate of another one: leave this out."),
        "VOLUME_COMPUTED": _(
            "That KPI is computed from others. A rate becomes one of a KPI whose values are entered: choose such a one."
        ),
        "EVALUATOR_IS_OWNER": _("Nobody judges what they answer for: name somebody else."),
        "APPROVAL_GIVEN": _("It is approved already, and waits for those who are invited."),
        "NOT_INVITED": _("Nobody invited you to this."),
        "NOT_CONCERNED": _("Those whom a proposal concerns, and who may decide, write about it."),
        "NOTHING_LEFT": _("All that it asks for is so already: withdraw it."),
        "KPI_DIFFERS": _("Name the KPI that the change is of."),
        "ENDS_ALONE": _("What ends is not changed as well: take one of the two back."),
        "KEY_TAKEN": _("Two new KPIs have the same key."),
        "MILESTONE_TARGET": _("A milestone is done or not: its target is 1."),
        "SCALE_ORDER": _("Floor, target and stretch must run in one direction. Change them together."),
        "TARGET_NOT_ABOVE_START": _("What adds up needs a target above where it starts."),
        "TARGET_BELOW_BASELINE": _("It is to rise: give a target above where it starts."),
        "TARGET_ABOVE_BASELINE": _("It is to fall: give a target below where it starts."),
        "NUMBER_NOT_A_WORD": _("A number in the words is what was promised: propose a change of the KPI."),
        "CYCLE_ENDED": _("The cycle is over: what it aimed at can only be corrected."),
        "KPI_OF_ANOTHER_CYCLE": _("This KPI is of another cycle."),
        "TARGET_OF_ADJUSTED": _("Give the target of what is adjusted, and of nothing else."),
        "PARTS_FIRST": _("What it is counted from goes on first: decide about that before."),
        "KPI_OUTSIDE_CYCLE": _("A KPI of it comes into force later than that: choose a later last day."),
        "FOLLOW_UP_DECIDED": _("It goes on in the next cycle already: change it or end it there."),
        "CYCLE_RUNS": _("The cycle runs: a KPI of it changes by a proposal, and its days stay as they are."),
        "CYCLE_NOT_CLOSED": _("This cycle is not closed."),
        "CYCLE_PLANNED": _("This cycle was not started."),
        "CYCLE_NOT_OVER": _("The cycle is not over yet: it is closed from its last day on."),
        "CYCLE_IN_USE": _("There are KPIs, proposals or cycles in it: only an empty cycle is withdrawn."),
        "CYCLE_EMPTY": _("It has no KPI yet: set what the cycle is for first."),
        "CYCLE_TOO_DEEP": _("So many cycles do not lie in each other: choose one further out."),
        "WEIGHTS_UNEVEN": _(
            "There are people whose weights do not add up to 100. Mend them, or an executive starts it all the same."
        ),
        "PROPOSALS_WAITING": _("Proposals in it wait for a decision: decide about them first."),
        "INNER_CYCLE_OPEN": _("There are cycles in it that are not closed: close them first."),
        "INNER_CYCLE_OUTSIDE": _("A cycle that lies in it would be outside of these days."),
        "CYCLE_NOT_ENCLOSING": _(
            "What a KPI serves or is a rate of belongs to its own cycle, or to one that this lies in."
        ),
        "LEVEL_ORDER": _("A KPI serves one of its own level or of a higher one."),
        "LINKED_TWICE": _("It is linked to that already: name each thing once."),
        "NOTHING_TO_SHARE": _("It does not add up to that: leave the share away."),
        "SHARES_OVER_100": _("A KPI counts once: what it counts for comes to 100 % at most."),
        "NOT_YOURS_TO_SET": _("Not yours to set directly: %(who)s may. You may propose it."),
        "CYCLE_YEAR": _("This year is far from today: is it mistyped?"),
        "GOAL_YEAR": _("This year is far from today: is it mistyped?"),
        "TARGET_IS_BASELINE": _("It stands there already."),
        "ALIGNMENT_CIRCLE": _("A KPI cannot serve itself, over others or not."),
        "CSF_UNKNOWN": _("There is no such success factor."),
        "GOAL_UNKNOWN": _("There is no such strategic goal."),
        "CYCLE_SPAN": _("A cycle ends after it starts, and is not too long."),
        "KPI_HAS_CHILDREN": _("Other KPIs still serve it: align or end them first."),
        "OWNER_MISSING": _("Somebody has to answer for an individual's KPI."),
        "OWNER_TWICE": _("Name each owner once."),
        "UNIT_MISSING": _("A department's KPI names its unit."),
        "CYCLE_EXISTS": _("There is a cycle of this name already."),
        "GOAL_MISSING": _("Choose the goal that it helps to reach."),
    }
