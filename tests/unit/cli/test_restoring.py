"""What a restore says of whoever was erased or deleted since the backup."""

from cli.backup import unrecorded
from cli.keys import counted
from eventkit.privacy.keys import EVERYBODY

GONE = ("beta", EVERYBODY)


def test_people_and_companies_are_counted_apart():
    told = [counted(one) for one in ([], [("acme", "lan")], [("acme", "lan"), ("acme", "an"), GONE])]
    assert told == ["0 people", "1 person", "2 people and 1 company"]
    assert counted([GONE, ("gamma", EVERYBODY)]) == "0 people and 2 companies"


def test_whose_erasure_is_to_be_asked_for_again_had_a_key_in_the_backup_and_is_of_no_deleted_company():
    erased = [("acme", "lan"), ("acme", "an"), ("acme", "came-later"), ("beta", "tu"), GONE]
    alive = {("acme", "lan"), ("acme", "an"), ("beta", "tu"), GONE}
    assert unrecorded(erased, alive) == {"acme": ["an", "lan"]}
    assert unrecorded([GONE], {GONE}) == {}
