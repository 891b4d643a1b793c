"""Company X's notices, ledger and erasures, in memory."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from google.protobuf.message import Message
from google.type import decimal_pb2

from eventkit.errors import Kind, Rejected
from nhip.audit.v1 import audit_pb2
from nhip.audit.v1 import types_pb2 as audit_types
from nhip.common.v1 import command_pb2, words_pb2
from nhip.notifications.v1 import notifications_pb2 as notices
from nhip.notifications.v1 import types_pb2 as notice_types
from nhip.people.v1 import people_pb2
from services.audit.domain import contents
from tests.browser.messages import NOW, at, day, words

WHY = "Bớt chạy số buổi, dành thời gian đọc kỹ từng khách tiềm năng."
AUDITORS = ("khanh", "nam")


def _changed(kpi: str, name: str, relation: int, before: str, after: str, unit: str) -> notices.NoticedChange:
    change = notice_types.KpiChange(
        kpi_id=kpi,
        kind=notice_types.CHANGE_KIND_TARGET_REVISED,
        relation=relation,  # pyright: ignore[reportArgumentType]
        before=decimal_pb2.Decimal(value=before),
        after=decimal_pb2.Decimal(value=after),
    )
    return notices.NoticedChange(change=change, kpi_name=name, unit=unit)


class NoticesX:
    """What `nhip.notifications.v1.Notifications` answers."""

    def __init__(self) -> None:
        self.notices: dict[str, list[notices.Notice]] = {}
        self.preferences: dict[str, notice_types.Preferences] = {}
        kinds, lowered = notice_types, datetime(2025, 3, 12, 9, 5, tzinfo=UTC)
        own, above = kinds.RELATION_OWNER, kinds.RELATION_OWNER_ABOVE
        self._tell(
            "minh", kinds.NOTICE_KIND_GIFT, datetime(2025, 3, 14, 10, tzinfo=UTC), by_id="quang", gift_name="Ly cà phê",
                points=50,
            granted=True, read=True,
        )  # fmt: skip
        self._tell(
            "minh", kinds.NOTICE_KIND_KPI_CHANGED, lowered, by_id="nam", reason=words(WHY),
                reason_class="REASON_CLASS_BOTTOM_UP",
            changes=[
                _changed("i1", "Demo · khách mới", own, "80", "50", "demo"),
                _changed("d1", "Demo sản phẩm", kinds.RELATION_OWNER_BELOW, "100", "80", "demo"),
                _changed("k1", "Đăng ký dùng thử", kinds.RELATION_OWNER_BELOW, "70", "55", "lượt"),
            ],
        )  # fmt: skip
        self._tell(
            "minh", kinds.NOTICE_KIND_PROGRESS_STALE, datetime(2025, 3, 17, 1, tzinfo=UTC), kpi_id="k-col",
                kpi_name="Bàn giao 24 giờ",
            since=day(date(2025, 2, 20)),
        )  # fmt: skip
        self._tell(
            "minh", kinds.NOTICE_KIND_PRAISE_RECEIVED, datetime(2025, 3, 20, 3, 12, tzinfo=UTC), by_id="phuc",
                praise_id="pr0",
            value_name="Trách nhiệm", points=10,
            words=words("Khách Alpha phản hồi khó, em chủ động kéo CSKH vào xử lý chứ không đổ cho ai."),
        )  # fmt: skip
        self._tell(
            "phuc", kinds.NOTICE_KIND_KPI_CHANGED, lowered, by_id="nam", reason=words(WHY),
                reason_class="REASON_CLASS_BOTTOM_UP",
            changes=[_changed("d1", "Demo sản phẩm", above, "100", "80", "demo")],
        )  # fmt: skip
        self._tell(
            "phuc", kinds.NOTICE_KIND_PRAISE_RECEIVED, datetime(2025, 3, 11, 4, tzinfo=UTC), by_id="hai",
                praise_id="pr4",
            value_name="Học hỏi", points=10, words=words_pb2.PersonalText(erased=True),
        )  # fmt: skip
        for number in range(36):
            self._tell(
                "tram", kinds.NOTICE_KIND_KPI_CHANGED, lowered - timedelta(hours=number), by_id="phuc", read=number > 3,
                changes=[_changed("i2", f"Việc thứ {number}", own, "40", "30", "demo")],
            )  # fmt: skip

    def _tell(self, person: str, kind: int, when: datetime, **more: Any) -> None:
        own = self.notices.setdefault(person, [])
        own.append(notices.Notice(notice_id=f"{person}-{len(own)}", kind=kind, given_at=at(when), **more))  # pyright: ignore[reportArgumentType]

    def _accepted(self, context: str, id: str) -> command_pb2.Accepted:
        raise NotImplementedError

    def person(self, id: str) -> people_pb2.Person:
        raise NotImplementedError

    def proposal_waits(self, id: str) -> bool:
        raise NotImplementedError

    def _own(self, actor: str) -> list[notices.Notice]:
        own = self.notices.get(actor, [])
        for notice in own:
            notice.waiting = notice.kind == notice_types.NOTICE_KIND_PROPOSAL_WAITING and self.proposal_waits(
                notice.proposal_id
            )
        return sorted(own, key=lambda notice: (not notice.waiting, -notice.given_at.seconds))

    def ListNotices(self, request: notices.ListNotices, actor: str) -> Message:
        own, start = self._own(actor), int(request.page_token or "0")
        return notices.Notices(
            notices=own[start : start + 30],
            next_page_token=str(start + 30) if len(own) > start + 30 else "",
            unread=sum(not notice.read for notice in own),
        )

    def CountNotices(self, request: Message, actor: str) -> Message:
        own = self._own(actor)
        return notices.NoticeCount(
            unread=sum(not notice.read for notice in own), waiting=sum(notice.waiting for notice in own)
        )

    def ReadNotices(self, request: notices.ReadNotices, actor: str) -> Message:
        for notice in self.notices.get(actor, []):
            notice.read = notice.read or request.all or notice.notice_id in request.notice_ids
        return self._accepted("notifications", actor)

    def GetPreferences(self, request: Message, actor: str) -> Message:
        given = self.preferences.get(actor, notice_types.Preferences())
        shown = notice_types.Preferences()
        shown.CopyFrom(given)
        for kind in notice_types.NoticeKind.values()[1:]:
            if all(channels.kind != kind for channels in given.channels):
                mode = (
                    notice_types.EMAIL_MODE_AT_ONCE
                    if kind == notice_types.NOTICE_KIND_PROPOSAL_WAITING
                    else notice_types.EMAIL_MODE_DIGEST
                )
                shown.channels.add(kind=kind, inbox=True, email=mode)
        return notices.PreferencesPage(preferences=shown, email=self.person(actor).email, email_works=True)

    def ChangePreferences(self, request: notices.ChangePreferences, actor: str) -> Message:
        self.preferences[actor] = request.preferences
        return self._accepted("notifications", actor)


@dataclass
class Event:
    """One event of the example's ledger."""

    context: str
    type: str
    stream: str
    actor: str
    when: datetime
    values: list[audit_pb2.Value]
    subjects: list[tuple[str, str]]
    append: str = ""
    cause: int | None = None


