"""RISE: what would make a praise better while it is written (R-05, R-06).

Hints, and nothing more: they never keep anybody from praising.

It judges by what can be seen in the words, in Vietnamese and English, and knows no grammar:

- *Regular*: the giver's last praise for this receiver was not long ago (three months, unless the tenant says another
  time). A first praise has nothing to be late after.
- *Immediate*: the deed has a day, and it was lately (within a week).
- *Specific*: long enough (40 user-perceived characters after NFC), a word for something done (wrote, called, soạn, theo
  sát …), and what
  came of it: a percentage or a number that is no date and no span of time, a word for an effect (so that, saved, nhờ,
  giảm …), or a KPI that the praise is tied to, for that says what the deed served.
- *Encouraging*: a word that opens a way forward (next, share, keep, lần tới, tiếp tục, mời …).

Praise that only says "well done" has no word of a deed, so it misses Specific however long it is.
"""

import unicodedata
from datetime import timedelta

import regex

from nhip.people.v1.settings_pb2 import Settings
from nhip.rewards.v1 import rewards_pb2 as pb

_DEEDS = """
    soạn, viết, gọi, gửi, chuẩn bị, xử lý, theo đuổi, theo sát, bám sát, chốt, ký, tư vấn, kịch bản, hướng dẫn, hỗ trợ,
    đề xuất, thiết kế, xây dựng, dựng, tổng hợp, phân tích, kể chuyện, kể lại, phối hợp, chủ động, nhận lỗi, nhận trách
    nhiệm, sửa, giải quyết, đi cùng, ghi lại, ghi chép, rút gọn, kiểm tra, rà soát, phát hiện, bàn giao, trả lời, thuyết
    phục, đàm phán, lắng nghe, đào tạo, trình bày, ở lại, nhắc, gỡ, dẫn dắt, kết nối, tìm ra, lập, làm lại, báo trước,
    báo sớm, đứng ra, gặp, chăm sóc, hỏi lại, mở lại, so sánh, đo, vận dụng, tận dụng, chia sẻ, wrote, built, called,
    prepared, handled, followed up, closed, signed, advised, guided, supported, proposed, suggested, designed, analysed,
    analyzed, told, coordinated, fixed, solved, tried, checked, found, handed over, answered, persuaded, negotiated,
    listened, trained, presented, stayed, reminded, led, took over, sent, organised, organized, tested, reviewed,
    rewrote, shortened, helped, shared, script
"""
_EFFECTS = """
    nhờ, giúp, khiến, nên, vì thế, vì vậy, kết quả, tăng, giảm, nâng, chốt được, ký được, giữ được, tiết kiệm, kịp, đạt,
    hài lòng, quay lại, gia hạn, thành công, không còn, nhanh hơn, nhiều hơn, ít hơn, dễ hơn, rõ hơn, tốt hơn, cao hơn,
    sớm hơn, đỡ, so that, because of, thanks to, as a result, resulted, led to, helped, increased, raised, reduced,
    saved, grew, won, faster, easier, fewer, more, sooner, on time, renewed, satisfied, no longer
"""
_NEXT_STEPS = """
    lần tới, lần sau, tuần tới, tuần sau, tháng tới, tháng sau, quý tới, quý sau, sắp tới, tiếp tục, tiếp theo, giữ
    vững, giữ nhịp, giữ cách, nhân rộng, chia sẻ, mời, thử thêm, thử cách, hãy, mong, áp dụng, phát huy, duy trì, kể lại
    cho, next, keep, share, invite, try, continue, would you, could you, let's, let us, show us, teach, from now on,
    build on
"""


def _any_of(listed: str) -> "regex.Pattern[str]":
    words = [" ".join(word.split()) for word in listed.split(",")]
    return regex.compile(r"\b(?:" + "|".join(map(regex.escape, sorted(words, key=len, reverse=True))) + r")\b")


_DEED, _EFFECT, _NEXT_STEP = _any_of(_DEEDS), _any_of(_EFFECTS), _any_of(_NEXT_STEPS)
_NUMBER = regex.compile(
    r"\d+(?:[.,]\d+)*\s*%"
    r"|(?<![\d/.,:-])(?<!\b(?:ngày|tháng|quý|năm|lúc|q)\s?)\d++(?:[.,]\d++)*+"
    r"(?![\d/:])(?!-\d)(?!\s*(?:ngày|tuần|tháng|năm|giờ|phút|h|days?|weeks?|months?|years?|hours?|minutes?)\b)"
)
_CLUSTER = regex.compile(r"\X")


def hints(
    words: str,
    settings: Settings,
    *,
    serves_kpi: bool,
    since_deed: timedelta | None,
    since_last: timedelta | None,
) -> list[pb.PraiseHint]:
    """The four of RISE, in its order, each with what is missing of it.

    `serves_kpi`: the praise is tied to a KPI. `since_deed`: how long ago the deed was; None: its day is not said, and a
    day to come is no deed's. `since_last`: how long ago this giver last praised this receiver; None: never yet.
    """
    text = unicodedata.normalize("NFC", words).strip()
    said = " ".join(text.casefold().split())
    long = since_last is not None and since_last >= timedelta(days=settings.praise_again_days)
    regular = [pb.RISE_HINT_LONG_SINCE_LAST] if long else []
    return [
        _hint(pb.RISE_ASPECT_REGULAR, regular),
        _hint(pb.RISE_ASPECT_IMMEDIATE, _immediate(since_deed, settings.praise_soon_days)),
        _hint(pb.RISE_ASPECT_SPECIFIC, _specific(text, said, serves_kpi, settings.praise_characters)),
        _hint(pb.RISE_ASPECT_ENCOURAGING, [] if _NEXT_STEP.search(said) else [pb.RISE_HINT_NEXT_STEP_MISSING]),
    ]


def _immediate(since_deed: timedelta | None, soon_days: int) -> list[pb.RiseHint.ValueType]:
    if since_deed is None or since_deed < timedelta():
        return [pb.RISE_HINT_DEED_DAY_MISSING]
    return [pb.RISE_HINT_DEED_LONG_AGO] if since_deed > timedelta(days=soon_days) else []


def _specific(text: str, said: str, serves_kpi: bool, shortest: int) -> list[pb.RiseHint.ValueType]:
    missing: list[pb.RiseHint.ValueType] = []
    if len(_CLUSTER.findall(text)) < shortest:
        missing.append(pb.RISE_HINT_TOO_SHORT)
    if not _DEED.search(said):
        missing.append(pb.RISE_HINT_DEED_MISSING)
    if not (serves_kpi or _NUMBER.search(said) or _EFFECT.search(said)):
        missing.append(pb.RISE_HINT_EFFECT_MISSING)
    return missing


def _hint(aspect: pb.RiseAspect.ValueType, missing: list[pb.RiseHint.ValueType]) -> pb.PraiseHint:
    return pb.PraiseHint(aspect=aspect, met=not missing, missing=missing)
