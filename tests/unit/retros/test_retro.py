"""A person's retro (C-47), and the round of a cycle (C-49)."""

from dataclasses import replace
from datetime import date

from eventkit.context import Actor
from nhip.retros.v1.events_pb2 import RetroShared, RetroUnshared, RoundBegun, StarfishWritten
from nhip.retros.v1.retros_pb2 import WriteStarfish
from nhip.retros.v1.types_pb2 import Starfish
from services.retros.domain import retro
from services.retros.domain import round as rounds
from services.retros.domain.looking_back import KnownCycle, begun_cycle
from services.retros.domain.retro import RETRO
from services.retros.domain.round import ROUND
from tests.unit.decisions import Command, company_x, given, rejected, words

MINH = Actor("company-x", "minh")
ORG = company_x()


def write(revision: int = 0, *, done: bool = False, **arms: str) -> Command:
    command = WriteStarfish(
        cycle_id="q1",
        starfish=Starfish(**{arm: words(text) for arm, text in arms.items()}),
        done=done,
        revision=revision,
    )
    return lambda state: retro.write(state.state(RETRO, "r1"), command, MINH, "r1")


def share(org=ORG) -> Command:
    return lambda state: retro.share(state.state(RETRO, "r1"), MINH, org)


def unshare() -> Command:
    return lambda state: retro.unshare(state.state(RETRO, "r1"))


def test_what_is_written_is_all_five_arms_as_they_are_now_without_those_that_are_blank():
    given(write(start="Gửi email riêng", stop="x")).when(write(1, start="Gửi email riêng", stop=" \n", done=True)).then(
        StarfishWritten(
            retro_id="r1",
            cycle_id="q1",
            person_id="minh",
            starfish=Starfish(start=words("Gửi email riêng")),
            done=True,
            revision=2,
        )
    )


def test_who_writes_in_a_window_that_is_behind_loses_nothing_of_the_other_one():
    given(write(keep="Ghi chép")).when(write(0, keep="Khác")).then_rejected("RETRO_MOVED", field="revision")


def test_it_is_shared_with_the_direct_manager_and_taken_back():
    shared = RetroShared(retro_id="r1", cycle_id="q1", person_id="minh", reader_id="phuc")
    state = given(write(keep="Ghi chép")).when(share()).then(shared)
    state.when(share()).then_nothing()
    taken = RetroUnshared(retro_id="r1", cycle_id="q1", person_id="minh", reader_id="phuc")
    state.when(unshare()).then(taken).when(unshare()).then_nothing()


def test_another_manager_reads_it_only_when_it_is_shared_again():
    moved = replace(ORG, places={**ORG.places, "minh": replace(ORG.places["minh"], manager_id="lan")})
    state = given(write(keep="Ghi chép"), share())
    assert state.state(RETRO, "r1").reader_id == "phuc"
    state.when(share(moved)).then(RetroShared(retro_id="r1", cycle_id="q1", person_id="minh", reader_id="lan"))


def test_what_was_not_written_is_not_shared_and_who_has_no_manager_shares_with_nobody():
    given().when(share()).then_rejected("RETRO_UNKNOWN", field="cycle_id")
    given(write(keep="x")).when(share(company_x(inactive=("phuc",)))).then_rejected("NO_MANAGER")


def test_what_is_written_goes_on_being_shared():
    state = given(write(keep="Ghi chép"), share(), write(1, keep="Ghi chép, gửi ngay"))
    assert state.state(RETRO, "r1").reader_id == "phuc"


def test_a_cycle_is_looked_back_at_from_its_first_day_on():
    q1 = KnownCycle("q1", "Quý 1", date(2025, 1, 1), date(2025, 3, 31))
    assert begun_cycle(q1, "q1", date(2025, 1, 1)) == q1
    rejected("CYCLE_NOT_BEGUN", lambda: begun_cycle(q1, "q1", date(2024, 12, 31)), field="cycle_id")
    rejected("CYCLE_UNKNOWN", lambda: begun_cycle(None, "q9", date(2025, 1, 1)), field="cycle_id")


def test_a_round_begins_once():
    def begin(state):
        return rounds.begin(state.state(ROUND, "q1"), "q1")

    given().when(begin).then(RoundBegun(cycle_id="q1")).when(begin).then_nothing()