def _value(path: str, text: str, subject_kind: str = "") -> audit_pb2.Value:
    side, changed = contents.side_of(path)
    kind = audit_pb2.VALUE_KIND_UNSPECIFIED
    if text.lstrip("-").isdecimal():
        kind = audit_pb2.VALUE_KIND_NUMBER
    elif re.fullmatch(r"[A-Z]+(_[A-Z]+)+", text):
        kind = audit_pb2.VALUE_KIND_CHOICE
    return audit_pb2.Value(path=path, text=text, subject_kind=subject_kind, kind=kind, side=side, changed=changed)


def _said(path: str, **form: Any) -> audit_pb2.Value:
    return audit_pb2.Value(path=path, words=words_pb2.PersonalText(**form))


def _lowered(kpi: str, before: str, after: str) -> Event:
    return Event(
        "goals",
        "nhip.goals.v1.KpiTargetRevised",
        f"kpi/{kpi}",
        "person:nam",
        datetime(2025, 3, 12, 9, 5, tzinfo=UTC),
        [
            _value("kpi_id", kpi, "kpi"),
            _value("before", before),
            _value("after", after),
            _value("effective_on", "2025-03-12"),
            _value("proposal_id", "p3", "proposal"),
            _value("reason_class", "REASON_CLASS_BOTTOM_UP"),
        ],
        [("kpi", kpi), ("proposal", "p3")],
        "a-approval",
        5,
    )


