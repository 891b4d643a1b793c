"""After each deed the console says what happened, once."""

import re
from datetime import UTC, datetime

import httpx
import pytest

from eventkit.directory.facts import OrgChart
from nhip.common.v1 import command_pb2
from nhip.notifications.v1 import types_pb2
from nhip.people.v1 import settings_pb2
from nhip.retros.v1 import retros_pb2
from services.gateway.features.profile.pages import KINDS
from services.gateway.service import application
from services.gateway.session import Identity
from services.gateway.upstream import Upstream
from services.people.queries.settings import page as settings_page

from .conftest import NOBODY, Backend

OWN = {"Sec-Fetch-Site": "same-origin"}
REASON = {"reason": "Lý do"}
SETTINGS = {
    **{f"email.{types_pb2.NoticeKind.Name(kind).removeprefix('NOTICE_KIND_')}": "OFF" for kind in KINDS},
    **dict.fromkeys(("quiet_from", "quiet_to", "digest_at"), "8"),
}
DEEDS: dict[str, tuple[str, dict[str, str]]] = {
    "/kpi/{kpi}/progress": ("RecordProgress", {"value": "44", "occurred_on": "2025-03-20"}),
    "/kpi/{kpi}/progress/{day}": (
        "CorrectProgress",
        {"value": "53", "before": "35", "day": "2025-03-06", "reason_class": "MISTYPED", **REASON},
    ),
    "/kpi/{kpi}/delegates": ("NameDelegate", {"person": "tram"}),
    "/kpi/{kpi}/delegates/{person}/end": ("RevokeDelegate", {}),
    "/proposals/new": (
        "ProposeChange",
        {"title": "Bớt", **REASON, "cycle_id": "q1", "kpi": "i1", "before.i1": "80", "after.i1": "50"},
    ),
    "/proposals/{proposal}/decision": ("DeclineProposal", {**REASON, "decision": "decline"}),
    "/proposals/{proposal}/words": ("CommentProposal", {"words": "Vì sao bớt?", "do": "ask"}),
    "/proposals/{proposal}/anew": ("RebaseProposal", {}),
    "/proposals/{proposal}/answer": ("AcceptInvitation", {"do": "accept"}),
    "/proposals/{proposal}/withdrawal": ("WithdrawProposal", REASON),
    "/praise": (
        "GivePraise",
        {"to": "person:nam", "about": "value:v", "words": "Hay lắm", "deed_on": "2025-03-20", "visibility": "PUBLIC"},
    ),
    "/shop/gifts/{gift}": ("RedeemGift", {}),
    "/shop/redemptions/{redemption}/refund": ("RefundRedemption", REASON),
    "/shop/counter": ("OfferGift", {"name": "Sách", "points": "200", "stock": "3"}),
    "/shop/counter/values": ("NameCoreValue", {"value": "Trách nhiệm"}),
    "/shop/counter/redemptions/{redemption}/handover": ("HandOverGift", {}),
    "/shop/counter/redemptions/{redemption}/refund": ("RefundRedemption", REASON),
    "/shop/counter/gifts/{gift}/stock": ("ChangeGiftStock", {"by": "2"}),
    "/shop/counter/gifts/{gift}/withdrawal": ("WithdrawGift", {}),
    "/inbox/read": ("ReadNotices", {}),
    "/inbox/{notice}/read": ("ReadNotices", {}),
    "/profile/email": ("ChangeEmail", {"email": "minh@x.vn"}),
    "/profile/settings": ("ChangePreferences", SETTINGS),
    "/profile/erasure": ("RequestErasure", {"understood": "1"}),
    "/checkin": ("SubmitCheckIn", {"due": "2025-03-20", "mood": "4"}),
    "/checkin/{person}/{day}": ("EvaluateCheckIn", {"submission": "1", "comment": "Tốt", "do": "evaluate"}),
    "/topics/new": ("RaiseTopic", {"title": "Duyệt giá"}),
    "/topics/{topic}": ("AnswerTopic", {"answer": "Được", "do": "answer"}),
    "/rhythm": ("SetCadence", {"first_on": "2025-03-20", "weekday": "WEEKDAY_THURSDAY", "do": "set"}),
    "/rhythm/calendar": ("EndCalendarFeed", {"do": "end"}),
    "/cycles/new": ("OpenCycle", {"name": "Quý 1", "starts_on": "2025-01-01", "ends_on": "2025-03-31"}),
    "/cycles/{cycle}/start": ("StartCycle", {}),
    "/cycles/{cycle}/close": ("CloseCycle", {}),
    "/cycles/{cycle}/reopen": ("ReopenCycle", REASON),
    "/cycles/{cycle}/withdraw": ("WithdrawCycle", REASON),
    "/cycles/{cycle}/correct": ("CorrectCycle", {"name": "Q", "starts_on": "2025-01-01", "ends_on": "2025-03-31"}),
    "/cycles/{cycle}/carry-on": ("CarryOnKpis", {"next": "q2", "choice.k1": "keep"}),
    "/meetings/new": ("CallMeeting", {"person.phuc": "1", "starts": "2025-03-21T14:00", "minutes": "30"}),
    "/meetings/{meeting}/answer": ("AnswerInvitation", {"do": "come"}),
    "/meetings/{meeting}/notes": ("WriteNote", {"part": "problem", "revision": "0", "text": "Mất 3–5 ngày"}),
    "/meetings/{meeting}/ways": ("WriteWay", {"name": "Khung tự quyết"}),
    "/meetings/{meeting}/ways/choose": ("ChooseWay", {"way": "w1"}),
    "/meetings/{meeting}/ways/{way}/remove": ("RemoveWay", {}),
    "/meetings/{meeting}/topics/{topic}": ("DiscussTopic", {"close": "1"}),
    "/meetings/{meeting}/actions": ("AgreeAction", {"what": "Gọi lại khách Beta"}),
    "/meetings/{meeting}/adjust": ("AnswerKpiQuestion", {"adjust": "no"}),
    "/meetings/{meeting}/confirm": ("ConfirmMinutes", {"seen": "3"}),
    "/meetings/{meeting}/additions": ("AddToMinutes", {"text": "Tài chính đồng ý"}),
    "/meetings/{meeting}/invite": ("InviteToMeeting", {"person": "quang"}),
    "/meetings/{meeting}/move": ("MoveMeeting", {"starts": "2025-03-21T15:00", "minutes": "30"}),
    "/meetings/{meeting}/cancel": ("CancelMeeting", REASON),
    "/actions": ("AgreeAction", {"what": "Gọi lại khách Beta", "due": "2025-03-24T17:00"}),
    "/actions/{action}/report": ("ReportAction", {}),
    "/actions/{action}/decide": ("ApproveAction", {"do": "approve"}),
    "/actions/{action}/drop": ("DropAction", {"words": "Khách đã ký"}),
    "/reviews/{cycle}/{person}/part": ("SendSelfPart", {"do": "send", "why": "a", "working": "b", "next": "c"}),
    "/reviews/{cycle}/{person}/close": ("CloseReview", {"step.i1": "keep"}),
    "/goals/new": ("SetStrategicGoal", {"name": "300 khách", "target": "300", "year": "2025"}),
    "/csfs/new": ("ChooseCsf", {"name": "Khách dùng thử", "goal.g1": "1"}),
    "/goals/{goal}": ("CorrectStrategicGoal", {"name": "300 khách", "target": "300", "year": "2025"}),
    "/goals/{goal}/value": ("RecordGoalValue", {"value": "120", "on": "2025-03-20"}),
    "/csfs/{csf}": ("CorrectCsf", {"name": "Khách dùng thử", "goal.g1": "1"}),
    "/goals/{goal}/withdrawal": ("WithdrawStrategicGoal", {"withdraw-reason": "nhầm"}),
    "/csfs/{csf}/withdrawal": ("WithdrawCsf", {"withdraw-reason": "nhầm"}),
    "/kpis/new": (
        "DefineKpi",
        {
            "name": "Demo",
            "cycle": "q1",
            "level": "COMPANY",
            "kind": "CUMULATIVE",
            "direction": "INCREASE",
            "target": "9",
        },
    ),
    "/retro/{cycle}": ("WriteStarfish", {"start": "Gửi email riêng"}),
    "/retro/{cycle}/readers": ("ShareRetro", {"do": "share"}),
    "/retro/{cycle}/teams": ("OpenTeamRetro", {"unit": "sales", "anonymous": "1"}),
    "/retro/team/{board}": ("WriteCards", {"LIKED.0": "Ngồi chung", "do": "done"}),
    "/retro/team/{board}/groups": ("GroupCards", {"card.a": "1", "card.b": "1", "name": "Họp"}),
    "/retro/team/{board}/votes": ("CastVotes", {"card": "a"}),
    "/retro/team/{board}/trials": ("ChooseTrials", {"first": "Họp mười phút"}),
    "/retro/team/{board}/verdict": ("JudgeTrial", {"of": "b0", "trial": "t1", "do": "kept"}),
    "/people/new": ("RegisterPerson", {"name": "Vân"}),
    "/people/{person}/name": ("ChangeName", {"name": "Minh Anh"}),
    "/people/{person}/title": ("ChangeTitle", {"title": "Trưởng nhóm"}),
    "/people/{person}/email": ("ChangeEmail", {"email": "minh@x.vn"}),
    "/people/{person}/employment": ("ChangeEmployment", {"code": "NV-007", "joined": "2024-01-02"}),
    "/people/{person}/place": ("AssignPlace", {"unit": "sales", "manager": "nam"}),
    "/people/{person}/roles": ("ChangeRoles", {"ROLE_ADMIN": "1", "reason": "điều phối quý 1"}),
    "/people/{person}/sign-ins/{identity}/unlinking": ("UnlinkIdentity", REASON),
    "/people/{person}/leave": ("DeactivatePerson", {"successor": "tram"}),
    "/people/{person}/return": ("ReactivatePerson", {}),
    "/people/{person}/withdrawal": ("WithdrawPerson", {"withdraw-reason": "nhầm"}),
    "/people/planned/{plan}/withdrawal": ("WithdrawPlannedChange", {}),
    "/company": ("ChangeCompany", {"name": "Công ty X", "time_zone": "Asia/Tokyo", "language": "vi"}),
    "/company/logo": ("ChangeLogo", {"do": "remove"}),
    "/settings/{setting}": ("ChangeSettings", {"value": "14", **REASON}),
    "/settings/integrations/{integration}/change": (
        "ChangeIntegration",
        {"name": "CRM", "account": "minh", "record": "1", "objects": "all", "do": "save"},
    ),
    "/settings/integrations/{integration}/stop": ("StopOldIntegrationKey", {}),
    "/settings/integrations/{integration}/revoke": ("RevokeIntegration", REASON),
    "/positions": ("OpenPosition", {"name": "Nhân viên bán hàng"}),
    "/positions/{position}/change": ("ChangePosition", {"name": "Nhân viên bán hàng"}),
    "/positions/{position}/assign": ("AssignPosition", {"person": "minh"}),
    "/positions/{position}/close": ("ClosePosition", {}),
    "/units": ("CreateUnit", {"name": "Marketing"}),
    "/units/{unit}/name": ("RenameUnit", {"name": "Bán hàng"}),
    "/units/{unit}/move": ("MoveUnit", {"parent": ""}),
    "/units/{unit}/head": ("AppointUnitHead", {"head": "phuc"}),
    "/units/{unit}/end": ("CloseUnit", {}),
    "/units/{unit}/withdrawal": ("WithdrawUnit", {"withdraw-reason": "nhầm"}),
    "/erasures/{person}/approval": ("ApproveErasure", {"name": "Minh"}),
    "/erasures/{person}/decline": ("DeclineErasure", REASON),
    "/erasures/{person}/hold": ("PlaceLegalHold", {"hold_reason": "Kiện tụng"}),
}
NO_DEEDS = {
    "/demo/token",
    "/set-up",
    "/sign-in",
    "/sign-out",
    "/proposals",
    "/proposals/preview",
    "/kpis/new/look",
    "/praise/check",
    "/praise/find",
    "/inbox/{notice}/open",
    "/settings/{setting}/effect",
    "/settings/integrations/new",
    "/settings/integrations/{integration}/rotate",
    "/import/columns",
    "/import/look",
    "/import/marked",
    "/import/write",
    "/values",
    "/values/check",
    "/retro/{cycle}/kept",
    "/retro/team/{board}/kept",
    "/checkin/draft",
}
"""They change nothing that is the reader's to know of, or show their answer at once."""


