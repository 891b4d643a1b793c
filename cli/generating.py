"""`nhip demo`: writes a company file of any size, with invented people; the same numbers and seed give the same file.

For trying Nhip out at the size of one's own company, and for benchmarks.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from cli.running import say

TIME_ZONE = "Asia/Ho_Chi_Minh"
UNIT_SIZE = 25
"""People in a unit, its head included."""
QUARTER = timedelta(days=90)
BEHIND, AHEAD = 80, 10
"""Days of the cycle that are over, and that are still to come."""

# fmt: off
FAMILY_NAMES = (
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương",
    "Lý", "Đinh", "Đoàn", "Trịnh", "Mai",
)
MIDDLE_NAMES = (
    "Thị", "Văn", "Hữu", "Đức", "Ngọc", "Thanh", "Minh", "Quốc", "Gia", "Thùy", "Hoài", "Bảo", "Xuân", "Kim", "Anh",
    "Khánh", "Phương", "Tuấn", "Diệu", "Công",
)
GIVEN_NAMES = (
    "An", "Bình", "Chi", "Dũng", "Đạt", "Giang", "Hà", "Hằng", "Hiếu", "Hòa", "Huệ", "Hùng", "Khoa", "Lan", "Linh",
    "Long", "Mạnh", "My", "Nga", "Nghĩa", "Nhung", "Oanh", "Phúc", "Phượng", "Quân", "Quyên", "Sơn", "Tâm", "Thảo",
    "Thắng", "Thúy", "Tiến", "Trâm", "Trí", "Tú", "Tùng", "Uyên", "Vân", "Việt", "Yến",
)
# fmt: on
FIELDS = (
    "Kinh doanh",
    "Chăm sóc khách hàng",
    "Tiếp thị",
    "Nghiên cứu",
    "Tài chính",
    "Kỹ thuật",
    "Vận hành",
    "Nhân sự",
    "Mua hàng",
    "Kho vận",
)
TITLES = ("Chuyên viên", "Chuyên viên cao cấp", "Nhân viên", "Cộng tác viên")
THEMES = (
    ("Buổi demo", "buổi", 40),
    ("Đăng ký dùng thử", "đăng ký", 25),
    ("Hợp đồng mới", "hợp đồng", 8),
    ("Khách trả phí", "khách", 12),
    ("Doanh thu", "triệu đồng", 300),
    ("Bài viết", "bài", 6),
    ("Yêu cầu hỗ trợ", "yêu cầu", 90),
    ("Lỗi đã sửa", "lỗi", 20),
    ("Giờ đào tạo", "giờ", 16),
    ("Đơn giao đúng hẹn", "đơn", 120),
)
"""What is counted: name, unit, and about how many of it one person reaches in a quarter."""


@dataclass(frozen=True, slots=True)
class Person:
    ref: str
    name: str
    title: str
    unit: str
    manager: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unit:
    ref: str
    name: str
    head: str


@dataclass(frozen=True, slots=True)
class Kpi:
    """`parent` is a CSF of a company's KPI, else a KPI."""

    ref: str
    name: str
    level: str
    measured_in: str
    target: int
    owners: tuple[str, ...]
    department: str
    parent: str


@dataclass(frozen=True, slots=True)
class Progress:
    kpi: str
    day: date
    value: int
    confidence: int


@dataclass(frozen=True, slots=True)
class BigCompany:
    """Units, people, and the tree of KPIs: company, units, people; each adds up to about what it serves."""

    tenant: str
    name: str
    starts_on: date
    ends_on: date
    units: tuple[Unit, ...]
    people: tuple[Person, ...]
    csfs: tuple[str, ...]
    kpis: tuple[Kpi, ...]
    progress: tuple[Progress, ...]


def big_company(
    people: int, kpis: int, *, values: int = 3, seed: int = 1, today: date, tenant: str = "big"
) -> BigCompany:
    """A company in the last days of its quarter. `values` is how many each KPI has had; at least three people and
    three KPIs."""
    chance = Random(seed)
    units, staff = _organisation(people, chance)
    starts_on = today - timedelta(days=BEHIND)
    csfs = ("CSF1", "CSF2", "CSF3")
    tree = tuple(_tree(kpis, units, staff, csfs, chance))
    return BigCompany(
        tenant,
        "Công ty Rất Lớn",
        starts_on,
        today + timedelta(days=AHEAD),
        units,
        staff,
        csfs,
        tree,
        tuple(_progress(tree, values, starts_on, chance)),
    )


