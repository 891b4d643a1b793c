"""Who restarts finds its port free again: neither a neighbour nor an outgoing connection has it meanwhile."""

import socket
from pathlib import Path

import pytest

from deploy.engines import EngineError, ports
from deploy.engines.ports import CLAIMED, HOST, KAFKA, claimed


def test_two_claims_never_hold_the_same_port():
    with claimed(20) as first, claimed(20) as second:
        assert len({*first, *second}) == 40


def test_ports_are_lacking_while_they_are_claimed_and_no_longer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ports, "CLAIMED", ports.CLAIMED[-3:])
    with (
        claimed(3),
        pytest.raises(EngineError, match="1 free ports from 32765 to 32768 are needed, there are 0"),
        claimed(1),
    ):
        pass
    with claimed(3):
        pass


def test_a_port_that_somebody_listens_on_is_not_claimed():
    with claimed(1) as first:
        listening = socket.create_server((HOST, first[0]))
    with listening, claimed(1) as second:
        assert second != first


def test_no_outgoing_connection_is_given_a_port_that_is_kept():
    known = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if not known.exists():
        pytest.skip("only Linux says which ports it gives to outgoing connections")
    lowest = int(known.read_text().split()[0])
    assert max(KAFKA) < lowest
    assert max(CLAIMED) < lowest
