"""The ids of commands, and so of what they make."""

from eventkit.context import Actor, command_id

IMPORTER = Actor("x", "importer", "service")
OF = (IMPORTER, "nhip.people.v1.People/RegisterPerson", "import:person:minh")


def test_the_same_command_has_the_same_id_for_ever():
    assert command_id(*OF, b"s" * 32) == command_id(*OF, b"s" * 32)
    assert (
        str(command_id(*OF)) == "f3c07880-39c8-5db4-83e5-91916903ab75"
    )  # as in tenants from before there were secrets


def test_without_the_tenants_secret_nobody_tells_the_id():
    assert len({command_id(*OF), command_id(*OF, b"s" * 32), command_id(*OF, b"t" * 32)}) == 3


def test_every_part_counts():
    secret = b"s" * 32
    others: list[tuple[Actor, str, str]] = [
        (Actor("y", "importer", "service"), OF[1], OF[2]),
        (Actor("x", "importer"), OF[1], OF[2]),
        (IMPORTER, "nhip.people.v1.People/CreateUnit", OF[2]),
        (OF[0], OF[1], "import:person:nam"),
    ]
    ids = {command_id(actor, method, key, secret) for actor, method, key in [OF, *others]}
    assert len(ids) == 5
