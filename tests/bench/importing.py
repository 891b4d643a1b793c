"""Bringing a company in, as `nhip import` does, into services that run."""

import statistics
import time
from dataclasses import replace

import yaml

from cli.client import connected
from cli.importing.bring import Importer, Principals, count
from cli.importing.check import checked
from deploy.cluster import cluster
from deploy.keys import ISSUER
from eventkit.rpc.demo_issuer import DemoIssuer
from importing.company import File
from tests.bench.harness import Bench, Figure, at_least

IMPORT = Figure("import, 1,000 KPIs with values", "items/s", "", at_least(500), short=True)
FIGURES = (IMPORT,)
KPIS, VALUES_EACH, PEOPLE = 1_000, 6, 200


async def run(bench: Bench) -> None:
    file = company()
    async with cluster(bench.folder / "import", replicas=1, postgres=bench.postgres, kafka=bench.kafka) as running:
        issuer = DemoIssuer(host="127.0.0.1", key_file=running.issuer_key, issuer=ISSUER)
        rates: list[float] = []
        for number in range(bench.rounds):
            tenant = f"bench-{number}"
            tokens = [issuer.mint(tenant, f"service:{name}") for name in ("importer", "operator")]
            async with connected(running.services, "") as client:
                assert file.company is not None
                began = time.perf_counter()
                await Importer(client, Principals(*tokens), tenant).bring(
                    replace(file, company=replace(file.company, ref=tenant))
                )
                rates.append(count(file) / (time.perf_counter() - began))
    bench.report(IMPORT, statistics.median(rates))


def company() -> File:
    """A firm of one unit: one KPI of the company, five below it, the others below these."""

    def kpi(number: int) -> dict[str, object]:
        level = "company" if number == 0 else "department" if number < 6 else "individual"
        return {
            "ref": f"k{number}",
            "name": f"KPI số {number}",
            "level": level,
            "kind": "cumulative",
            "direction": "increase",
            "target": 100,
            "owners": [f"p{number % PEOPLE}"],
            "department": "u",
            "parent": "C" if number == 0 else "k0" if number < 6 else f"k{1 + number % 5}",
        }

    days = [f"2025-01-{day:02}" for day in range(1, VALUES_EACH + 1)]
    content = {
        "company": {"tenant": "bench", "name": "Bench", "time_zone": "Asia/Ho_Chi_Minh"},
        "units": [{"ref": "u", "name": "Phòng Kinh doanh", "head": "p0"}],
        "people": [
            {"ref": f"p{n}", "name": f"Người {n}", "unit": "u", "roles": ["executive", "admin"] if n == 0 else []}
            for n in range(PEOPLE)
        ],
        "cycle": {"ref": "q", "name": "Quý 1", "starts_on": "2025-01-01", "ends_on": "2025-03-31"},
        "goals": [{"ref": "G", "name": "Lớn lên", "year": 2025, "target": 100, "measured_in": "%"}],
        "csfs": [{"ref": "C", "name": "Khách hàng", "supports": ["G"]}],
        "kpis": [kpi(number) for number in range(KPIS)],
        "progress": [{"kpi": f"k{n}", "day": day, "value": at} for n in range(KPIS) for at, day in enumerate(days, 1)],
    }
    file, problems = checked(yaml.safe_dump(content, allow_unicode=True).encode())
    assert file is not None, problems
    assert not problems, problems[:3]
    return file
