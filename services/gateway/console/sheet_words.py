"""What is said of a spreadsheet: of its tables and fields, and of what is wrong, by stable reasons."""

from collections.abc import Mapping

from eventkit.errors import Rejected
from importing.sheets.faults import Fault
from services.gateway.console.language import Language, decimal_of_text
from services.gateway.console.refusals import words as refusal


def table_words(language: Language) -> Mapping[str, str]:
    _ = language.gettext
    return {
        "units": _("Units"),
        "people": _("Our people"),
        "goals": _("Strategic goals"),
        "csfs": _("Success factors"),
        "kpis": _("KPIs"),
        "links": _("What KPIs serve"),
        "values": _("Values of KPIs"),
        "check_ins": _("Past check-ins"),
    }


def kind_words(language: Language) -> Mapping[str, str]:
    """What a command made or changed, for many of them."""
    _ = language.gettext
    return {
        "unit": _("units"),
        "person": _("people"),
        "goal": _("strategic goals"),
        "csf": _("success factors"),
        "kpi": _("KPIs"),
        "value": _("values"),
        "check_in": _("check-ins"),
        "proposal": _("proposals"),
    }


def field_words(language: Language) -> Mapping[str, str]:
    _ = language.gettext
    return {
        "code": _("Code"),
        "name": _("Name"),
        "email": _("E-mail"),
        "title": _("Job title"),
        "unit": _("Unit"),
        "manager": _("Direct manager"),
        "roles": _("Roles"),
        "joined_on": _("Join date"),
        "parent": _("Serves, or is a part of"),
        "new": _("A new KPI, as a proposal"),
        "head": _("Head"),
        "year": _("Year"),
        "target": _("Target"),
        "measured_in": _("Measured in"),
        "supports": _("Strategic goals it supports"),
        "effect": _("Effect (serves, supports, hinders)"),
        "share": _("Share counted there (%)"),
        "why": _("Why"),
        "statement": _("Whole sentence"),
        "owners": _("Who answers for it"),
        "everyone": _("One for each person of (title, unit, all)"),
        "family": _("Family name, where it has a column of its own"),
        "level": _("Level"),
        "kind": _("Kind of number"),
        "direction": _("Which way is good"),
        "baseline": _("Baseline"),
        "floor": _("Floor"),
        "stretch": _("Stretch"),
        "weight": _("Weight (%)"),
        "cycle": _("Cycle"),
        "level_1": _("Threshold, level 1"),
        "level_2": _("Threshold, level 2: the floor"),
        "level_3": _("Threshold, level 3: the target"),
        "level_4": _("Threshold, level 4: the stretch"),
        "level_5": _("Threshold, level 5"),
        "kpi": _("KPI"),
        "owner": _("Whose KPI"),
        "person": _("Who checked in"),
        "made_on": _("Day on which it was made"),
        "mood": _("Mood (1–5)"),
        "done": _("What was done"),
        "not_done": _("What was not done"),
        "planned": _("What is next"),
        "blockers": _("In the way"),
        "learnings": _("What was learned"),
        "day": _("Day"),
        "value": _("Value"),
        "confidence": _("Confidence (1–10)"),
        "note": _("Note"),
        "confirmed": _("Right, although it looks mistyped"),
    }


def choice_words(language: Language) -> Mapping[str, str]:
    _ = language.gettext
    return {
        "company": _("company"),
        "department": _("department"),
        "individual": _("individual"),
        "cumulative": _("adds up over the cycle"),
        "level": _("a rate or score at a time"),
        "milestone": _("done or not"),
        "increase": _("up"),
        "decrease": _("down"),
        "keep": _("to be kept"),
        "serves": _("serves"),
        "supports": _("supports"),
        "hinders": _("hinders"),
    }


def why_words(language: Language) -> Mapping[str, str]:
    """Why a column was taken for a field."""
    _ = language.gettext
    return {
        "name": _("its heading says so"),
        "words": _("its heading has the words"),
        "shape": _("its values look like it"),
        "chosen": _("you chose it"),
        "kept": _("as last time"),
    }


def file_words(language: Language) -> Mapping[str, str]:
    """Why a file cannot be read, by its reason."""
    _ = language.gettext
    return {
        "FILE_MISSING": _("Choose a file."),
        "FILE_EMPTY": _("There is nothing in this file."),
        "FILE_TOO_LARGE": _("The file is larger than %(most)s MB: divide it."),
        "FILE_TOO_LARGE_INSIDE": _("What this file unpacks to is more than %(most)s MB: divide it."),
        "FILE_OLD_OR_LOCKED": _(
            "This is an old .xls file, or one with a password: save it as .xlsx without a password."
        ),
        "FILE_UNREADABLE": _("This is neither a CSV nor an XLSX file that can be read: save it as one of them."),
        "ENCODING_UNKNOWN": _("The letters of this file cannot be told: save it as “CSV UTF-8”."),
        "TOO_MANY_ROWS": _("There are more than %(most)s rows: divide the file."),
        "TOO_MANY_COLUMNS": _("There are more than %(most)s columns: take away those that are not needed."),
        "TOO_MANY_CELLS": _("There are more than %(most)s cells: divide the file."),
        "CELL_TOO_LONG": _("A cell of row %(row)s has more than %(most)s characters: shorten it."),
    }


