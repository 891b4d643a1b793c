"""What the console makes of praise, points and gifts."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import httpx
import pytest

from eventkit.errors import Rejected, Violation
from nhip.common.v1 import command_pb2, words_pb2
from nhip.people.v1 import people_pb2
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1 import types_pb2 as types
from services.gateway.console.directory import Directory
from services.gateway.console.forms import Form
from services.gateway.console.gifts import gift_rows
from services.gateway.console.language import Language
from services.gateway.console.links import praise_link
from services.gateway.console.visit import Visit
from services.gateway.console.wallet import wallet_page
from services.gateway.features.praise.pages import check_of, post, read
from services.gateway.features.shop.redemptions import redemption_row
from tests.browser.messages import at, day, words

from .conftest import Backend
from .test_forms import OWN

VI, EN = Language("vi"), Language("en")
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def looking(language: Language = VI, person: str = "minh") -> Visit:
    """As much of a visit as a page's words need."""
    return cast(Visit, SimpleNamespace(language=language, zone=ZONE, today=date(2025, 3, 20), person=person))


def known(language: Language = VI) -> Directory:
    people = {
        id: people_pb2.Person(person_id=id, name=words(name), active=True)
        for id, name in (("minh", "Minh"), ("phuc", "Phúc"))
    }
    people["hai"] = people_pb2.Person(person_id="hai", name=words_pb2.PersonalText(erased=True))
    return Directory(language, people, {"sales": people_pb2.Unit(unit_id="sales", name="Sales")})


# --- writing praise ---


def hints(*missing: int, points: int = 10, allowance: int = 40) -> pb.PraiseHints:
    specific = pb.PraiseHint(aspect=pb.RISE_ASPECT_SPECIFIC, met=not missing, missing=cast(Any, missing))
    regular = pb.PraiseHint(aspect=pb.RISE_ASPECT_REGULAR, met=True)
    return pb.PraiseHints(hints=[specific, regular], points=points, allowance=allowance)


def test_what_is_there_is_said_before_what_is_missing():
    shown = check_of(hints(pb.RISE_HINT_EFFECT_MISSING, pb.RISE_HINT_TOO_SHORT), VI)
    assert [(hint.met, hint.text) for hint in shown.hints] == [
        (True, "Thường xuyên"),
        (False, "Việc đó mang lại điều gì?"),
        (False, "Viết thêm một chút?"),
    ]


@pytest.mark.parametrize(
    ("reply", "spent", "send", "short"),
    [
        (hints(), False, "Send, give 10 points", False),
        (hints(points=0), False, "Send the praise", False),
        (hints(allowance=5), False, "Send without points", True),
        (hints(), True, "Send without points", True),  # the service said so, whatever was left a moment ago
    ],
)
def test_the_button_says_what_it_does(reply: pb.PraiseHints, spent: bool, send: str, short: bool):
    shown = check_of(reply, EN, spent=spent)
    assert (shown.send, bool(shown.short)) == (send, short)
    assert not (shown.short and shown.cost)


def test_a_form_names_a_person_or_a_unit_and_a_value_or_a_kpi():
    typed = {
        "to": "unit:sales",
        "about": "kpi:i1",
        "words": " Gọi khách \r\n sớm ",
        "deed_on": "2025-03-19",
        "visibility": "PRIVATE",
    }
    request, wrong = read(Form(typed))
    assert wrong == []
    assert request == pb.GivePraise(
        unit_id="sales",
        kpi_id="i1",
        words=words("Gọi khách \n sớm"),
        deed_on=day(date(2025, 3, 19)),
        visibility=types.VISIBILITY_PRIVATE,
    )
    assert read(Form({"deed_on": "hôm qua"}))[1] == [Violation("deed_on", "NOT_A_DAY")]


@pytest.mark.parametrize("typed", [{}, {"visibility": ""}, {"visibility": "KING"}])
def test_praise_is_public_only_where_the_form_says_so(typed: dict[str, str]):
    assert read(Form({"visibility": "PUBLIC"}))[0].visibility == types.VISIBILITY_PUBLIC
    assert read(Form(typed))[0].visibility == types.VISIBILITY_PRIVATE


@pytest.mark.parametrize(
    ("receivers", "kpi", "url"),
    [
        (["thao"], "i1", "/praise?to=person%3Athao&for=kpi%3Ai1#write"),
        (["minh", "thao"], "", "/praise?to=person%3Athao#write"),
        (["thao", "tram"], "i1", "/praise?for=kpi%3Ai1#write"),  # which of them is not for the console to say
        (["minh"], "", "/praise#write"),
    ],
)
def test_a_link_fills_in_what_is_known(receivers: list[str], kpi: str, url: str):
    assert praise_link(receivers, "minh", kpi=kpi) == url


def test_an_erased_giver_and_erased_words_are_shown_as_such():
    praise = pb.Praise(
        praise_id="p",
        giver_id="hai",
        unit_id="sales",
        value_name="Học hỏi",
        given_at=at(datetime(2025, 3, 20, 3, tzinfo=UTC)),
    )
    praise.words.erased = True
    shown = post(looking(), praise, known())
    assert (shown.giver.name, shown.receiver.name, shown.words, shown.hidden) == (
        "Người đã được xoá",
        "Sales",
        "(đã xoá)",
        True,
    )
    assert shown.at == "hôm nay, 10:00"
    assert (shown.points, shown.tag_kind) == ("", "value")


