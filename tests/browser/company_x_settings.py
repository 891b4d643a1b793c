"""Company X's settings and profile, decided and read by the people service's own domain."""

from datetime import UTC, date, datetime

from google.protobuf.message import Message

from eventkit.directory.facts import OrgChart
from eventkit.directory.tenant_settings import SETTINGS, Change, TenantSettings, catalogue
from eventkit.errors import unknown
from eventkit.values import from_date, from_datetime, from_decimal
from nhip.common.v1 import command_pb2, words_pb2
from nhip.goals.v1 import goals_pb2
from nhip.people.v1 import people_pb2
from nhip.people.v1 import settings_pb2 as pb
from nhip.people.v1.events_pb2 import SettingsChanged
from services.people.domain import logo, settings, table_mapping
from services.people.queries import settings as pages
from tests.browser.company_x_integrations import IntegrationsX

NOW = datetime(2025, 3, 20, 5, tzinfo=UTC)
SINCE = datetime(2025, 2, 10, 2, 20, tzinfo=UTC)


class SettingsX(IntegrationsX):
    """What `nhip.people.v1.People` makes of commands about the company itself."""

    def __init__(self) -> None:
        IntegrationsX.__init__(self)
        self.tenant = people_pb2.Tenant(
            tenant_id="company-x", name="Công ty phần mềm X", time_zone="Asia/Ho_Chi_Minh", language="vi"
        )
        self.logo = pb.Logo()
        self.mappings: dict[str, pb.TableMapping] = {}
        self.tenant_settings = TenantSettings()
        self.setting_changes: list[pb.SettingChange] = []
        told = words_pb2.PersonalText(plain="Ban điều hành muốn biết sớm hơn một kỳ check-in.")
        for name, value in (("at_risk_gap", 30), ("approval_days", 2)):
            self._setting_was(name, value, date(2025, 2, 11), SINCE, told)

    def _setting_was(self, name: str, value: int, on: date, at: datetime, reason: words_pb2.PersonalText) -> None:
        before = self.tenant_settings.value(name, on)
        self.tenant_settings = TenantSettings((*self.tenant_settings.changes, Change(name, before * 0 + value, on, at)))
        self._setting_changed(name, from_decimal(before), from_decimal(value), on, at, "huong", reason)

    def _setting_changed(
        self, name: str, before, after, on: date, at: datetime, by: str, reason, *, back: bool = False
    ) -> None:
        change = pb.SettingChange(
            name=name,
            before=before,
            after=after,
            to_default=back,
            effective_on=from_date(on),
            recorded_at=from_datetime(at),
            by=by,
            reason=reason,
        )
        self.setting_changes.insert(0, change)

    def _accepted(self, context: str, id: str) -> command_pb2.Accepted:
        raise NotImplementedError

    def GetTenant(self, request: Message, actor: str) -> Message:
        return self.tenant

    def ChangeCompany(self, request: pb.ChangeCompany, actor: str) -> Message:
        for name in ("name", "time_zone", "language"):
            if request.HasField(name):
                setattr(self.tenant, name, getattr(request, name))
        return self._accepted("people", "company-x")

    def ChangeLogo(self, request: pb.ChangeLogo, actor: str) -> Message:
        media_type = logo.judged(request.image).media_type if request.image else ""
        self.tenant.logo = logo.digest(request.image)
        self.logo = pb.Logo(digest=self.tenant.logo, media_type=media_type, image=request.image)
        return self._accepted("people", "company-x")

    def GetLogo(self, request: Message, actor: str) -> Message:
        if not self.logo.digest:
            raise unknown("logo", "company-x")
        return self.logo

    def KeepTableMapping(self, request: pb.KeepTableMapping, actor: str) -> Message:
        id = table_mapping.mapping_id(request.table, (column.heading for column in request.columns))
        self.mappings[id] = pb.TableMapping(
            columns=request.columns,
            fixed=request.fixed,
            numbers=request.numbers,
            days=request.days,
            kept_by=actor,
            kept_at=from_datetime(SINCE),
        )
        return self._accepted("people", id)

    def GetTableMapping(self, request: pb.GetTableMapping, actor: str) -> Message:
        return self.mappings.get(table_mapping.mapping_id(request.table, request.headings), pb.TableMapping())

    def GetSettings(self, request: pb.GetSettings, actor: str) -> Message:
        return pages.page(request, OrgChart(settings=self.tenant_settings), NOW)

    def ChangeSettings(self, request: pb.ChangeSettings, actor: str) -> Message:
        for _, event in settings.change(self.tenant_settings, request, "company-x", date(2025, 3, 20)):
            assert isinstance(event, SettingsChanged)
            state = SETTINGS.evolve(self.tenant_settings, event)
            for change in state.changes[len(self.tenant_settings.changes) :]:
                before = self.tenant_settings.value(change.name, change.effective_on)
                after = catalogue()[change.name].default if change.value is None else change.value
                self._setting_changed(
                    change.name,
                    from_decimal(before),
                    from_decimal(after),
                    change.effective_on,
                    NOW,
                    actor,
                    request.reason,
                    back=change.value is None,
                )
            self.tenant_settings = state
        return self._accepted("people", "all")

    def ListSettingChanges(self, request: pb.ListSettingChanges, actor: str) -> Message:
        found = [one for one in self.setting_changes if request.name in ("", one.name)]
        return pb.SettingChanges(changes=found[: request.page_size or 50])

    def PreviewStatuses(self, request: goals_pb2.PreviewStatuses, actor: str) -> Message:
        """Two of them are judged by what is asked."""
        if request.settings.at_risk_gap.value == "30":
            return goals_pb2.StatusPreview(kpis=17)
        risk, behind = goals_pb2.STATUS_AT_RISK, goals_pb2.STATUS_BEHIND
        return goals_pb2.StatusPreview(
            kpis=17,
            moves=[goals_pb2.StatusMove(before=behind, after=risk, count=2)],
            people=2,
            moved=[
                goals_pb2.MovedKpi(kpi_id="i1", name="Demo · khách mới", before=behind, after=risk),
                goals_pb2.MovedKpi(kpi_id="i2", name="Demo · khách hiện hữu", before=behind, after=risk),
            ],
        )
