"""A company taken out whole: every event of it and of nobody else, with what people wrote."""

import json
from pathlib import Path

import pytest

from nhip.common.v1 import operations_pb2 as o
from nhip.people.v1 import people_pb2 as p
from tests.e2e.running import nhip
from tests.integration.services.company import OPERATOR, System


async def test_all_events_of_a_company_and_no_other_with_words_opened(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("eventkit.process.exporting.PART", 3)
    company, other = await system.company().found(), await system.company().found()
    await company.do(p.CreateUnit(name="Kho"), "nam")
    resources = system.all_resources["people"]
    await resources.words.destroy(company.tenant, company.ids["tram"])
    assert (await company.refused(o.ExportEvents(), "nam", context="people")).reason == "NOT_ALLOWED"

    folder = tmp_path / "export"
    at = ",".join(f"{name}={system.services[name].address}" for name in ("people", "goals"))
    token = system.issuer.mint(company.tenant, OPERATOR)
    arguments = ("tenant", "export", company.tenant, "--to", str(folder), "--address", at, "--token", token)
    code, told = await nhip(*arguments)
    assert code == 0, told
    manifest = json.loads((folder / "export.json").read_text("utf-8"))
    for name in ("people", "goals"):
        lines = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines()]
        stored = [
            event
            async for stream in system.all_resources[name].log.history(company.tenant, (), upto=10**9)
            for event in stream
        ]
        assert [line["position"] for line in lines] == sorted(event.position for event in stored)
        assert {line["id"] for line in lines} == {str(event.id) for event in stored}
        assert lines[-1]["type"] == "nhip.common.v1.EventsExported"
        assert manifest["events"][name] == len(lines)
        if name == "people":
            names = {line["event"]["person_id"]: line["event"]["name"] for line in lines if "PersonReg" in line["type"]}
            assert names[company.ids["minh"]] == {"plain": "Tên-minh"}
            assert names[company.ids["tram"]] == {"erased": True}
    assert other.tenant not in (folder / "people.jsonl").read_text("utf-8")
    assert (await nhip(*arguments))[0] == 2  # not into what is there
