"""The OpenAPI document: valid, and true to what the gateway answers."""

from google.protobuf.descriptor import ServiceDescriptor
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.gateway.features.reference.pages import api_document
from services.gateway.openapi import comment
from services.gateway.upstream import OPERATIONS, SERVICES

SERVED: list[ServiceDescriptor] = [*(one for answers in SERVICES.values() for one in answers.services), OPERATIONS]


def operations() -> dict[str, dict]:
    paths = api_document()["paths"]
    return {
        one["operationId"]: one | {"verb": verb, "path": path} for path, at in paths.items() for verb, one in at.items()
    }


def test_it_is_openapi():
    assert list(OpenAPIV31SpecValidator(api_document()).iter_errors()) == []


def test_every_rpc_is_in_it_once():
    assert sorted(operations()) == sorted(f"{service.name}_{rpc.name}" for service in SERVED for rpc in service.methods)


def test_a_command_says_its_fields_with_their_rules():
    praise = operations()["Rewards_GivePraise"]
    assert (praise["verb"], praise["path"]) == ("post", "/v1/praises")
    schema = api_document()["components"]["schemas"]["nhip.rewards.v1.GivePraise"]
    assert "words" in schema["required"]
    assert schema["properties"]["visibility"]["enum"][1] == "VISIBILITY_PUBLIC"
    assert {"$ref": "#/components/parameters/idempotencyKey"} in praise["parameters"]


def test_what_the_path_says_is_not_asked_for_again():
    record = operations()["Checkins_RecordProgress"]
    body = record["requestBody"]["content"]["application/json"]["schema"]
    assert "kpi_id" not in body["properties"]
    assert [one["name"] for one in record["parameters"] if one.get("in") == "path"] == ["kpi_id"]
    assert (body["properties"]["confidence"]["minimum"], body["properties"]["confidence"]["maximum"]) == (1, 10)


def test_a_query_says_its_parameters_with_dots():
    names = {one.get("name"): one for one in operations()["Audit_SearchLedger"]["parameters"]}
    assert {"filter.context", "filter.subject_kind", "filter.from", "page_token"} <= names.keys()
    assert names["filter.from"]["schema"] == {"type": "string", "format": "date-time"}
    assert {"$ref": "#/components/parameters/idempotencyKey"} not in operations()["Audit_SearchLedger"]["parameters"]


def test_comments_of_the_contracts_are_its_descriptions():
    assert comment("nhip.rewards.v1.Praise.points") == "All points that it carried."
    assert operations()["Goals_GetMap"]["summary"]
    assert all(one["summary"] for one in operations().values())
