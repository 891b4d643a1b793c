"""What a form about an integration asks for, and an integration as such a form."""

import httpx
import pytest

from eventkit.errors import Violation
from nhip.common.v1 import operations_pb2
from nhip.people.v1 import integrations_pb2 as pb
from nhip.people.v1 import types_pb2 as t
from services.gateway.console.forms import Form
from services.gateway.features.integrations.asked import facts_of, form_of

from .conftest import Backend

KEEPS = pb.IntegrationFacts(
    name="Entra ID",
    account_id="minh",
    scope=pb.IntegrationScope(verbs=[pb.INTEGRATION_VERB_KEEP_PEOPLE]),
    group_roles=[pb.GroupRole(group="Nhip Admins", role=t.ROLE_ADMIN)],
)


def test_what_keeps_people_names_groups_and_no_kpis_whatever_is_chosen_of_them():
    group = {f"group.{t.ROLE_ADMIN}": "Nhip Admins"}
    filled = {"name": "Entra ID", "account": "minh", "keep": "1", "objects": "kpis", "pick.k1": "1", **group}
    wrong: list[Violation] = []
    assert (facts_of(Form(filled), wrong), wrong) == (KEEPS, [])


def test_its_form_says_what_it_is():
    wrong: list[Violation] = []
    assert (facts_of(form_of(KEEPS), wrong), wrong) == (KEEPS, [])


@pytest.mark.parametrize(("may", "forms"), [("ChangeIntegration", 1), ("GetIntegration", 0)])
async def test_its_page_says_where_the_directory_sends_to_and_which_group_gives_what(
    signed_in: httpx.AsyncClient, backend: Backend, may: str, forms: int
):
    backend.answers("GetAccess", operations_pb2.Access(methods=[may]))
    backend.answers("GetIntegration", pb.Integration(integration_id="entra", integration=KEEPS, account_active=True))
    page = (await signed_in.get("/settings/integrations/entra")).text
    assert "/scim/v2</code>" in page
    assert "<dt>Nhip Admins</dt>" in page
    assert page.count('name="keep"') == forms
