"""Refusals in the reader's language: by their stable reasons, which is what they are for."""

from collections.abc import Mapping
from datetime import date

from services.gateway.console.events import choice_words
from services.gateway.console.language import Language, decimal_of_text
from services.gateway.console.setting_words import setting_name
from services.gateway.failures import Failure


def reasons(language: Language) -> dict[str, str]:
    _ = language.gettext
    return {
        "SESSION_RENEWED": _("You have signed in again. Nothing was sent yet: look at what you wrote, and send it."),
        "SERVICE_AWAY": _("This part of Nhịp is temporarily unavailable. Nothing was lost; please try again soon."),
        "SERVICE_SLOW": _(
            "This part of Nhịp did not answer in time. Please try again soon; sending the same form twice does no harm."
        ),
        "POSITION_NOT_REACHED": _(
            "What was just recorded is not on the pages yet. It is safe; please try again in a moment."
        ),
        "POSITION_OF_ANOTHER_LOG": _(
            "Nhịp was restored from a backup, and what you did last is not in it. Please try again in two minutes."
        ),
        "BODY_TOO_LARGE": _("That was too much at once. Please shorten it."),
        "BODY_SLOW": _("What you sent did not come in. Please send it again."),
        "RATE_EXCEEDED": _("That was too often in too short a time. Please wait a moment and try again."),
        "OVERLOADED": _("Too much is being asked for just now. Please wait a moment and try again."),
        "TOO_MANY_WAITING": _("That was too often in too short a time. Please wait a moment and try again."),
        "SHUTTING_DOWN": _("Nhip is being restarted. Nothing was lost; please try again soon."),
        "LOOPBACK_ONLY": _("This demo answers its own machine only, at the address that it told when it was started."),
        "MOMENT_UNREADABLE": _("That day cannot be read. Choose a day in the form of the calendar."),
        "EACH_IS_INDIVIDUAL": _("Only an individual's KPI is given to each of many people: choose that level."),
        "EACH_NOBODY": _("Nobody is in that unit."),
        "EACH_TOO_MANY": _("At most %(most)s people at once: choose units one after the other."),
        "PATH_UNKNOWN": _("There is no such page."),
        "KPI_UNKNOWN": _("There is no such KPI."),
        "PROPOSAL_UNKNOWN": _("There is no such proposal."),
        "CYCLE_UNKNOWN": _("There is no such cycle."),
        "PERSON_UNKNOWN": _("There is no such person."),
        "CHECK_IN_MOVED": _("This was changed meanwhile, perhaps in another tab: look at what stands there now."),
        "CHECK_IN_EMPTY": _("Say something first: a number, how you feel, what you did, or a topic."),
        "CHECK_IN_EVALUATED": _("This check-in was answered. What is new belongs into the next one."),
        "CHECK_IN_NOT_DUE": _("No check-in is due on that day."),
        "CHECK_IN_NOT_OPEN": _("This check-in is made from %(day)s on."),
        "CHECK_IN_NOT_SUBMITTED": _("There is nothing to answer yet: the check-in is not submitted."),
        "NOT_YOUR_CHECK_IN": _("Everybody checks in for themselves."),
        "OWN_CHECK_IN": _("Nobody answers their own check-in."),
        "ANSWER_EMPTY": _("Say something: a comment, or a remark beside a number."),
        "TOO_MANY_ANSWERS": _("There are %(most)s answers already: meet, or ask for the check-in again."),
        "FIRST_DAY_PAST": _("Choose today or a later day."),
        "SCOPE_UNCLEAR": _("Choose a unit, or a person, or neither."),
        "DAYS_REVERSED": _("The last day is not before the first."),
        "TOO_MANY_DAYS": _("At most %(most)s days at once."),
        "NOT_THEIR_MANAGER": _("Only the person, or who is above them, may do this."),
        "RHYTHM_NOT_YOURS": _(
            "The rhythm of the company is set by who looks after it, a unit's by its head, a person's by who is above "
            "them."
        ),
        "MOOD_NOT_YOURS": _("The mood of a unit is read by its head and who is above."),
        "TOPIC_UNKNOWN": _("There is no such topic, or it is not yours to read."),
        "TOPIC_NOT_YOURS": _("Only its author, their manager, or whom it waits for may do this with a topic."),
        "TOPIC_OWN": _("You raised this topic yourself: somebody else answers it."),
        "TOPIC_CLOSED": _("This topic is closed. Its author may reopen it."),
        "TOPIC_UNANSWERED": _("This topic is not answered yet: only its author closes it before."),
        "RECEIVER_UNCLEAR": _("Choose either a person or a unit."),
        "UNIT_WITHOUT_HEAD": _("Nobody heads this unit: choose a person."),
        "CHECK_IN_AHEAD": _("Its day is not over yet: it is made in Nhip."),
        "CHECK_IN_THERE": _("There is a check-in of this day, sent or begun: its author alone changes it."),
        "MADE_NOW": _("Leave it empty: it is made today."),
        "MADE_AHEAD": _("It cannot have been made on a day that is still to come."),
        "NOT_BROUGHT_IN": _("A check-in from elsewhere brings no topics along and asks for no meeting."),
        "CHECK_IN_UNKNOWN": _("There is no such check-in, or it is not yours to read."),
        "MEETING_UNKNOWN": _("There is no such meeting, or you do not take part in it."),
        "ACTION_UNKNOWN": _("There is no such action, or it is not yours to read."),
        "REVIEW_UNKNOWN": _("There is no such review, or it is not yours to read."),
        "WAY_UNKNOWN": _("This way forward is not there any more."),
        "ACTION_MOVED": _("Somebody changed this action meanwhile. Look at it again."),
        "ACTION_NOT_REPORTED": _("Who does it has not said yet that it is done."),
        "ACTION_REPORTED": _("It waits for its approver's word."),
        "ACTION_CLOSED": _("It is done, or was given up."),
        "DOER_MISSING": _("Say who does it."),
        "DUE_MISSING": _("Say until when it is done."),
        "DUE_PAST": _("Choose a time that lies ahead."),
        "OWN_APPROVAL": _("Nobody approves what they do themselves: choose somebody else, or nobody."),
        "DOER_ABSENT": _("Choose somebody who takes part in the meeting."),
        "NOT_YOURS_TO_GIVE": _("Agree it for yourself or for who reports to you, or in a meeting with them."),
        "NOT_YOUR_ACTION": _("Somebody else does this, approves it, or wrote it down."),
        "HOST_NOT_YOURS": _("Call it yourself, or ask your own manager for it."),
        "REVIEW_HALF_NAMED": _("Say whose review of which cycle it is."),
        "NOBODY_ELSE": _("Choose somebody else who takes part."),
        "REVIEWED_ABSENT": _("Whose review is to be closed takes part."),
        "SPAN_INVALID": _("It ends after it starts, within twelve hours."),
        "QUESTION_NOT_SAID": _("Say which question this answers."),
        "NOTE_MOVED": _("Somebody wrote here meanwhile. Look at it, and write again."),
        "TOO_MANY_WAYS": _("There are %(most)s ways already: take one out first."),
        "TOO_MANY_ACTIONS": _("There are %(most)s actions already."),
        "TOO_MANY_TOPICS": _("There are %(most)s topics already."),
        "TOO_MANY_ADDITIONS": _("There are %(most)s additions already."),
        "TOO_MANY_PEOPLE": _("At most %(most)s people take part."),
        "MINUTES_MOVED": _("Something was said or changed meanwhile. Look at the minutes again."),
        "ACTIONS_INCOMPLETE": _("Say of each action who does it and until when (still to say: %(number)s)."),
        "MINUTES_OPEN": _("These minutes are not confirmed yet: write it where it belongs."),
        "OWN_INVITATION": _("You called this meeting yourself: move it, or call it off."),
        "MEETING_PAST": _("This time is over: choose one that lies ahead."),
        "MEETING_CANCELLED": _("This meeting was called off."),
        "MINUTES_CONFIRMED": _("The minutes are confirmed: add to them."),
        "PARTS_MISSING": _("Both send their part before it is closed."),
        "PART_SENT": _("This part was sent: it stays as it is."),
        "SELF_PART_MISSING": _("Who is reviewed writes first: read their words before yours."),
        "NOT_YOUR_PART": _("This is for the other of the two to write."),
        "NOT_IN_THIS_PART": _("This is for the other of the two to write."),
        "MOOD_INVALID": _("Choose how you feel, from 1 to 5."),
        "VERDICTS_MISSING": _("Say of each KPI whether it is kept, adjusted or stopped (still to say: %(number)s)."),
        "ANSWER_MISSING": _("Answer the three questions."),
        "TARGET_NOT_SAID": _("Say which target it gets: without it nothing is handed on."),
        "TARGET_NOT_ADJUSTED": _("Only a KPI that is adjusted gets another target."),
        "REVIEW_MOVED": _("You wrote somewhere else meanwhile. Look at it, and write again."),
        "NO_KPI": _("Who had no KPI in a cycle has no review of it."),
        "CYCLE_RUNNING": _("The cycle has not come to its last day yet: %(day)s."),
        "NOT_ALLOWED": _("This is not yours to do."),
        "TENANT_SUSPENDED": _(
            "This company is suspended, and nothing of it is lost. Ask whoever operates Nhip to resume it."
        ),
        "PEOPLE_QUOTA": _(
            "Your company may have %(most)s active people, and would have %(have)s. Ask whoever operates Nhip to allow "
            "more."
        ),
        "KPI_QUOTA": _(
            "A cycle of your company may have %(most)s KPIs, and this one would have %(have)s. End some, or ask "
            "whoever operates Nhip to allow more."
        ),
        "TENANT_DELETED": _("This company was deleted. Nothing of it can be read or brought back."),
        "DELETION_REQUESTED": _("This company is to be deleted. Keep it first, while that can still be taken back."),
        "DELETION_BEGUN": _("The deletion of this company has begun and cannot be taken back."),
        "NOT_SUSPENDED": _("Suspend this company first."),
        "OPERATOR_UNNAMED": _("Your token must say which of those who operate Nhip you are."),
        "ANOTHER_TENANT": _("Your token is of another company."),
        "ACTOR_UNKNOWN": _("You are not, or no longer, active in this company."),
        "FROM_ELSEWHERE": _("This request came from another site and was not carried out."),
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
        "OWN_ERASURE": _("Another administrator decides about your erasure."),
        "OWN_REQUEST": _("You asked for this erasure: another administrator approves it."),
        "OWN_HOLD": _("You placed this hold, or it lies on you: another administrator lifts it."),
        "LAST_ADMINISTRATOR": _("This is the last administrator: name another one first."),
        "LAST_EXECUTIVE": _("This is the last executive: name another one first."),
        "OWN_ROLES": _("Nobody gives a role to themself: ask another administrator."),
        "OWN_PLACE": _("Nobody chooses their own unit, manager, headship or succession: ask another administrator."),
        "SUCCESSOR_IS_LEAVER": _("Who leaves cannot be their own successor: name somebody else."),
        "DAY_NOT_AHEAD": _("Choose a day after today, or none for at once."),
        "CHANGE_MISSING": _("Say what is to be changed on that day."),
        "PLAN_OVER": _("Its day has come already: what it changed can be changed again."),
        "PLAN_UNKNOWN": _("There is no such planned change."),
        "EMPLOYEE_CODE_TAKEN": _("%(person)s has this employee code already."),
        "UNIT_EXISTS": _("There is a unit of this name already."),
        "UNIT_CLOSED": _("This unit is closed: choose another one."),
        "UNIT_HAS_PEOPLE": _("Somebody is in this unit: move them to another unit first."),
        "UNIT_HAS_PARTS": _("Other units are a part of this one: move or close them first."),
        "UNIT_HAD_PEOPLE": _("People are or were in this unit, which is its history: close it instead."),
        "UNIT_HAS_POSITIONS": _("Positions are of this unit: move or close them first."),
        "PERSON_MANAGES": _("Somebody reports to this person: name another manager for them first."),
        "PERSON_HEADS": _("This person heads a unit: appoint another head first."),
        "PERSON_HAD_ROLES": _("This person was given roles later, so they were here: say that they left."),
        "PERSON_SUCCEEDS": _("This person stands in for somebody who left: name another successor first."),
        "GOAL_EXISTS": _("There is a strategic goal of this name in that year already."),
        "GOAL_HAS_CSFS": _("A success factor serves this goal: withdraw that first, or let it serve another goal."),
        "GOAL_HAS_KPIS": _("KPIs serve this goal (%(count)s): align them elsewhere, or end them first."),
        "GOAL_HAS_VALUES": _("This goal has a value, recorded or computed, which is kept: it is not withdrawn."),
        "CSF_EXISTS": _("There is a success factor of this name for this goal already."),
        "CSF_HAS_KPIS": _("KPIs serve this success factor (%(count)s): align them elsewhere, or end them first."),
        "UNIT_CIRCLE": _("A unit cannot be a part of itself, over others or not."),
        "VALUE_EXISTS": _("There is a core value of this name already."),
        "PRICE_MISSING": _("Say how many points it costs: one or more."),
        "VALUE_NEGATIVE": _("What is counted is zero or more."),
        "NOT_THE_APPROVER": _("Somebody else decides on this proposal."),
        "NOT_THE_PROPOSER": _("Only who proposed it may withdraw it."),
        "NOTHING_PROPOSED": _("Change at least one target or add a KPI."),
        "IDEMPOTENCY_KEY_REUSED": _(
            "This form was already sent with other content. Check what is recorded, then fill it in anew."
        ),
        "KPI_RETIRED": _("This KPI has ended."),
        "OUTSIDE_CYCLE": _("That day is not within the cycle."),
        "NOT_AN_OWNER": _("Only who answers for a KPI, or whom they named for it, records its progress."),
        "VALUE_DOUBTFUL": _("%(value)s looks mistyped. Is it so? Put it right, or tick that it is so."),
        "GOAL_COMPUTED": _("Nobody records this value: it is computed from KPIs."),
        "OUTSIDE_YEAR": _("That day is not within the goal's year, or lies ahead."),
        "KPI_COMPUTED": _("Nobody enters this value: it is computed from other KPIs, which its page names."),
        "COMPUTATION_OF_TWO": _("Name exactly two KPIs for this."),
        "MILESTONE_COMPUTED": _("What is done or not is entered, not computed."),
        "UNITS_DIFFER": _("These are not measured in the same unit, or not in the unit that comes out of it."),
        "VOLUME_MISSING": _("A rate can be weighted only if it says which KPI it is a rate of."),
        "EARLIER_CYCLE_MISSING": _("The second KPI has to be one of a cycle that began earlier."),
        "FORMULA_UNREADABLE": _("The formula cannot be read from character %(at)s on."),
        "FORMULA_NAMES": _("Use each of these letters, and no other: %(letters)s."),
        "PROGRESS_UNKNOWN": _("No value stands for that day any more. Look at what is there now."),
        "PROGRESS_MOVED": _("Somebody was faster: another value stands for that day by now. Look at it first."),
        "DAY_TAKEN": _("A value stands for %(day)s already: put that one right, or take one of them back."),
        "LINK_INVALID": _("An address begins with https://."),
        "DIGEST_INVALID": _("The digest of a file has 64 digits of 0-9 and a-f."),
        "ALREADY_RECORDS": _("This person answers for the KPI and records it anyway: name somebody else."),
        "TOO_MANY_DELEGATES": _("Enough people record for others here: end one of them first."),
        "NOTHING_CHOSEN": _("Choose for at least one KPI."),
        "NOTHING_CHANGED": _("The new target is the old one."),
        "KPI_TWICE": _("Name each KPI once."),
        "HELPER_TWICE": _("Name each helper once, and nobody who answers for it."),
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
        "AUDITOR_NAMED": _("Auditors change nothing, so nobody counts on them for this: name somebody else."),
        "CYCLE_ENDED": _("The cycle is over: what it aimed at can only be corrected."),
        "KPI_OF_ANOTHER_CYCLE": _("This KPI is of another cycle."),
        "TARGET_OF_ADJUSTED": _("Give the target of what is adjusted, and of nothing else."),
        "PARTS_FIRST": _("What it is counted from goes on first: decide about that before."),
        "KPI_OUTSIDE_CYCLE": _("A KPI of it comes into force later than that: choose a later last day."),
        "FOLLOW_UP_DECIDED": _("It goes on in the next cycle already: change it or end it there."),
        "CYCLE_RUNS": _("The cycle runs: a KPI of it changes by a proposal, and its days stay as they are."),
        "CYCLE_CLOSED": _("The cycle is closed: nothing of it changes unless an executive reopens it."),
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
        "CYCLE_NOT_ENCLOSING": _("A KPI serves one of its own cycle, or of a cycle that its own lies in."),
        "LEVEL_ORDER": _("A KPI serves one of its own level or of a higher one."),
        "LINKED_TWICE": _("It is linked to that already: name each thing once."),
        "NOTHING_TO_SHARE": _("It does not add up to that: leave the share away."),
        "SHARES_OVER_100": _("A KPI counts once: what it counts for comes to 100 % at most."),
        "NOT_YOURS_TO_SET": _("Not yours to set directly: %(who)s may. You may propose it."),
        "CYCLE_YEAR": _("This year is far from today: is it mistyped?"),
        "GOAL_YEAR": _("This year is far from today: is it mistyped?"),
        "TARGET_IS_BASELINE": _("It stands there already."),
        "ALIGNMENT_CIRCLE": _("A KPI cannot serve itself, over others or not."),
        "TEMPORARILY_UNAVAILABLE": _(
            "This part of Nhịp is temporarily unavailable. Nothing was lost; please try again soon."
        ),
        "CONTENDED": _("Somebody else was faster. Please look at what is there now and try again."),
        "INTERNAL": _("A fault of ours. What was recorded before is safe; please try again."),
        "ALLOWANCE_SPENT": _("There are not enough points to give this month. Praise without points counts as much."),
        "SELF_PRAISE": _("Praise somebody else: nobody praises themselves."),
        "RECEIVER_MISSING": _("Say whom you praise: a person or a unit."),
        "UNIT_EMPTY": _("Nobody is in this unit: name another one, or a person."),
        "TIE_MISSING": _("Say what it is for: a core value or a KPI."),
        "DEED_TO_COME": _("The deed must have happened: today or earlier."),
        "BALANCE_TOO_LOW": _("There are not enough points for this."),
        "OUT_OF_STOCK": _("There is none left of this gift: choose another one."),
        "STOCK_TOO_LOW": _("There are not as many in stock: at most what is there can be taken."),
        "GIFT_WITHDRAWN": _("This gift is not offered any more: choose another one."),
        "GIFT_UNKNOWN": _("This gift is not in the shop."),
        "REDEMPTION_UNKNOWN": _("There is no such exchange."),
        "GIFT_HANDED_OVER": _("This gift was handed over already: its points stay spent."),
        "REDEMPTION_REFUNDED": _("The points went back already: this gift stays in the shop."),
        "OWN_GIFT": _("Nobody hands a gift to themselves: ask somebody else who keeps the shop."),
        "NOT_YOUR_REDEMPTION": _("Only who exchanged their points, or who keeps the shop, undoes it."),
        "NOTICE_UNKNOWN": _("There is no such notice."),
        "PAGE_TOKEN_UNKNOWN": _("This part of the list is not there any more: start at its beginning."),
        "PAGE_TOKEN_INVALID": _("This part of the list is not there any more: start at its beginning."),
        "EMAIL_TAKEN": _("Somebody has this e-mail address already."),
        "EMAIL_TAKEN_BY": _("%(person)s has this e-mail address already."),
        "EMAIL_INVALID": _("This is not an e-mail address. Right would be name@company.vn."),
        "NOT_REQUESTED": _("Nobody asked for this person to be erased, or it was decided already."),
        "LEGAL_HOLD": _("A legal hold lies on this person: nothing may be erased while it does."),
        "ALREADY_ERASED": _("The erasure of this person was approved already."),
        "PERSON_ERASED": _("This person was erased."),
        "KEY_LOST": _("The key for words about this person is lost. Ask whoever operates Nhip."),
        "KEYS_WENT_BACK": _(
            "Keys for people's words are missing. Until whoever operates Nhip has put that right, nobody new can be "
            "written about."
        ),
        "PERSON_INACTIVE": _("This person is no longer active."),
        "UNIT_UNKNOWN": _("There is no such unit."),
        "CHARACTER_REFUSED": _("There is a character in it that cannot be seen. Type it anew instead of pasting it."),
        "TOO_MANY_MARKS": _("There are too many marks on one letter."),
        "TOO_LONG": _("At most %(most)s characters."),
        "TOO_MANY_ITEMS": _("At most %(most)s of them."),
        "OUT_OF_RANGE": _("From %(least)s to %(most)s."),
        "TOO_SMALL": _("%(least)s or more."),
        "TOO_MANY_BYTES": _("At most %(most)s bytes."),
        "TOO_LARGE": _("%(most)s or less."),
        "NOT_ONE_OF": _("This is not one of the choices."),
        "ID_MALFORMED": _("An id has 1 to 64 of a-z, 0-9, -, _ and the point."),
        "TIME_ZONE_UNKNOWN": _("There is no such time zone."),
        "WORDS_NOT_PLAIN": _("Send the words as plain text."),
        "NOT_AN_INSTANT": _("This is not a moment: give day, time and time zone."),
        "FIELDS_INVALID": _("Some fields are not filled in correctly."),
        "MALFORMED_REQUEST": _("Some fields are not filled in correctly."),
        "REQUEST_UNREADABLE": _("What was sent cannot be read."),
        "METHOD_NOT_ALLOWED": _("This cannot be asked of this page."),
        "CONTEXT_UNKNOWN": _("There is no such part of Nhịp."),
        "SERVICE_UNKNOWN": _("There is no such part of Nhịp."),
        "KIND_MISSING": _("Say what kind of thing it is, too."),
        "FORMAT_UNKNOWN": _("Choose JSONL or CSV."),
        "ERASURE_UNKNOWN": _("There is no such request for erasure."),
        "CSF_UNKNOWN": _("There is no such success factor."),
        "GOAL_UNKNOWN": _("There is no such strategic goal."),
        "VALUE_UNKNOWN": _("There is no such core value."),
        "TENANT_UNKNOWN": _("There is no such company."),
        "TENANT_EXISTS": _("This company is set up already."),
        "ROLE_UNKNOWN": _("There is no such role."),
        "LANGUAGE_UNKNOWN": _("There is no such language here."),
        "LOGO_UNKNOWN": _("There is no logo."),
        "LOGO_UNREADABLE": _("Choose a whole picture in PNG or WebP."),
        "LOGO_SIZE": _("The logo must be %(least)s to %(most)s pixels wide and high."),
        "NOTHING_GIVEN": _("Say what is to change."),
        "SETTINGS_MISSING": _("Give a number that is to change."),
        "SETTING_UNKNOWN": _("There is no such setting."),
        "SETTING_TWICE": _("Name each setting once."),
        "SETTING_NOT_ABOVE": _("It must be above %(other_setting)s, which is %(bound)s on %(on)s."),
        "SETTING_NOT_BELOW": _("It must be below %(other_setting)s, which is %(bound)s on %(on)s."),
        "SETTING_BELOW": _("It must be at least %(other_setting)s, which is %(bound)s on %(on)s."),
        "SETTING_ABOVE": _("It must be at most %(other_setting)s, which is %(bound)s on %(on)s."),
        "CYCLE_SPAN": _("A cycle ends after it starts, and is not too long."),
        "EFFECTIVE_IN_THE_PAST": _("Choose today or a later day."),
        "KPI_HAS_CHILDREN": _("Other KPIs still serve it: align or end them first."),
        "OWNER_MISSING": _("Somebody has to answer for an individual's KPI."),
        "OWNER_TWICE": _("Name each owner once."),
        "UNIT_MISSING": _("A department's KPI names its unit."),
        "REPORTING_CIRCLE": _("Nobody reports to themselves, over others or not."),
        "GIVER_MISSING": _("Say who gave this praise."),
        "GIVER_NAMED": _("Everybody gives their own praise."),
        "RECEIVER_TWICE": _("Name a person or a unit, not both."),
        "TIE_TWICE": _("Name a core value or a KPI, not both."),
        "OWN_POINTS": _("Nobody corrects their own points: ask another administrator."),
        "NOTHING_CORRECTED": _("Say how many points are added, or taken with a minus."),
        "NOT_YOURS": _("You cannot see somebody else's points and gifts."),
        "KIND_TWICE": _("Name each kind once."),
        "NOTICES_NAMED": _("Name notices, or say all of them."),
        "NEWER_EVENT": _("Nhịp is being updated. Nothing was lost; please try again soon."),
        "REPLY_TOO_LARGE": _("That was too much at once. Please ask for less."),
        "CANCELLED": _(
            "This part of Nhịp did not answer in time. Please try again soon; sending the same form twice does no harm."
        ),
        "DEADLINE_EXCEEDED": _(
            "This part of Nhịp did not answer in time. Please try again soon; sending the same form twice does no harm."
        ),
        "TOKEN_EXPIRED": _("Your session has ended: please sign in again."),
        "TOKEN_INVALID": _("Your session does not hold: please sign in again."),
        "TOKEN_MISSING": _("Please sign in first."),
        # the console's own
        "MISSING": _("This is needed."),
        "RETRO_UNKNOWN": _("There is no such retro."),
        "TEAM_RETRO_UNKNOWN": _("There is no such retro."),
        "RETRO_MOVED": _("It was written in another window meanwhile. Copy what you typed, and load the page again."),
        "NO_MANAGER": _("You have no direct manager who could read it."),
        "CYCLE_NOT_BEGUN": _("It begins on %(day)s: there is nothing to look back at before."),
        "NOT_YOUR_TEAM": _(
            "A team's retro is opened by its head, by who stands above, or by who looks after the rhythm."
        ),
        "TEAM_RETRO_EXISTS": _("This team has a board for this cycle already."),
        "TEAM_SIZE": _("%(people)s people are in it; it takes %(least)s to %(most)s."),
        "CLOSES_AT": _("Give a moment that lies ahead, within %(most)s days."),
        "CARDS_OPEN": _("The time of writing is over: the cards lie open."),
        "CARDS_NOT_OPEN": _("This is done while the cards lie open."),
        "GROUP_OF_ONE": _("A group has two cards or more."),
        "NOT_FACILITATOR": _("Who leads through a retro writes down what the team tries."),
        "TRIALS_MISSING": _("Write down one or two things to try."),
        "NOT_YOUR_RETRO": _("A team's retro is for those who write on it and who leads through it."),
        "TRIALS_JUDGED": _("The team has said already what became of them."),
        "NO_VOTES_LEFT": _("You have given all your votes: take one back first."),
        "CARD_UNKNOWN": _("There is no such card."),
        "GROUP_UNKNOWN": _("There is no such group."),
        "TRIAL_UNKNOWN": _("There is no such thing that the team tries."),
        "INTEGRATION_UNKNOWN": _("There is no such integration."),
        "INTEGRATION_REVOKED": _("It was revoked: make another one."),
        "INTEGRATION_EXPIRED": _("Its last day is over."),
        "INTEGRATIONS_FULL": _("There are %(most)s integrations already: revoke one that nobody uses."),
        "KEY_KNOWN": _("This key is one already: draw another one."),
        "DAY_OVER": _("This day is over: choose today or a day to come."),
        "TOO_OFTEN": _("At least %(least)s minutes between two looks."),
        "RECORDS_NOTHING": _("What looks at a table records values: allow it to."),
        "KEEPS_ALONE": _("What keeps people does nothing else: make another key for it."),
        "KEEPS_EVERYBODY": _("What keeps people keeps all of them: choose no units, KPIs or cycles."),
        "KEEPS_NOBODY": _("Groups are for what keeps people: allow it to."),
        "OUT_OF_SCOPE": _("This KPI is not in the integration's scope."),
        "HOST_NOT_ALLOWED": _("%(host)s is no host that this installation looks at: its operator can allow it."),
        "HOST_PRIVATE": _("%(host)s leads into a private network: nothing is looked at there."),
        "SOURCE_NOT_HTTPS": _("The address of %(host)s is not encrypted, or of an unusual port: use https://."),
        "SOURCE_AWAY": _("%(host)s could not be reached."),
        "SOURCE_SLOW": _("It did not come within %(seconds)s seconds."),
        "SOURCE_ANSWERS": _("The address answers %(status)s: is the table still published?"),
        "SOURCE_TOO_LARGE": _("The table has more than %(most)s bytes."),
        "TOO_MANY_REDIRECTS": _("The address leads on more than %(most)s times."),
        "COLUMN_MISSING": _("There is no column “%(column)s” in the first rows."),
        "IDENTITY_UNKNOWN": _("Nobody here is linked to this sign-in, and nobody has its verified e-mail address."),
        "EMAIL_UNVERIFIED": _("Your organisation's sign-in names no verified e-mail address to find you by."),
        "EMAIL_SHARED": _("Several people here have your e-mail address: each needs their own."),
        "SIGN_IN_REFUSED": _("The sign-in did not come to its end. Try it once more."),
        "PROVIDER_AWAY": _("Your organisation's sign-in does not answer just now. Try it again in a moment."),
        "POSITION_UNKNOWN": _("There is no such position."),
        "POSITION_EXISTS": _("There is a position of this name already."),
        "POSITION_CLOSED": _("This position is closed."),
        "POSITION_HELD": _("Somebody holds it: assign them another one first."),
        "CYCLE_EXISTS": _("There is a cycle of this name already."),
        "GOAL_MISSING": _("Choose the goal that it helps to reach."),
        "NOT_A_YEAR": _("This is no year: write four digits."),
        "NOT_A_NUMBER": _("This is not a number. Right would be 1,234.5 or 66.2."),
        "TOO_MANY_DIGITS": _("A number has at most 18 digits before the decimal mark and 6 behind it."),
        "NOT_A_DAY": _("This is not a day."),
        "NOT_A_COUNT": _("This is not a whole number that can be meant here."),
        "NOT_AN_HOUR": _("An hour is from 0 to 23."),
        "NOT_CONFIRMED": _("Tick that you have understood it."),
        "NAME_DIFFERS": _("Type the person's name exactly as it is shown."),
        "SHORT_NOT_CONFIRMED": _("It does not add up: tick that you know, or decline."),
    }