def test_every_form_of_the_console_is_here():
    app = application(Upstream({}), Identity(None, "acme"), NOBODY)
    forms = {
        route.path  # pyright: ignore[reportAttributeAccessIssue]
        for route in app.routes
        if "POST" in (getattr(route, "methods", None) or ()) and not route.path.startswith(("/v1", "/hooks"))  # pyright: ignore[reportAttributeAccessIssue]
    }  # type: ignore[attr-defined]
    assert forms - NO_DEEDS == set(DEEDS)


OF_CHECKINS = {
    "/kpi/{kpi}/progress",
    "/kpi/{kpi}/progress/{day}",
    "/kpi/{kpi}/delegates",
    "/kpi/{kpi}/delegates/{person}/end",
    "/checkin",
    "/checkin/{person}/{day}",
    "/topics/new",
    "/topics/{topic}",
    "/rhythm",
    "/rhythm/calendar",
}
OF_CHECKINS |= {path for path in DEEDS if path.startswith(("/meetings/", "/actions", "/reviews/"))}
"""Checkins is away here: tests/browser has these."""


@pytest.mark.parametrize("path", sorted(DEEDS.keys() - OF_CHECKINS))
async def test_it_says_what_was_done_on_the_next_page_and_then_no_more(
    signed_in: httpx.AsyncClient, backend: Backend, path: str
):
    method, values = DEEDS[path]
    verdicts = [command_pb2.Verdict(id="k1")] if method == "CarryOnKpis" else []
    backend.answers(method, command_pb2.Accepted(id="x", position="goals=7", verdicts=verdicts))
    backend.answers("GetSettings", settings_page(settings_pb2.GetSettings(), OrgChart(), datetime.now(UTC)))
    backend.answers("GetTeamRetro", retros_pb2.TeamRetro())
    address = re.sub(r"{\w+}", "minh", path.replace("{setting}", "stale_days"))
    done = await signed_in.post(address, data=values, headers=OWN)
    assert done.status_code == 303, re.findall(r"<(?:p|small)[^>]*>([^<]*)<", done.text)
    shown, again = await signed_in.get("/proposals"), await signed_in.get("/proposals")
    [said] = re.findall(r'<p class="said" role="status">(?:<svg.*?</svg>)?([^<]+)</p>', shown.text, re.DOTALL)
    assert len(said.strip()) > 5
    assert 'class="said"' not in again.text