def fault_words(language: Language) -> Mapping[str, str]:
    """What is wrong with a row, and why something is not changed, by its reason."""
    _ = language.gettext
    return {
        "MISSING": _("This is needed."),
        "TWO_READINGS": _("It is %(vi)s as Vietnamese writes numbers and %(en)s as English does: say which above."),
        "NO_NUMBER": _("This is not a number. Right would be 12, 4,6 or 1,2 triệu."),
        "PER_TIME": _("This is an amount “%(said)s”: write what the whole cycle is to have."),
        "OTHER_UNIT": _("The target is in per cent, and it is measured in %(said)s: write both alike."),
        "RESTS_ON_WRONG": _("It rests on row %(row)s, which is wrong or left out."),
        "TOO_MANY_DIGITS": _("A number has at most 18 digits before the decimal mark and 6 behind it."),
        "FRACTION": _("Less than 1: is it a share of 1? Write it in per cent."),
        "NOT_WHOLE": _("This is not a whole number."),
        "NO_DAY": _("This is not a day. Right would be 31/03/2025 or 2025-03-31."),
        "TWO_DAYS": _("It is %(dmy)s with the day first and %(mdy)s with the month first: say which above."),
        "NO_CHOICE": _("This is none of: %(choices)s."),
        "OTHER_ROW_SAYS": _("Row %(row)s says %(said)s for the same check-in: say one thing."),
        "TWICE": _("Row %(row)s says the same already: leave one out."),
        "NO_SUCH_PERSON": _("There is nobody of this name, code or e-mail."),
        "SEVERAL_PEOPLE": _("%(count)s people are called that: give the code or the e-mail."),
        "NO_SUCH_UNIT": _("There is no unit of this name: bring units in first."),
        "SEVERAL_UNITS": _("%(count)s units are called that: rename one first."),
        "NO_SUCH_GOAL": _("There is no strategic goal of this name."),
        "SEVERAL_GOALS": _("%(count)s goals are called that: add the year in brackets."),
        "NO_SUCH_PARENT": _("There is no KPI, success factor or goal of this name."),
        "SEVERAL_PARENTS": _("%(count)s things are called that: give a code, or rename one."),
        "NO_SUCH_KPI": _("There is no KPI of this name in the cycle."),
        "SEVERAL_KPIS": _("%(count)s KPIs are called that: say whose it is."),
        "NOBODY_ANSWERS": _("Say who answers for it: a person, a unit, or that it is the company's."),
        "NOBODY_OF_THAT_TITLE": _("Nobody has this title or is in a unit of this name. “ALL” is everybody."),
        "OTHER_CYCLE": _("This row is of another cycle than %(cycle)s: choose its own above."),
        "NO_CYCLE": _("There is no cycle yet: open one first."),
        "MANAGER_CIRCLE": _("Who reports to whom runs in a circle here."),
        "UNIT_CIRCLE": _("These units are parts of each other in a circle."),
        "KPI_CIRCLE": _("These KPIs serve each other in a circle."),
        "IMPORTED_BEFORE": _("It was brought in before and is not in use any more: take it up again in the console."),
        "PERSON_INACTIVE": _("They left: take them back first."),
        "UNIT_CLOSED": _("This unit is closed."),
        "ROLES_BY_HAND": _("Roles of somebody who is there are given on their own page, with a reason."),
        "NOT_BY_FILE": _("No file changes this: it is set right in the console."),
        "ADDED_TOGETHER": _(
            "One proposal has room for 16 new KPIs that serve each other: bring it in when those are there."
        ),
        "TOO_MUCH_AT_ONCE": _("This is more than is written as one: divide the file."),
        "BY_LINKS": _("Bring in “What KPIs serve” for this."),
    }


def fault_text(fault: Fault, language: Language) -> str:
    """What is wrong, to a person."""
    return _told(fault.reason, fault.parameters, fault.message, language)


def obstacle_text(reason: str, language: Language) -> str:
    return _told(reason, {}, "", language)


def refusal_text(refused: Rejected, language: Language) -> str:
    return _told(refused.reason, refused.parameters, refused.message, language)


def _told(reason: str, parameters: Mapping[str, str], message: str, language: Language) -> str:
    known = fault_words(language).get(reason, "")
    if known:
        blank = dict.fromkeys(("name", "vi", "en", "dmy", "mdy", "choices", "row", "count", "cycle", "said"), "")
        shown = {**blank, **{name: _number(value, language) for name, value in parameters.items()}}
        return known % shown
    return refusal(reason, parameters, language) or message or reason


def _number(value: str, language: Language) -> str:
    number = decimal_of_text(value)
    return language.number(number) if number is not None else value
