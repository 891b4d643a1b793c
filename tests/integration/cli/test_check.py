"""`nhip check` looks before it says that all is well."""

from deploy.engines import Engines
from tests.e2e.running import nhip


async def test_what_was_not_made_is_named_with_what_makes_it(engines: Engines):
    environment = {"NHIP_POSTGRES": engines.postgres, "NHIP_INSTALLATION": "nowhere", "NHIP_KAFKA": ""}
    code, told = await nhip("check", "people", environment=environment)
    assert (code, "the database of keys is not there: `nhip provision` makes it" in told) == (1, True), told


async def test_with_nothing_to_look_at_it_says_so():
    code, told = await nhip("check", environment={"NHIP_POSTGRES": "", "NHIP_KAFKA": ""})
    assert (code, "there is nothing to look at: set NHIP_POSTGRES and NHIP_KAFKA" in told) == (2, True), told