FIELD_RULES = ("FIELDS_INVALID", "MALFORMED_REQUEST")
"""Reasons that say only that fields are wrong: each field has its own."""


def words(reason: str, parameters: Mapping[str, str], language: Language) -> str:
    """What a reason says to a person, with what its rule measures by; empty: there are no words for it."""
    text = reasons(language).get(reason, "")
    return text % _Shown({name: _shown(value, language) for name, value in parameters.items()}) if text else ""


class _Shown(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"  # a service of another version measures otherwise


def _shown(value: str, language: Language) -> str:
    """A number, a day or a setting of a contract, as people call it; other text as it stands."""
    if (number := decimal_of_text(value)) is not None:
        return language.number(number)
    try:
        return language.day(date.fromisoformat(value))
    except ValueError:
        return choice_words(language).get(value) or setting_name(value, language)


def explain(failure: Failure, language: Language) -> str:
    """What a refusal says to a person; a reason without words in the catalogue is shown as the service put it."""
    if failure.reason in FIELD_RULES and failure.violations:  # a path says nothing to a person
        found = (words(one.reason, one.parameters, language) or one.message for one in failure.violations)
        return " ".join(dict.fromkeys(found))
    known = words(failure.reason, failure.parameters, language)
    if not known and failure.status == "NOT_FOUND":
        known = words("PATH_UNKNOWN", {}, language)
    if not known and failure.status == "PERMISSION_DENIED":
        known = words("NOT_ALLOWED", {}, language)
    return known or failure.message


def at_fields(failure: Failure, language: Language) -> dict[str, str]:
    """What is wrong with each field, by its path in the request."""
    general = words(failure.reason, failure.parameters, language)
    return {
        one.field: words(one.reason, one.parameters, language) or general or one.message for one in failure.violations
    }