def ledger() -> list[Event]:
    """In the order in which it was recorded."""
    people, goals, rewards, imported = (
        "nhip.people.v1.",
        "nhip.goals.v1.",
        "nhip.rewards.v1.",
        "service:importer for person:nam",
    )
    january, praise = datetime(2025, 1, 2, 1, 30, tzinfo=UTC), datetime(2025, 3, 20, 3, 12, tzinfo=UTC)
    both = [("person", "phuc"), ("person", "minh"), ("praise", "pr0")]
    return [
        Event("people", people + "PersonRegistered", "person/minh", imported, january,
              [_value("person_id", "minh", "person"), _said("name", plain="Minh"), _said("title", plain="Senior Sales"),
               _said("email", withheld=True)], [("person", "minh")]),
        Event("people", people + "PersonRegistered", "person/hai", imported, january,
              [_value("person_id", "hai", "person"), _said("name", erased=True)], [("person", "hai")]),
        Event("people", people + "PlaceAssigned", "organisation/company-x", imported, january,
              [_value("person_id", "minh", "person"), _value("after.unit_id", "sales", "unit"),
               _value("after.manager_id", "phuc", "person")],
              [("person", "minh"), ("unit", "sales")]),
        Event("goals", goals + "KpiDefined", "kpi/i1", imported, january,
              [_value("kpi_id", "i1", "kpi"), _value("name", "Demo · khách mới"), _value("measure.target", "80")],
              [("kpi", "i1")]),
        Event("goals", goals + "ChangeProposed", "proposal/p3", "person:minh", datetime(2025, 3, 11, 8, 20, tzinfo=UTC),
              [_value("proposal_id", "p3", "proposal"), _value("reason_class", "REASON_CLASS_BOTTOM_UP"),
               _said("title", plain="Bớt buổi, thêm chất lượng"), _said("reason", plain=WHY),
               _value("changes[0].kpi_id", "i1", "kpi"), _value("changes[0].before", "80"), _value("changes[0].after",
               "50"),
               _value("changes[1].kpi_id", "d1", "kpi"), _value("changes[1].before", "100"), _value("changes[1].after",
               "80")],
              [("proposal", "p3"), ("kpi", "i1"), ("kpi", "d1"), ("person", "minh")]),
        Event("goals", goals + "ProposalApproved", "proposal/p3", "person:nam", datetime(2025, 3, 12, 9, 5, tzinfo=UTC),
              [_value("proposal_id", "p3", "proposal"), _said("comment", plain="Đồng ý, xem lại sau hai tuần.")],
              [("proposal", "p3")], "a-approval", 4),
        _lowered("i1", "80", "50"),
        _lowered("d1", "100", "80"),
        _lowered("k1", "70", "55"),
        Event("rewards", rewards + "PointsCorrected", "wallet/minh", "person:quang", datetime(2025, 3, 17, 2,
            tzinfo=UTC),
              [_value("person_id", "minh", "person"), _value("before", "110"), _value("after", "120"), _said("reason",
              erased=True)],
              [("person", "minh")]),
        Event("rewards", rewards + "PraiseGiven", "praise/pr0", "person:phuc", praise,
              [_value("praise_id", "pr0", "praise"), _value("giver_id", "phuc", "person"), _value("receiver_id", "minh",
              "person"),
               _value("value_id", "trach-nhiem", "value"), _said("words", withheld=True)], both, "a-praise"),
        Event("rewards", rewards + "AllowanceSpent", "wallet/phuc", "person:phuc", praise,
              [_value("person_id", "phuc", "person"), _value("amount", "10"), _value("before", "100"), _value("after",
              "90")],
              [("person", "phuc"), ("praise", "pr0")], "a-praise"),
        Event("rewards", rewards + "PointsReceived", "wallet/minh", "person:phuc", praise,
              [_value("person_id", "minh", "person"), _value("before", "120"), _value("after", "130")],
              [("person", "minh"), ("praise", "pr0")], "a-praise"),
    ]  # fmt: skip


