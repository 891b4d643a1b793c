"""How often one may ask."""

from contextlib import suppress

import pytest

from eventkit.context import Actor
from eventkit.errors import Kind, Rejected
from eventkit.rpc.ceilings import BURST_SECONDS, Rates, Waiting, Working

LAN, NAM, THEIRS, IMPORTER, GUEST = (
    Actor("acme", "lan"),
    Actor("acme", "nam"),
    Actor("other", "lan"),
    Actor("acme", "importer", "service"),
    Actor("acme", "6f1c44", "guest", email="lan@x.vn"),
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def passed(rates: Rates, actor: Actor, times: int) -> int:
    """How many of so many calls got through."""
    through = 0
    for _ in range(times):
        with suppress(Rejected):
            rates.take(actor)
            through += 1
    return through


def test_a_caller_has_a_rate_and_may_catch_up_what_they_did_not_use():
    clock = Clock()
    rates = Rates(caller=10, clock=clock)
    assert passed(rates, LAN, 100) == 10 * BURST_SECONDS
    clock.now += 1
    assert passed(rates, LAN, 100) == 10
    clock.now += 1000
    assert passed(rates, LAN, 100) == 10 * BURST_SECONDS


def test_nobody_uses_up_what_is_anothers():
    rates = Rates(caller=10, clock=Clock())
    assert passed(rates, LAN, 100) == passed(rates, NAM, 100) == passed(rates, THEIRS, 100) == 10 * BURST_SECONDS


def test_who_is_linked_to_nobody_yet_has_a_callers_rate():
    assert passed(Rates(caller=10, clock=Clock()), GUEST, 100) == 10 * BURST_SECONDS


def test_a_tenant_has_a_rate_for_all_of_it():
    rates = Rates(caller=10, tenant=12, clock=Clock())
    assert passed(rates, LAN, 100) == 50
    assert passed(rates, NAM, 100) == 0  # what was refused counted as well: who floods, waits longer
    assert passed(rates, THEIRS, 100) == 50


def test_the_projects_own_services_have_only_their_tenants_rate():
    assert passed(Rates(caller=1, clock=Clock()), IMPORTER, 1000) == 1000
    assert passed(Rates(caller=1, tenant=10, clock=Clock()), IMPORTER, 1000) == 50


def test_it_is_said_when_to_ask_again():
    clock = Clock()
    rates = Rates(caller=0.5, clock=clock)
    passed(rates, LAN, 10)
    with pytest.raises(Rejected) as refused:
        rates.take(LAN)
    assert (refused.value.kind, refused.value.reason) == (Kind.TOO_MANY, "RATE_EXCEEDED")
    clock.now += refused.value.retry_after
    rates.take(LAN)


def test_without_a_rate_everything_passes():
    assert passed(Rates(), LAN, 10_000) == 10_000


def test_only_so_many_calls_are_worked_on_at_once_and_the_others_are_told_when_to_ask_again():
    working = Working(most=2)
    with working.one(), working.one():
        with pytest.raises(Rejected) as refused, working.one():
            raise AssertionError("a third one is worked on")
        assert (refused.value.kind, refused.value.reason) == (Kind.TOO_MANY, "OVERLOADED")
        assert 0.5 <= refused.value.retry_after <= 2
    with working.one(), working.one():
        pass


def test_waiting_is_counted_by_caller_and_given_back():
    waiting = Waiting(most=2)
    with waiting.one(LAN), waiting.one(LAN):
        with pytest.raises(Rejected, match="TOO_MANY_WAITING"), waiting.one(LAN):
            raise AssertionError("a third one waits")
        with waiting.one(NAM):
            pass
    with waiting.one(LAN), waiting.one(LAN):
        pass
