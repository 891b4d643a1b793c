"""Company X's integrations: programs that read and bring values in, as the page of them shows."""

from datetime import UTC, date, datetime

from google.protobuf.message import Message

from eventkit.errors import unknown
from nhip.checkins.v1 import polls_pb2
from nhip.common.v1 import command_pb2, operations_pb2, words_pb2
from nhip.people.v1 import integrations_pb2 as pb
from tests.browser.messages import NOW, at, day, words

READ, RECORD = pb.INTEGRATION_VERB_READ, pb.INTEGRATION_VERB_RECORD
BOTH = (READ, RECORD)
TABLE = pb.PolledTable(
    url="https://docs.google.com/spreadsheets/d/e/2PACX/pub?output=csv",
    every_minutes=60,
    kpi_column="Chỉ số",
    value_column="Thực tế",
    day_column="Ngày",
    numbers="vi",
    days="dmy",
)


def _one(id: str, name: str, hint: str, on: date, scope: pb.IntegrationScope, **given: object) -> pb.Integration:
    made = datetime(on.year, on.month, on.day, 2, tzinfo=UTC)
    facts = pb.IntegrationFacts(name=name, account_id="minh", scope=scope)
    return pb.Integration(
        integration_id=id,
        integration=facts,
        key_hint=hint,
        key_made_at=at(made),
        made_by="person:huong",
        made_at=at(made),
        account_name=words("Minh"),
        account_active=True,
        **given,  # type: ignore[arg-type] # fields by name
    )


class IntegrationsX:
    """What `nhip.people.v1.People` makes of commands about integrations."""

    def __init__(self) -> None:
        demos = pb.IntegrationScope(verbs=[RECORD], kpi_ids=["i1", "i2", "d1"])
        listed = [
            _one("crm", "CRM, số buổi demo", "m3Pa", date(2025, 1, 6), demos),
            _one("bi", "Power BI, báo cáo tuần", "x91B", date(2025, 1, 13), pb.IntegrationScope(verbs=[READ])),
            _one("sheet", "Google Sheets của CSKH", "Tt0e", date(2025, 1, 15), pb.IntegrationScope(verbs=[RECORD])),
            _one(
                "try", "Google Sheets thử nghiệm", "pK4u", date(2025, 1, 2), pb.IntegrationScope(verbs=[READ, RECORD])
            ),
            _one(
                "script",
                "Script của phòng Kỹ thuật",
                "a0Zc",
                date(2025, 1, 2),
                pb.IntegrationScope(verbs=[READ]),
                revoked_at=at(datetime(2025, 3, 1, 3, tzinfo=UTC)),
                revoked_by="person:huong",
                reason=words("đã chuyển sang Power BI"),
            ),
        ]
        crm, bi, sheet = listed[:3]
        crm.old_key_hint = "7Qd2"
        crm.old_key_until.CopyFrom(at(datetime(2025, 3, 22, 10, tzinfo=UTC)))
        crm.integration.source_names.add(called="Demo khách mới", kpi_id="i1")
        bi.integration.expires_on.CopyFrom(day(date(2026, 1, 13)))
        sheet.integration.scope.unit_ids.append("cskh")
        sheet.integration.polled.CopyFrom(TABLE)
        self.integrations = {one.integration_id: one for one in listed}

    def _accepted(self, context: str, id: str) -> command_pb2.Accepted:
        raise NotImplementedError

    def _integration(self, id: str) -> pb.Integration:
        if id not in self.integrations:
            raise unknown("integration", id, "integration_id")
        return self.integrations[id]

    def MakeIntegration(self, request: pb.MakeIntegration, actor: str) -> Message:
        id = f"integration-{len(self.integrations)}"
        made = _one(id, request.integration.name, request.key.hint, NOW.date(), request.integration.scope)
        made.integration.CopyFrom(request.integration)
        self.integrations[id] = made
        return self._accepted("people", id)

    def ChangeIntegration(self, request: pb.ChangeIntegration, actor: str) -> Message:
        self._integration(request.integration_id).integration.CopyFrom(request.integration)
        return self._accepted("people", request.integration_id)

    def RotateIntegrationKey(self, request: pb.RotateIntegrationKey, actor: str) -> Message:
        one = self._integration(request.integration_id)
        one.old_key_hint, one.key_hint = one.key_hint, request.key.hint
        return self._accepted("people", request.integration_id)

    def StopOldIntegrationKey(self, request: pb.StopOldIntegrationKey, actor: str) -> Message:
        self._integration(request.integration_id).old_key_hint = ""
        return self._accepted("people", request.integration_id)

    def RevokeIntegration(self, request: pb.RevokeIntegration, actor: str) -> Message:
        one = self._integration(request.integration_id)
        one.revoked_at.CopyFrom(at(NOW))
        one.revoked_by = f"person:{actor}"
        one.reason.CopyFrom(words_pb2.PersonalText(plain=request.reason.plain))
        return self._accepted("people", request.integration_id)

    def ListIntegrations(self, request: pb.ListIntegrations, actor: str) -> Message:
        return pb.Integrations(integrations=self.integrations.values())

    def GetIntegration(self, request: pb.GetIntegration, actor: str) -> Message:
        return self._integration(request.integration_id)

    def GetSigningSecret(self, request: pb.GetSigningSecret, actor: str) -> Message:
        return pb.SigningSecret(
            secret="whsec_" + "MfKQ9r8G" * 5 + "KYo=", path=f"/hooks/company-x/{request.integration_id}"
        )

    def ListIntegrationUse(self, request: operations_pb2.ListIntegrationUse, actor: str) -> Message:
        last = {
            "crm": (datetime(2025, 3, 20, 4, 56, tzinfo=UTC), 201),
            "bi": (datetime(2025, 3, 19, 23, 0, tzinfo=UTC), 4),
            "try": (datetime(2025, 1, 4, 3, 0, tzinfo=UTC), 0),
            "script": (datetime(2025, 2, 28, 3, 0, tzinfo=UTC), 0),
        }
        return operations_pb2.IntegrationUses(
            uses=[
                operations_pb2.IntegrationUse(integration_id=id, last_at=at(moment), calls=calls)
                for id, (moment, calls) in last.items()
                if request.integration_id in ("", id)
            ]
        )

    def ListPolls(self, request: polls_pb2.ListPolls, actor: str) -> Message:
        if request.integration_id != "sheet":
            return polls_pb2.Polls()
        faults = [
            polls_pb2.PollFault(row=7, called="Khách gia hạn", reason="NO_NUMBER"),
            polls_pb2.PollFault(row=9, called="Ticket trễ hạn", reason="OUT_OF_SCOPE"),
        ]
        return polls_pb2.Polls(
            polls=[
                polls_pb2.Poll(at=at(datetime(2025, 3, 20, 4, 10, tzinfo=UTC)), taken=3, refused=2, faults=faults),
                polls_pb2.Poll(
                    at=at(datetime(2025, 3, 19, 4, 10, tzinfo=UTC)),
                    unchanged_at=at(datetime(2025, 3, 20, 3, 10, tzinfo=UTC)),
                    fault="SOURCE_ANSWERS",
                    parameters={"status": "404"},
                ),
                polls_pb2.Poll(at=at(datetime(2025, 3, 18, 4, 10, tzinfo=UTC)), taken=12),
            ]
        )