class LedgerX:
    """What `nhip.audit.v1.Audit` answers."""

    def __init__(self) -> None:
        self.ledger = ledger()
        self.hole: tuple[int, int] | None = None

    def _reads(self, actor: str, what: str) -> None:
        if actor not in AUDITORS:
            raise Rejected("NOT_ALLOWED", "only auditors and executives", kind=Kind.FORBIDDEN)
        values = [_value("reader_id", actor, "person"), _value("kind", what)]
        self.ledger.append(
            Event(
                "audit",
                "nhip.audit.v1.LedgerRead",
                f"reading/{actor}",
                f"person:{actor}",
                NOW,
                values,
                [("person", actor)],
            )
        )

    def _reference(self, number: int) -> audit_pb2.Reference:
        event = self.ledger[number]
        return audit_pb2.Reference(
            context=event.context,
            position=number + 1,
            event_id=f"ev{number}",
            type=event.type,
            stream=event.stream,
            actor=event.actor,
            recorded_at=at(event.when),
        )

    def _entry(self, number: int) -> audit_pb2.Entry:
        event = self.ledger[number]
        together = [
            n for n, other in enumerate(self.ledger) if n != number and event.append and other.append == event.append
        ]
        entry = audit_pb2.Entry(
            context=event.context,
            position=number + 1,
            event_id=f"ev{number}",
            type=event.type,
            stream=event.stream,
            actor=event.actor,
            recorded_at=at(event.when),
            occurred_at=at(event.when),
            subjects=[audit_pb2.Subject(kind=kind, id=id) for kind, id in event.subjects],
            values=event.values,
            append_size=1 + len(together),
            together=[self._reference(n) for n in together],
        )
        if event.cause is not None:
            entry.cause.CopyFrom(self._reference(event.cause))
        return entry

    def _fits(self, event: Event, wanted: audit_types.Filter) -> bool:
        start = getattr(wanted, "from")
        return all(
            (
                not wanted.context or wanted.context == event.context,
                not wanted.type or event.type.endswith(wanted.type),
                not wanted.actor or event.actor.endswith(wanted.actor),
                not wanted.subject_kind or any(kind == wanted.subject_kind for kind, _ in event.subjects),
                not wanted.subject_id or any(id == wanted.subject_id for _, id in event.subjects),
                not wanted.reason or any(value.text == wanted.reason for value in event.values),
                not wanted.HasField("from") or event.when >= start.ToDatetime(UTC),
                not wanted.HasField("until") or event.when < wanted.until.ToDatetime(UTC),
            )
        )

    def _page(self, numbers: list[int], token: str, size: int) -> audit_pb2.Entries:
        start = int(token or "0")
        more = str(start + size) if len(numbers) > start + size else ""
        return audit_pb2.Entries(entries=[self._entry(n) for n in numbers[start : start + size]], next_page_token=more)

    def SearchLedger(self, request: audit_pb2.SearchLedger, actor: str) -> Message:
        self._reads(actor, "READING_KIND_SEARCH")
        found = [n for n, event in enumerate(self.ledger[:-1]) if self._fits(event, request.filter)]
        return self._page(found[::-1], request.page_token, 10)

    def GetSubjectHistory(self, request: audit_pb2.GetSubjectHistory, actor: str) -> Message:
        self._reads(actor, "READING_KIND_HISTORY")
        wanted = audit_types.Filter(subject_kind=request.subject_kind, subject_id=request.subject_id)
        return self._page(
            [n for n, event in enumerate(self.ledger[:-1]) if self._fits(event, wanted)], request.page_token, 200
        )

    def ExportLedger(self, request: audit_pb2.ExportLedger, actor: str) -> Message:
        self._reads(actor, "READING_KIND_EXPORT")
        found = [n for n, event in enumerate(self.ledger[:13]) if self._fits(event, request.filter)]
        start = int(request.page_token or "0")
        lines = "".join(f'{{"position":{n + 1},"type":"{self.ledger[n].type}"}}\n' for n in found[start : start + 8])
        return audit_pb2.Exported(
            content=lines.encode(), next_page_token=str(start + 8) if len(found) > start + 8 else ""
        )

    def GetCompleteness(self, request: Message, actor: str) -> Message:
        holes = [audit_pb2.Hole(**{"from": self.hole[0], "to": self.hole[1]})] if self.hole else []
        known = {"people": 214, "goals": 1206, "checkins": 388, "rewards": 97, "notifications": 341, "audit": 12}
        return audit_pb2.Completeness(
            contexts=[
                audit_pb2.ContextCompleteness(
                    context=name, last=last, entries=last, holes=missing, complete=not missing
                )
                for name, last in known.items()
                for missing in [holes if name == "goals" else []]
            ]
        )