async def test_praise_that_the_points_do_not_reach_is_offered_without_them(
    signed_in: httpx.AsyncClient, backend: Backend
):
    for method, answer in (
        ("ListUnits", people_pb2.Units()),
        ("ListCoreValues", pb.CoreValues(values=[pb.CoreValue(value_id="v", name="Hợp tác")])),
        ("ListPraises", pb.Praises()),
        ("ListGifts", pb.Gifts()),
        ("GetWallet", pb.Wallet(allowance=5, monthly_allowance=60)),
        ("CheckPraise", pb.PraiseHints(points=10, allowance=5)),
        ("GivePraise", Rejected("ALLOWANCE_SPENT", "…", rule="R-07")),
    ):
        backend.answers(method, answer)
    typed = {
        "key": "0b0cb5a0-8df5-4a11-bf17-3e2dfe3ab0a9",
        "to": "person:thao",
        "about": "value:v",
        "words": "Cảm ơn",
        "deed_on": "2025-03-20",
    }
    page = await signed_in.post("/praise", data=typed, headers=OWN)
    assert page.status_code == 400
    assert "Khen không kèm điểm cũng đáng quý" in page.text
    assert 'name="without_points" value="1"' in page.text
    assert 'href="/language/en?next=/praise"' in page.text

    backend.answers("GivePraise", command_pb2.Accepted(id="p1", position="rewards=7"))
    sent = await signed_in.post("/praise", data=typed | {"without_points": "1"}, headers=OWN)
    assert (sent.status_code, sent.headers["location"]) == (303, "/praise#feed")
    asked = [(request, metadata) for name, request, metadata in backend.asked if name == "GivePraise"]
    assert [request.without_points for request, _ in asked if isinstance(request, pb.GivePraise)] == [False, True]
    assert dict(asked[0][1])["idempotency-key"] == typed["key"]
    assert signed_in.cookies["nhip-after"] == "rewards%3D7"


# --- points and gifts ---


@pytest.mark.parametrize(
    ("kind", "more", "sentence", "to_give"),
    [
        (pb.MOVEMENT_KIND_ALLOWANCE_SPENT, {"unit_id": "sales"}, "You praised Sales", True),
        (pb.MOVEMENT_KIND_RECEIVED, {"other_id": "phuc", "unit_id": "sales"}, "Phúc praised you", False),
        (pb.MOVEMENT_KIND_RECEIVED, {"other_id": "hai"}, "Erased person praised you", False),
        (pb.MOVEMENT_KIND_REDEEMED, {"gift_name": "Coffee"}, "Exchanged for: Coffee", False),
        (pb.MOVEMENT_KIND_ALLOWANCE_EXPIRED, {}, "The month ended: points not given", True),
    ],
)
def test_each_movement_is_a_sentence_in_its_wallet(kind: int, more: dict[str, Any], sentence: str, to_give: bool):
    moved = pb.Movement(kind=cast(Any, kind), points=-10, balance=30, at=at(datetime(2025, 3, 1, tzinfo=UTC)), **more)
    shown = wallet_page(looking(EN), pb.Wallet(movements=[moved]), known(EN)).movements[0]
    assert (shown.sentence, shown.to_give, shown.points, shown.balance) == (sentence, to_give, "−10", "30")


def test_the_two_wallets_are_told_apart():
    reply = pb.Wallet(allowance=40, monthly_allowance=60, allowance_until=day(date(2025, 3, 31)), received=130)
    reply.next_to_expire.CopyFrom(types.Lot(points=30, expires_on=day(date(2025, 6, 30))))
    shown = wallet_page(looking(), reply, known())
    assert (shown.allowance, shown.monthly, shown.renewed) == (40, 60, "01/04")
    assert (shown.received, shown.expiry) == (130, "30 điểm hết hạn 30/06/2025")


def test_the_shop_says_what_is_missing():
    gifts = [
        pb.Gift(gift_id="c", name="Ly cà phê", points=50, stock=1),
        pb.Gift(gift_id="b", name="Sách chuyên ngành", points=200, stock=3),
        pb.Gift(gift_id="t", name="Vé xem phim", points=10),
    ]
    rows = gift_rows(gifts, 180, VI)
    assert [(row.missing, row.icon) for row in rows] == [
        ("", "coffee"),
        ("còn thiếu 20 điểm", "books"),
        ("hết quà", "ticket"),
    ]


def test_what_was_handed_over_says_when_and_waits_no_more():
    redemption = pb.Redemption(
        redemption_id="r", gift_name="Ly", person_id="minh", points=50, state=pb.REDEMPTION_STATE_HANDED_OVER
    )
    redemption.redeemed_at.CopyFrom(at(datetime(2025, 3, 14, tzinfo=UTC)))
    redemption.ended_at.CopyFrom(at(datetime(2025, 3, 19, 2, tzinfo=UTC)))
    row = redemption_row(looking(), redemption, known())
    assert (row.state.word, row.waiting, row.ended, row.own) == ("Đã trao", False, "hôm qua, 09:00", True)
