"""What somebody's leaving would lead to, told before it is done."""

from eventkit.context import Actor
from nhip.people.v1 import people_pb2 as pb
from services.people.queries.leaving import leaving
from tests.unit.decisions import company_x

HR = Actor("company-x", "huong")


def previewed(person: str, successor: str = "", by: Actor = HR) -> pb.Leaving:
    return leaving(company_x(), pb.PreviewLeaving(person_id=person, successor_id=successor), by)


def test_units_people_and_what_they_answer_for_go_to_the_successor():
    found = previewed("phuc", "minh")
    assert (found.refusal, found.answers_id) == ("", "minh")
    assert [(unit.unit_id, unit.head_id) for unit in found.units] == [("sales", "minh")]
    # whoever succeeds does not manage themself
    assert {one.person_id: one.manager_id for one in found.people} == {"minh": "nam", "tram": "minh"}


def test_without_a_successor_the_next_above_stands_in():
    found = previewed("phuc")
    assert (found.answers_id, found.units[0].head_id, found.people_count) == ("nam", "", 2)


def test_it_says_why_it_would_be_refused():
    assert previewed("phuc", "minh", Actor("company-x", "minh")).refusal == "OWN_PLACE"