def _organisation(size: int, chance: Random) -> tuple[tuple[Unit, ...], tuple[Person, ...]]:
    def name() -> str:
        return " ".join(map(chance.choice, (FAMILY_NAMES, MIDDLE_NAMES, GIVEN_NAMES)))

    leads = [
        Person("p1", name(), "Tổng giám đốc", "", "", ("executive", "admin")),
        Person("p2", name(), "Giám đốc vận hành", "", "p1", ("executive",)),
    ]
    number = max(1, size // UNIT_SIZE)
    units = tuple(
        Unit(f"u{at + 1}", f"{FIELDS[at % len(FIELDS)]} {at // len(FIELDS) + 1}", f"p{at + 3}") for at in range(number)
    )
    heads = [Person(unit.head, name(), "Trưởng phòng", unit.ref, "p1") for unit in units]
    rest = [
        Person(f"p{at + 1}", name(), chance.choice(TITLES), units[at % number].ref, units[at % number].head)
        for at in range(number + 2, size)
    ]
    return units, (*leads, *heads, *rest)


def _tree(
    number: int, units: tuple[Unit, ...], people: tuple[Person, ...], csfs: tuple[str, ...], chance: Random
) -> Iterator[Kpi]:
    """Top down, so that a parent stands before what serves it; targets come from below."""
    company = max(1, min(len(THEMES), number // 7))
    department = max(1, min(number - company, max(min(len(units), number // 5), number // 20)))
    individual = number - company - department
    members = {unit.ref: [p for p in people if p.unit == unit.ref] for unit in units}
    aims = [max(1, round(THEMES[at % department % company][2] * chance.uniform(0.7, 1.3))) for at in range(individual)]
    below = [sum(aims[at::department]) or THEMES[at % company][2] * UNIT_SIZE for at in range(department)]
    above = [sum(below[at::company]) or THEMES[at][2] * 1000 for at in range(company)]

    def about(total: int) -> int:
        """Of most a little less than what those below reach, of some a little more."""
        return max(1, round(total * chance.uniform(0.85, 1.02)))

    for at in range(company):
        name, unit, _ = THEMES[at]
        yield Kpi(f"C{at + 1}", f"{name} toàn công ty", "company", unit, about(above[at]), ("p1",), "", csfs[at % 3])
    for at in range(department):
        name, unit, _ = THEMES[at % company]
        where = units[at % len(units)]
        yield Kpi(f"D{at + 1}", name, "department", unit, about(below[at]), (), where.ref, f"C{at % company + 1}")
    for at in range(individual):
        serves = at % department
        name, unit, _ = THEMES[serves % company]
        team = members[units[serves % len(units)].ref]
        owner = team[at // department % len(team)].ref
        yield Kpi(f"I{at + 1}", f"{name} cá nhân", "individual", unit, aims[at], (owner,), "", f"D{serves + 1}")


def _progress(kpis: Iterable[Kpi], values: int, starts_on: date, chance: Random) -> Iterator[Progress]:
    """Counts that grow, some faster than others."""
    for kpi in kpis:
        pace = chance.uniform(0.4, 1.15)
        for step in range(1, values + 1):
            day = starts_on + timedelta(days=max(1, BEHIND * step // values) - chance.randrange(2))
            value = round(kpi.target * pace * (day - starts_on).days / QUARTER.days)
            yield Progress(kpi.ref, day, value, chance.randint(3, 9))


def as_file(company: BigCompany) -> Iterator[str]:
    """The lines of the company's file."""
    yield f"# {len(company.people)} people and {len(company.kpis)} KPIs, all of them invented: made by `nhip demo`."
    yield f"company: {_flow(tenant=company.tenant, name=company.name, time_zone=TIME_ZONE)}"
    yield "units:"
    for unit in company.units:
        yield f"- {_flow(ref=unit.ref, name=unit.name, head=unit.head)}"
    yield "people:"
    for p in company.people:
        yield f"- {_flow(ref=p.ref, name=p.name, title=p.title, unit=p.unit, manager=p.manager, roles=list(p.roles))}"
    cycle = _flow(
        ref="quarter",
        name=f"Quý đến {company.ends_on.month}/{company.ends_on.year}",
        starts_on=company.starts_on.isoformat(),
        ends_on=company.ends_on.isoformat(),
    )
    yield f"cycle: {cycle}"
    yield "goals:"
    yield f"- {_flow(ref='SG1', name='Tăng trưởng bền vững', year=company.ends_on.year, target=25, measured_in='%')}"
    yield "csfs:"
    for at, csf in enumerate(company.csfs):
        yield f"- {_flow(ref=csf, name=('Khách hàng mới', 'Khách hàng ở lại', 'Đội ngũ giỏi')[at], supports=['SG1'])}"
    yield "kpis:"
    for k in company.kpis:
        fields = _flow(
            ref=k.ref,
            name=k.name,
            level=k.level,
            kind="cumulative",
            direction="increase",
            measured_in=k.measured_in,
            target=k.target,
            owners=list(k.owners),
            department=k.department,
            parent=k.parent,
        )
        yield f"- {fields}"
    yield "progress:"
    for value in company.progress:
        fields = _flow(kpi=value.kpi, day=value.day.isoformat(), value=value.value, confidence=value.confidence)
        yield f"- {fields}"


def _flow(**fields: object) -> str:
    """A mapping on one line; what is empty is left out. JSON's texts, numbers and lists are YAML's too."""
    said = ", ".join(
        f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items() if value not in ("", [])
    )
    return f"{{{said}}}"


def demo(
    people: Annotated[int, typer.Option(help="How many people.", min=3, max=100_000)],
    kpis: Annotated[int | None, typer.Option(help="How many KPIs; unset: four for each person.", min=3)] = None,
    values: Annotated[int, typer.Option(help="Values of each KPI over the quarter.", min=0, max=80)] = 3,
    seed: Annotated[int, typer.Option(help="Another number makes another company.")] = 1,
    tenant: Annotated[str, typer.Option(help="The id of the company's tenant.")] = "big",
    file: Annotated[Path, typer.Option(help="Where to write it.")] = Path("company.yaml"),
) -> None:
    """Write the file of an invented company of any size, for `nhip import`."""
    today = datetime.now(ZoneInfo(TIME_ZONE)).date()
    company = big_company(people, kpis or 4 * people, values=values, seed=seed, today=today, tenant=tenant)
    file.write_text("\n".join(as_file(company)) + "\n", "utf-8")
    size = f"{len(company.people)} people, {len(company.kpis)} KPIs, {len(company.progress)} values"
    say(f"{file}: {size}. Bring it in with: nhip import {file}")
