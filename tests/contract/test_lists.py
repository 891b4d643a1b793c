"""Every list is asked for in pages, and every page has a bound: whatever a company grows to, no answer outgrows a
message."""

import pytest
from google.protobuf.descriptor import MethodDescriptor

from cli.catalog import SERVICES
from eventkit.rpc.paging import TOKEN_LENGTH
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.options_pb2 import rules

BOUNDED = {
    "nhip.people.v1.People.GetPosition": "one position, and the first fifty who hold it",
    "nhip.people.v1.People.GetTableMapping": "the columns of one table, at most 200",
    "nhip.audit.v1.Audit.GetCompleteness": "an entry for each context",
    "nhip.rewards.v1.Rewards.CheckPraise": "the four of RISE",
    "nhip.people.v1.People.GetSettings": "one for each setting of the contract",
    "nhip.goals.v1.Goals.CheckKpi": "a few for each letter, and words of one sentence",
    "nhip.goals.v1.Goals.GetKpi": "one KPI, and the ways from it to what it serves",
    "nhip.goals.v1.Goals.PreviewStatuses": "nine statuses times nine, and twenty KPIs",
    "nhip.goals.v1.Goals.GetOverview": "three levels times nine statuses, and five kinds of gap",
    "nhip.people.v1.People.PreviewLeaving": "the first hundred of each kind, with how many there are",
    "nhip.people.v1.People.GetPerson": "one person, and how they came by their roles, as far as is asked for",
    "nhip.goals.v1.Goals.GetCycle": "one cycle, the few around it and in it, and its last fifty steps",
    "nhip.goals.v1.Goals.GetKpiAccess": "who answers for one KPI, and a few who decide",
    "nhip.goals.v1.Goals.GetProposal": "one proposal",
    "nhip.checkins.v1.CheckIns.GetCheckIn": "one check-in: what a form takes, and its last fifty answers",
    "nhip.checkins.v1.CheckIns.GetGroupMood": "the last six days",
    "nhip.checkins.v1.Cadence.GetCalendar": "the slots of one cycle, of which there is one a week at most",
    "nhip.checkins.v1.CalendarFeeds.ReadCalendarFeed": "thirteen months of one person's days, at most 200 of each",
    "nhip.checkins.v1.Meetings.GetMeeting": "one meeting, with at most as much of each as is taken in one",
    "nhip.checkins.v1.Reviews.GetReview": "one person's KPIs of one cycle",
    "nhip.checkins.v1.Topics.GetTopic": "one topic, and its last fifty steps",
    "nhip.retros.v1.Retros.GetTeamRetro": "one board: forty members with twelve cards each",
    "nhip.goals.v1.Goals.ListNames": "one for each id asked about, at most 2,000",
    "nhip.goals.v1.Goals.SearchGoals": "the first of each kind, at most fifty",
    "nhip.goals.v1.Goals.PreviewProposal": "one proposal",
    "nhip.goals.v1.Goals.CountKpis": "one for each person asked about, at most 200",
    "nhip.people.v1.People.FindPeopleByEmail": "who has one of the addresses asked about, at most 500",
}
"""Answers that hold lists which do not grow with a company, and why."""


def lists() -> dict[str, MethodDescriptor]:
    """The queries that answer a list of things."""
    methods = [method for service in SERVICES.values() for method in service.api.methods]
    return {
        method.full_name: method
        for method in methods
        if method.output_type is not Accepted.DESCRIPTOR  # as many verdicts as were asked for
        and any(field.is_repeated and field.message_type is not None for field in method.output_type.fields)
    }


@pytest.mark.parametrize("name", sorted(lists().keys() - BOUNDED.keys()))
def test_every_list_is_asked_for_in_pages_that_have_a_bound(name: str):
    method = lists()[name]
    asked = method.input_type.fields_by_name
    assert {"page_size", "page_token"} <= set(asked.keys())
    assert "next_page_token" in method.output_type.fields_by_name
    assert 0 < int(asked["page_size"].GetOptions().Extensions[rules].max) <= 1000
    assert asked["page_token"].GetOptions().Extensions[rules].max_length == TOKEN_LENGTH


def test_what_is_said_to_be_bounded_is_there():
    assert set(BOUNDED) <= set(lists())