class ErasuresX:
    """Erasures and addresses of `nhip.people.v1.People`."""

    def __init__(self) -> None:
        self.emails = {"minh": "minh@company-x.vn", "nam": "nam@company-x.vn"}
        self.gone = {"hai"}
        self.erasures = {
            "hai": people_pb2.Erasure(
                person_id="hai",
                state=people_pb2.ERASURE_STATE_ERASED,
                requested_by="hai",
                requested_at=at(datetime(2025, 3, 12, 2, tzinfo=UTC)),
                decided_by="huong",
                decided_at=at(datetime(2025, 3, 13, 3, tzinfo=UTC)),
                erased_at=at(datetime(2025, 3, 13, 3, 1, tzinfo=UTC)),
            ),
            "tien": people_pb2.Erasure(
                person_id="tien",
                state=people_pb2.ERASURE_STATE_REQUESTED,
                requested_by="tien",
                requested_at=at(datetime(2025, 3, 18, 2, tzinfo=UTC)),
            ),
            "lan": people_pb2.Erasure(
                person_id="lan",
                state=people_pb2.ERASURE_STATE_REQUESTED,
                requested_by="lan",
                requested_at=at(datetime(2025, 3, 19, 2, tzinfo=UTC)),
                held=True,
            ),
        }

    def _accepted(self, context: str, id: str) -> command_pb2.Accepted:
        raise NotImplementedError

    def ListErasures(self, request: people_pb2.ListErasures, actor: str) -> Message:
        every = actor in ("huong", "khanh")
        mine = [one for id, one in self.erasures.items() if (every or id == actor) and request.person_id in ("", id)]
        return people_pb2.Erasures(
            erasures=[one for one in mine if not request.waiting or one.state == people_pb2.ERASURE_STATE_REQUESTED]
        )

    def ChangeEmail(self, request: people_pb2.ChangeEmail, actor: str) -> Message:
        if request.email.plain and "@" not in request.email.plain:
            raise Rejected("EMAIL_INVALID", "give one address", kind=Kind.INVALID, field="email")
        self.emails[request.person_id] = request.email.plain
        return self._accepted("people", request.person_id)

    def RequestErasure(self, request: people_pb2.RequestErasure, actor: str) -> Message:
        self.erasures[request.person_id] = people_pb2.Erasure(
            person_id=request.person_id,
            state=people_pb2.ERASURE_STATE_REQUESTED,
            requested_by=actor,
            requested_at=at(NOW),
        )
        return self._accepted("people", request.person_id)

    def ApproveErasure(self, request: people_pb2.ApproveErasure, actor: str) -> Message:
        one = self.erasures[request.person_id]
        if one.held:
            raise Rejected("LEGAL_HOLD", "a legal hold lies on this person", field="person_id")
        one.state, one.decided_by = people_pb2.ERASURE_STATE_ERASED, actor
        one.decided_at.CopyFrom(at(NOW))
        one.erased_at.CopyFrom(at(NOW))
        self.gone.add(request.person_id)
        return self._accepted("people", request.person_id)

    def PlaceLegalHold(self, request: people_pb2.PlaceLegalHold, actor: str) -> Message:
        self.erasures[request.person_id].held = True
        return self._accepted("people", request.person_id)

    def LiftLegalHold(self, request: people_pb2.LiftLegalHold, actor: str) -> Message:
        self.erasures[request.person_id].held = False
        return self._accepted("people", request.person_id)

    def DeclineErasure(self, request: people_pb2.DeclineErasure, actor: str) -> Message:
        one = self.erasures[request.person_id]
        one.state, one.decided_by = people_pb2.ERASURE_STATE_DECLINED, actor
        one.decided_at.CopyFrom(at(NOW))
        one.reason.CopyFrom(request.reason)
        return self._accepted("people", request.person_id)
