"""Tables from spreadsheets, against the services hosted for this run: compared with what is there, checked whole,
written once."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from cli.client import Client, connected
from cli.importing.table import Asked, Sending, bring_table
from cli.running import Failed
from eventkit.context import by_the_clock
from eventkit.errors import Rejected
from eventkit.values import from_date
from importing.sheets.dry_run import Result, Wanted, dry_run
from importing.sheets.grid import letter, read
from importing.sheets.mapping import guess
from importing.sheets.tables import TABLES
from importing.sheets.writing import Report, write
from nhip.checkins.v1 import cadence_pb2 as cd
from nhip.checkins.v1 import check_ins_pb2 as ci
from nhip.common.v1 import operations_pb2 as ops
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from services.checkins.reactors.falling_due import FallingDue
from services.checkins.views.check_in import CheckInView
from tests.integration.services.company import System

SHEETS = Path(__file__).parents[2] / "sheets"
TELL = Asked("", None, "", "", "", "", False, False, False, False, "")


@dataclass
class Desk:
    """Somebody who brings tables in."""

    client: Client
    tokens: dict[str, str]
    mint: Callable[[str], str]
    """The token of somebody, by their id."""
    tenant: str

    def by(self, subject: str) -> Sending:
        return Sending(self.client.acting(self.tokens[subject]))

    async def look(
        self, table: str, content: bytes | str, *, by: str = "importer", run: str = "", **said: object
    ) -> Result:
        """A dry run; `said` is of the reading, or fixed for all rows."""
        file = content.encode() if isinstance(content, str) else content
        grid = read(file, "a.csv").grids[0]
        reading = guess(grid, TABLES[table]).mapping
        fixed = {name: str(value) for name, value in said.items() if name in TABLES[table]}
        reading = replace(reading, fixed=fixed, **{k: v for k, v in said.items() if k in ("numbers", "days")})
        wanted = Wanted(TABLES[table], grid, reading, title="Bảng mới", reason="Theo bảng của quý")
        return await dry_run(self.by(by), wanted, run or uuid4().hex)

    async def bring(
        self, table: str, content: bytes | str, *, tick: bool = False, by: str = "importer", **said: object
    ) -> Report:
        run = uuid4().hex
        result = await self.look(table, content, by=by, run=run, **said)
        assert result.plan.faults == []
        ticked = frozenset(d.name for d in result.plan.differences()) if tick else frozenset[str]()
        [*_, report] = [report async for report in write(self.by(by), result.plan.deeds(ticked), run)]
        assert report.stopped is None
        return report

    async def people(self, *, by: str = "importer") -> dict[str, p.Person]:
        found = await self.by(by).ask(p.ListPeople(page_size=500), p.PeopleList)
        return {person.name.plain: person for person in found.people}

    async def kpis(self) -> list[g.Kpi]:
        services = self.by("importer")
        [cycle, *_] = (await services.ask(g.ListCycles(), g.Cycles)).cycles
        return list((await services.ask(g.ListKpis(cycle_id=cycle.cycle_id, page_size=200), g.Kpis)).kpis)


@pytest.fixture
async def desk(system: System) -> AsyncGenerator[Desk]:
    """An empty tenant with one administrator, Nam, who is an executive too."""
    tenant, mint = f"sheets-{uuid4().hex[:8]}", system.issuer.mint
    operator = mint(tenant, "service:operator")
    async with connected({name: service.address for name, service in system.services.items()}, operator) as client:
        await client.command(p.CreateTenant(name="Công ty thử"), key="tenant")
        nam = p.RegisterPerson(name=PersonalText(plain="Nam"), roles=[pt.ROLE_ADMIN, pt.ROLE_EXECUTIVE])
        done = await client.command(nam, key="nam")
        tokens = {
            "importer": mint(tenant, "service:importer", on_behalf_of="service:operator"),
            "nam": mint(tenant, f"person:{done.id}"),
        }
        yield Desk(client, tokens, lambda id: mint(tenant, f"person:{id}"), tenant)


async def opened(desk: Desk) -> None:
    cycle = g.OpenCycle(
        name="Quý 4/2026", starts_on=from_date(date(2026, 10, 1)), ends_on=from_date(date(2026, 12, 31))
    )
    await desk.by("importer").command(cycle, key="cycle")


async def staffed(desk: Desk) -> None:
    await desk.bring("units", (SHEETS / "units.csv").read_bytes())
    await desk.bring("people", (SHEETS / "staff.csv").read_bytes())


def told(result: Result) -> list[tuple[int, str, str]]:
    columns = {fault.field: fault.column for fault in result.plan.faults}
    return [(f.row, letter(f.column or columns.get(f.field, 0)), f.reason) for f in result.plan.faults]


async def test_units_and_people_come_in_by_their_names_and_codes_and_the_same_files_again_change_nothing(desk: Desk):
    await staffed(desk)
    people = await desk.people()
    dung, an = people["Đặng Quốc Dũng"], people["Hoàng Thu An"]
    assert (an.employment.employee_code, an.employment.joined_on) == ("0101", from_date(date(2023, 3, 1)))
    assert (an.place.manager_id, an.title.plain, an.email.plain) == (dung.person_id, "SI", "an@example.org")
    units = {u.name: u for u in (await desk.by("importer").ask(p.ListUnits(), p.Units)).units}
    assert units["PB_KT"].parent_id == units["Khối kỹ thuật"].unit_id
    assert an.place.unit_id == units["PB_KT"].unit_id
    for table, file in (("units", "units.csv"), ("people", "staff.csv")):
        again = (await desk.look(table, (SHEETS / file).read_bytes())).plan
        assert {entry.state for entry in again.entries} == {"unchanged"}
        assert again.deeds(frozenset()) == []


async def test_a_dry_run_writes_nothing(desk: Desk):
    await desk.look("units", (SHEETS / "units.csv").read_bytes())
    assert list((await desk.by("importer").ask(p.ListUnits(), p.Units)).units) == []


async def test_what_differs_is_shown_and_only_what_is_ticked_is_changed(desk: Desk):
    await staffed(desk)
    changed = (
        (SHEETS / "staff.csv")
        .read_text()
        .replace("Hoàng Thu An", "Hoàng Thu Anh")
        .replace("JUNIOR,0100", "JUNIOR,0101")
    )
    run = uuid4().hex
    plan = (await desk.look("people", changed, run=run)).plan
    assert [(d.row, d.field, d.before, d.after) for d in plan.differences()] == [
        (2, "name", "Hoàng Thu An", "Hoàng Thu Anh"),
        (4, "manager", "Đặng Quốc Dũng (0100)", "0101"),
    ]
    reports = [r async for r in write(desk.by("importer"), plan.deeds(frozenset({"4.manager"})), run)]
    assert reports[-1].changed == {"person": 1}
    people = await desk.people()
    assert people["Phan Ngọc Chi"].place.manager_id == people["Hoàng Thu An"].person_id
    await desk.bring("people", changed, tick=True)
    assert "Hoàng Thu Anh" in await desk.people()


async def test_each_error_is_told_by_row_and_column_before_anything_is_written(desk: Desk):
    await staffed(desk)
    result = await desk.look(
        "people",
        "Mã NV,Họ và tên,Email,Phòng,Quản lý\n"
        "7,Tô A,a@example.org,PB_KT,0100\n"
        "8,Tô B,khong phai email,PB_KT,\n"
        "9,Tô C,c@example.org,PB-KT,\n"
        "10,Tô D,,PB_KT,Hoàng Thu Am\n"
        "7,Tô E,,PB_KT,\n"
        "11,Tô F,,PB_KT,12\n"
        "12,Tô G,,PB_KT,11\n",
    )
    assert [(f.row, f.field, f.reason, f.right) for f in result.plan.faults] == [
        (3, "email", "EMAIL_INVALID", ""),
        (4, "unit", "NO_SUCH_UNIT", "PB_KT"),
        (5, "manager", "NO_SUCH_PERSON", "Hoàng Thu An"),
        (6, "code", "TWICE", ""),
        (7, "manager", "MANAGER_CIRCLE", ""),
        (8, "manager", "MANAGER_CIRCLE", ""),
    ]
    assert [entry.row for entry in result.plan.right()] == [2]
    assert len(await desk.people()) == 5


async def test_one_criterion_for_all_is_a_kpi_for_each_and_five_thresholds_become_three(desk: Desk):
    await staffed(desk)
    await opened(desk)
    result = await desk.look("kpis", (SHEETS / "criteria.csv").read_bytes())
    assert told(result) == [(5, "", "MISSING"), (5, "F", "NO_CHOICE")]
    assert result.plan.count("new") == 3 * 5
    run = uuid4().hex
    done = [r async for r in write(desk.by("importer"), result.plan.deeds(frozenset()), run)]
    assert done[-1].made == {"kpi": 15}
    of_an = {k.name: k for k in await desk.kpis() if k.owners[0].name.plain == "Hoàng Thu An"}
    scale = {
        n: (k.measure.floor.value, k.measure.target.value, k.measure.stretch.value, k.weight) for n, k in of_an.items()
    }
    assert scale == {
        "Giao đúng hẹn": ("70", "90", "100", 10),
        "Sự cố": ("2", "1", "0", 10),
        "Chia sẻ kiến thức": ("1", "2", "3", 5),
    }
    again = (await desk.look("kpis", (SHEETS / "criteria.csv").read_bytes())).plan
    assert (again.count("new"), again.count("unchanged")) == (0, 15)


async def test_owners_are_named_by_their_addresses_also_by_who_does_not_see_any(desk: Desk):
    """An OKR master brings KPIs in; addresses are told by nobody, and found for who sets KPIs of others."""
    await opened(desk)
    await staffed(desk)
    mai = p.RegisterPerson(name=PersonalText(plain="Mai"), roles=[pt.ROLE_OKR_MASTER])
    desk.tokens["mai"] = desk.mint((await desk.by("nam").command(mai, key="mai")).id)
    desk.tokens["an"] = desk.mint((await desk.people())["Hoàng Thu An"].person_id)
    table = "KPI,Người chịu trách nhiệm,Mục tiêu,Đơn vị tính\nGọi khách,AN@example.org,30,cuộc\nGặp khách,{},9,buổi\n"
    both = table.format("binh@example.org; an@example.org")
    assert all(not person.email.plain for person in (await desk.people(by="mai")).values())
    assert (await desk.bring("kpis", both, by="mai")).made == {"kpi": 2}
    owners = {kpi.name: sorted(owner.name.plain for owner in kpi.owners) for kpi in await desk.kpis()}
    assert owners == {"Gọi khách": ["Hoàng Thu An"], "Gặp khách": ["Hoàng Thu An", "Lý Văn Bình"]}
    nobody = await desk.look("kpis", table.format("nobody@example.org"), by="mai")
    assert told(nobody) == [(3, "B", "NO_SUCH_PERSON")]
    with pytest.raises(Rejected, match="NOT_ALLOWED"):
        await desk.by("an").ask(p.FindPeopleByEmail(emails=["binh@example.org"]), p.PeopleByEmail)


async def test_a_form_without_owners_is_brought_in_for_whom_it_is_said(desk: Desk):
    await staffed(desk)
    await opened(desk)
    result = await desk.look("kpis", (SHEETS / "target-form.csv").read_bytes())
    assert {f.reason for f in result.plan.faults} == {"NOBODY_ANSWERS"}
    await desk.bring("kpis", (SHEETS / "target-form.csv").read_bytes(), owners="0102")
    found = {k.name: k for k in await desk.kpis()}
    assert found["08 giờ học"].measure.target.value == "8"
    assert found["Điểm khảo sát >= 4,2/5"].measure.target.value == "4.6"
    frame = next(k for name, k in found.items() if name.startswith("Xây khung"))
    assert (frame.measure.kind, frame.measure.target.value) == (3, "1")


async def test_changed_targets_of_what_is_there_become_one_proposal(desk: Desk):
    await staffed(desk)
    await opened(desk)
    file = "Tên KPI,Người chịu trách nhiệm,ĐVT,Mục tiêu,Trọng số\nĐơn hàng,0101,đơn,{},50%\nLỗi,0102,lỗi,{},{}\n"
    await desk.bring("kpis", file.format(100, 5, "30%"))
    by_import = (await desk.look("kpis", file.format(120, 6, "40%"))).plan
    assert {d.obstacle for d in by_import.differences()} == {"NOT_ALLOWED", "NOT_BY_FILE"}
    run = uuid4().hex
    plan = (await desk.look("kpis", file.format(120, 6, "40%"), by="nam", run=run)).plan
    assert [(d.row, d.field, d.before, d.after, d.obstacle) for d in plan.differences()] == [
        (2, "target", "100", "120", ""),
        (3, "target", "5", "6", ""),
        (3, "weight", "30", "40", "NOT_BY_FILE"),
    ]
    ticked = frozenset(d.name for d in plan.differences())
    report = [r async for r in write(desk.by("nam"), plan.deeds(ticked), run)][-1]
    assert (report.made, len(report.proposals)) == ({"proposal": 1}, 1)
    found = await desk.by("nam").ask(g.GetProposal(proposal_id=report.proposals[0]), g.Proposal)
    assert sorted(change.after.value for change in found.changes) == ["120", "6"]


async def test_links_and_values_come_in_and_another_value_for_a_day_is_a_difference(desk: Desk):
    await staffed(desk)
    await opened(desk)
    await desk.bring("goals", "Mục tiêu chiến lược,Năm,Chỉ tiêu\nKhách hàng hài lòng,2026,300\n")
    await desk.bring("csfs", "CSF,Mục tiêu chiến lược\nChất lượng,Khách hàng hài lòng\n")
    await desk.bring("kpis", "Tên KPI,Người chịu trách nhiệm,ĐVT,Mục tiêu\nĐơn hàng,0101,đơn,100\nĐổi trả,0102,lần,5\n")
    links = "KPI,Phục vụ,Tác động,Chia sẻ\nĐơn hàng,Chất lượng,,\nĐơn hàng,Đổi trả,cản trở,\n"
    await desk.bring("links", links, tick=True)
    linked = {kpi.name: kpi for kpi in await desk.kpis()}
    orders, returns = linked["Đơn hàng"], linked["Đổi trả"]
    assert orders.parent.csf_id
    assert [(one.to.kpi_id, one.effect) for one in orders.further] == [(returns.kpi_id, t.EFFECT_HINDERS)]
    assert (await desk.look("links", links)).plan.count("unchanged") == 1
    shared = (await desk.look("links", links.replace("cản trở,", "hỗ trợ,30%"))).plan
    assert {d.obstacle for d in shared.differences()} == {"NOTHING_TO_SHARE"}, "the service is asked before"
    values = "KPI,Ngày,Giá trị\nĐơn hàng,2026-10-05,{}\n"
    await desk.bring("values", values.format(7))
    again = (await desk.look("values", values.format(7))).plan
    assert [entry.state for entry in again.entries] == ["unchanged"]
    [difference] = (await desk.look("values", values.format(8))).plan.differences()
    assert (difference.before, difference.after) == ("7", "8")


async def test_what_is_refused_at_the_last_moment_leaves_nothing_of_the_table_behind(desk: Desk):
    """Somebody was faster between the dry run and the writing: rows before and behind are not written either."""
    await staffed(desk)
    run, units = uuid4().hex, {u.name for u in (await desk.by("importer").ask(p.ListUnits(), p.Units)).units}
    table = "Tên đơn vị,Thuộc\nKho,\nKho lạnh,Kho\nBán lẻ,\n"
    deeds = (await desk.look("units", table, run=run)).plan.deeds(frozenset())
    await desk.by("nam").command(p.CreateUnit(name="Bán  LẺ"), key="faster")
    [*_, report] = [report async for report in write(desk.by("importer"), deeds, run)]
    assert report.stopped is not None
    deed, refusal = report.stopped
    assert deed is not None
    assert (deed.row, refusal.reason, report.done, report.made) == (4, "UNIT_EXISTS", 0, {})
    found = {u.name for u in (await desk.by("importer").ask(p.ListUnits(), p.Units)).units}
    assert found - units == {"Bán LẺ"}

    people = "Mã NV,Họ tên,Quản lý\n9001,Trưởng,\n9002,Viên,9001\n9003,Nữa,9002\n"
    deeds = (await desk.look("people", people, run=run)).plan.deeds(frozenset())
    taken = p.RegisterPerson(name=PersonalText(plain="Khác"), employment=pt.Employment(employee_code="9003"))
    await desk.by("nam").command(taken, key="taken")
    [*_, report] = [report async for report in write(desk.by("importer"), deeds, run)]
    assert report.stopped is not None
    assert report.stopped[0] is not None
    assert (report.stopped[0].row, report.stopped[1].reason) == (4, "EMPLOYEE_CODE_TAKEN")
    assert {"Trưởng", "Viên"}.isdisjoint(await desk.people())


async def test_as_one_only_commands_of_the_service_are_carried_out_that_come_alone_too(desk: Desk):
    nam = desk.by("nam")
    assert list((await nam.ask(p.ListUnits(), p.Units)).units) == []

    async def refused(*steps: ops.Step, by: Sending = nam) -> Rejected:
        with pytest.raises(Rejected) as refusal:
            await by.together("people", ops.CarryOutTogether(steps=steps), key=uuid4().hex, seconds=10)
        return refusal.value

    fine = ops.Step(method="CreateUnit", request=p.CreateUnit(name="Kho").SerializeToString(), refs=["#1"])
    for method in ("ListUnits", "DefineKpi", "Nope"):
        unknown = await refused(fine, ops.Step(method=method))
        assert (unknown.reason, [v.field for v in unknown.violations]) == ("METHOD_UNKNOWN", ["steps[1].method"])
    lost = p.RenameUnit(unit_id="#2", name="Kho lớn").SerializeToString()
    assert (await refused(fine, ops.Step(method="RenameUnit", request=lost))).reason == "REFERENCE_UNKNOWN"
    empty = await refused(fine, ops.Step(method="RenameUnit", request=p.RenameUnit(unit_id="#1").SerializeToString()))
    assert [one.field for one in empty.violations] == ["steps[1].name"]
    other = p.CreateUnit(name="Xưởng").SerializeToString()
    for field, twice in (("refs", {"refs": ["#1"]}), ("key", {"key": "k"})):
        first = ops.Step(method="CreateUnit", request=fine.request, refs=["#1"], key="k")
        repeated = await refused(first, ops.Step(method="CreateUnit", request=other, **twice))  # type: ignore[arg-type]
        assert (repeated.reason, repeated.violations[0].field) == ("STEP_REPEATED", f"steps[1].{field}")
    unreadable = await refused(ops.Step(method="CreateUnit", request=b"\xff"))
    assert unreadable.reason == "REQUEST_UNREADABLE"
    tenant = p.CreateTenant(name="X").SerializeToString()
    assert (await refused(ops.Step(method="CreateTenant", request=tenant))).reason == "NOT_ALLOWED"
    assert list((await nam.ask(p.ListUnits(), p.Units)).units) == []
    renamed = ops.Step(method="RenameUnit", request=p.RenameUnit(unit_id="#1", name="Kho lớn").SerializeToString())
    done = await nam.together("people", ops.CarryOutTogether(steps=[fine, renamed]), key="one", seconds=10)
    assert [unit.name for unit in (await nam.ask(p.ListUnits(), p.Units)).units] == ["Kho lớn"]
    assert done.verdicts[0].id == done.verdicts[1].id


async def test_past_check_ins_come_in_once_by_who_looks_after_people_and_nobody_is_told_c10_a07(
    desk: Desk, system: System
):
    await staffed(desk)
    today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
    day, services = today - timedelta(days=7), desk.by("importer")
    cycle = g.OpenCycle(name="Kỳ", starts_on=from_date(today - timedelta(60)), ends_on=from_date(today + timedelta(30)))
    await services.command(cycle, key="cycle")
    await desk.bring("kpis", "Tên KPI,Người chịu trách nhiệm,Mục tiêu\nĐơn hàng,0101,9\n", level="individual")
    [begun, *_] = (await services.ask(g.ListCycles(), g.Cycles)).cycles
    start = g.StartCycle(cycle_id=begun.cycle_id, with_uneven_weights=True)
    await desk.by("nam").command(start, key="start")
    rhythm = cd.SetCadence(every_weeks=1, first_on=from_date(today - timedelta(days=56)))
    rhythm.weekday = day.isoweekday()  # type: ignore[assignment] # the enum's number
    await services.command(rhythm, key="rhythm")
    table = "Mã NV,Ngày check-in,Tâm trạng,Việc đã làm,KPI,Giá trị\n"
    rows = f"0101,{day},4,Gọi Alpha; Gửi báo giá,Đơn hàng,3\n"
    wrong = f"0101,{day - timedelta(1)},4,,,\n0101,{day - timedelta(7)},9,,,\n0101,{today + timedelta(7)},4,,,\n"
    found = await desk.look("check_ins", table + rows + wrong)
    assert told(found) == [(3, "B", "CHECK_IN_NOT_DUE"), (4, "C", "TOO_LARGE"), (5, "B", "CHECK_IN_AHEAD")]
    report = await desk.bring("check_ins", table + rows)
    assert (report.made["check_in"], report.done) == (1, 1)
    again = (await desk.look("check_ins", table + rows)).plan
    assert ([entry.state for entry in again.entries], again.deeds(frozenset())) == (["unchanged"], [])
    other = await desk.look("check_ins", table + rows.replace(",4,", ",2,"))
    assert told(other) == [(2, "B", "CHECK_IN_THERE")]
    by_nam = f"{table}0101,{day - timedelta(7)},3,Học sản phẩm,,\n"
    assert (await desk.bring("check_ins", by_nam, by="nam")).made["check_in"] == 1
    dated = f"{table[:-1]},Ngày gửi\n"
    for weeks, after in ((3, 0), (4, 1)):  # one in time, one a day late
        due_on = today - timedelta(days=7 * weeks)
        row = f"0101,{due_on},3,Học sản phẩm,,,{due_on + timedelta(days=after)}\n"
        assert (await desk.bring("check_ins", dated + row)).made["check_in"] == 1
    await fell_due(system, desk, [today, today - timedelta(days=14), today - timedelta(days=21)])
    seen = await desk.by("nam").ask(ci.ListDiscipline(), ci.Discipline)
    [line] = [one for one in seen.lines if one.due == 12]  # three people, four weeks
    assert (line.in_time, line.late, line.undated, line.answered) == (1, 1, 2, 0)
    [kpi] = await desk.kpis()
    assert kpi.standing.current.value == "3"


async def fell_due(system: System, desk: Desk, days: list[date]) -> None:
    """It was said on these days of whom a check-in was due, and is seen."""
    checkins, tenant = system.all_resources["checkins"], desk.tenant
    for day in days:
        ctx = by_the_clock(tenant, "test", uuid4().hex, datetime.now(UTC), datetime.now(UTC))
        await FallingDue(checkins).look_at(ctx, day)
    end = await checkins.log.last_position()
    await checkins.reached.wait([CheckInView().subscription], checkins.partition("checkins")(tenant), end)


async def test_a_unit_that_was_renamed_since_is_known_by_its_row(desk: Desk):
    await desk.bring("units", "Tên đơn vị\nBán hàng\n")
    [unit] = (await desk.by("importer").ask(p.ListUnits(), p.Units)).units
    await desk.by("importer").command(p.RenameUnit(unit_id=unit.unit_id, name="Kinh doanh"), key="renamed")
    [difference] = (await desk.look("units", "Tên đơn vị\nBán hàng\n")).plan.differences()
    assert (difference.before, difference.after) == ("Kinh doanh", "Bán hàng")


async def test_the_command_line_ends_with_an_error_where_something_is_left_out_or_stays_different(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    client = desk.client.acting(desk.tokens["importer"])
    file = tmp_path / "units.csv"
    file.write_text("Tên đơn vị,Thuộc\nA,\nB,Không có\n")
    with pytest.raises(Failed, match="1 rows to put right"):
        await bring_table(file, replace(TELL, table="units"), client)
    assert f"{file}: row 3, column B: Serves, or is a part of: 'Không có': There is no unit" in capsys.readouterr().out
    await bring_table(file, replace(TELL, table="units", skip_wrong=True), client)
    assert "1 units made" in capsys.readouterr().out
    file.write_text("Tên đơn vị,Thuộc\nA,\nC,A\n")
    await bring_table(file, replace(TELL, table="units"), client)
    assert "Read as the last table with these headings was" in capsys.readouterr().out
    file.write_text("Tên đơn vị,Thuộc\nA,C\n")
    with pytest.raises(Failed, match="1 stay different"):
        await bring_table(file, replace(TELL, table="units"), client)
    file.write_text("Tên đơn vị,Thuộc\nC,\nD,C\nA,D\n")
    await bring_table(file, replace(TELL, table="units", keep=True), client)


async def test_what_rests_on_a_wrong_row_is_wrong_with_it(desk: Desk):
    result = await desk.look("units", "Tên đơn vị,Thuộc\nKhối A,Không có\nKho,Khối A\nQuầy,Kho\nCửa hàng,\n")
    assert told(result) == [(2, "B", "NO_SUCH_UNIT"), (3, "", "RESTS_ON_WRONG"), (4, "", "RESTS_ON_WRONG")]
    assert [deed.row for deed in result.plan.deeds(frozenset())] == [5]


async def test_a_dry_run_says_of_the_whole_file_which_rows_are_more_than_the_company_may_have(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("importing.sheets.checking.AT_ONCE", 2)  # each request is judged as if it were alone
    await desk.client.command(p.SetTenantQuotas(tenant_id=desk.tenant, people=3, kpis=1), key="quotas")
    file = "Họ tên\n" + "\n".join(f"Người {n}" for n in range(5)) + "\n"
    result = await desk.look("people", file)
    assert told(result) == [(row, "", "PEOPLE_QUOTA") for row in (4, 5, 6)]
    assert {tuple(fault.parameters.items()) for fault in result.plan.faults} == {(("most", "3"), ("have", "6"))}
    [*_, report] = [each async for each in write(desk.by("importer"), result.plan.deeds(frozenset()), uuid4().hex)]
    assert report.stopped is None
    assert len(await desk.people()) == 3  # as many as there is room for, where the rest is left out
    assert told(await desk.look("people", file)) == [(row, "", "PEOPLE_QUOTA") for row in (4, 5, 6)]

    await opened(desk)
    kpis = "KPI,Cấp,Người phụ trách,Chỉ tiêu,Đơn vị đo\nA,Công ty,Nam,5,đơn\nB,Công ty,Nam,5,đơn\n"
    assert told(await desk.look("kpis", kpis)) == [(3, "", "KPI_QUOTA")]


async def test_rows_that_rest_on_each_other_are_judged_as_they_will_be_written(desk: Desk):
    """An administrator does not choose their own manager, not even one who comes in with the same file."""
    await staffed(desk)
    own = "Mã NV,Họ và tên,Phòng,Quản lý\n0100,Đặng Quốc Dũng,PB_KT,77\n77,Tô Mới,PB_KT,\n"
    [dung] = [one for one in (await desk.people()).values() if one.employment.employee_code == "0100"]
    desk.tokens["dung"] = desk.mint(dung.person_id)
    roles = [pt.ROLE_EMPLOYEE, pt.ROLE_ADMIN]
    change = p.ChangeRoles(person_id=dung.person_id, roles=roles, reason=PersonalText(plain="nhập liệu"))
    await desk.by("nam").command(change, key="admin")
    plan = (await desk.look("people", own, by="dung")).plan
    assert [(d.row, d.field, bool(d.obstacle)) for d in plan.differences() if d.field == "manager"] == [
        (2, "manager", True)
    ]
