"""The tables that can be brought in: their fields, how people head the columns of them, and what stands in them."""

from collections.abc import Mapping

from importing.sheets.choices import DIRECTIONS, EFFECTS, KINDS, LEVELS
from importing.sheets.staff_tables import PEOPLE, UNITS
from importing.sheets.table import Field, Table

LEFT_OF_FIVE = tuple(f"level_{number}" for number in range(1, 6))
"""Five thresholds, of which three are made: from the second level's edge a result is acceptable, from the third's it
meets, from the fourth's (the fifth's where the fourth has none) it exceeds."""

_PARENT = ("kpi cap tren", "phuc vu", "muc tieu cap tren", "dong gop cho", "parent", "parent kpi", "serves", "supports")
_UNIT_OF_MEASURE = (
    "dvt",
    "uom",
    "don vi tinh",
    "don vi do",
    "measurement unit",
    "measured in",
    "unit of measure",
    "unit",
)
_WHY = ("vi sao", "ly do", "y nghia", "why", "rationale")

GOALS = Table(
    "goals",
    (
        Field(
            "name",
            required=True,
            headed=("muc tieu chien luoc", "ten muc tieu", "strategic goal", "goal", "ten", "name", "muc tieu"),
        ),
        Field("year", "whole", required=True, fixed=True, headed=("nam", "year")),
        Field(
            "target", "number", required=True, headed=("chi tieu", "gia tri", "con so", "target", "value", "muc tieu")
        ),
        Field("measured_in", headed=_UNIT_OF_MEASURE),
    ),
    ("goals.SetStrategicGoal",),
)
CSFS = Table(
    "csfs",
    (
        Field(
            "name",
            required=True,
            headed=(
                "yeu to thanh cong",
                "yeu to",
                "yeu to thanh cong then chot",
                "csf",
                "success factor",
                "critical success factor",
                "name",
                "ten",
            ),
        ),
        Field(
            "supports",
            "names",
            required=True,
            fixed=True,
            headed=("muc tieu chien luoc", "muc tieu", "phuc vu", "goal", "goals", "strategic goal", "supports"),
        ),
        Field("why", headed=_WHY),
    ),
    ("goals.ChooseCsf",),
)
KPIS = Table(
    "kpis",
    (
        Field("code", headed=("ma kpi", "ma chi tieu", "ma", "kpi code", "criterion code", "code")),
        Field(
            "name",
            required=True,
            headed=(
                "ten kpi",
                "ten chi tieu",
                "chi tieu danh gia",
                "tieu chi",
                "kpi name",
                "criterion name",
                "kpi",
                "name",
                "ten",
            ),
        ),
        Field(
            "statement",
            headed=("mo ta", "phat bieu", "cau phat bieu", "dien giai", "statement", "description", "whole sentence"),
        ),
        Field(
            "owners",
            "names",
            fixed=True,
            headed=(
                "nguoi chiu trach nhiem",
                "chu kpi",
                "nguoi thuc hien",
                "ma nv",
                "ma nhan vien",
                "ho va ten",
                "ho ten",
                "nhan vien",
                "owner",
                "owners",
                "employee code",
                "employee",
                "assignee",
                "who answers for it",
            ),
        ),
        Field(
            "everyone",
            fixed=True,
            headed=(
                "ap dung cho",
                "doi tuong",
                "vi tri ap dung",
                "applicable role",
                "applies to",
                "one for each person of title unit all",
            ),
        ),
        Field(
            "unit",
            fixed=True,
            headed=(
                "phong ban",
                "phong",
                "don vi",
                "bo phan",
                "department",
                "department code",
                "khoi",
                "unit name",
                "unit",
            ),
        ),
        Field("level", "choice", fixed=True, headed=("cap", "cap kpi", "cap do", "level", "kpi level"), among=LEVELS),
        Field(
            "kind",
            "choice",
            fixed=True,
            headed=("loai", "loai chi so", "loai so", "loai so do", "kieu", "kind", "kind of number", "measure kind"),
            among=KINDS,
        ),
        Field(
            "direction",
            "choice",
            fixed=True,
            headed=(
                "huong",
                "xu huong",
                "chieu",
                "direction",
                "which way is good",
                "huong tot",
                "rule type",
                "polarity",
            ),
            among=DIRECTIONS,
        ),
        Field("measured_in", headed=_UNIT_OF_MEASURE),
        Field(
            "baseline", "number", headed=("nen", "gia tri nen", "muc nen", "ky truoc", "thuc hien ky truoc", "baseline")
        ),
        Field(
            "target",
            "aim",
            required=True,
            headed=("muc tieu", "chi tieu", "ke hoach", "gia tri muc tieu", "target", "goal"),
        ),
        Field("floor", "number", headed=("muc san", "san", "nguong", "toi thieu", "floor", "threshold", "minimum")),
        Field("stretch", "number", headed=("muc vuot", "vuot", "thach thuc", "stretch", "maximum")),
        Field("weight", "percent", headed=("trong so", "ty trong", "weight", "weight percent", "weight a")),
        Field("parent", headed=_PARENT),
        Field("why", headed=_WHY),
        Field("cycle", headed=("ky", "quy", "chu ky", "cycle", "quarter", "quarter code", "period")),
        *(
            Field(
                name,
                "threshold",
                headed=(
                    f"level {name[-1]} threshold",
                    f"muc {name[-1]}",
                    f"nguong {name[-1]}",
                    f"level {name[-1]}",
                    f"bac {name[-1]}",
                ),
            )
            for name in LEFT_OF_FIVE
        ),
    ),
    ("goals.BatchDefineKpis",),
    of_cycle=True,
)
LINKS = Table(
    "links",
    (
        Field("kpi", required=True, headed=("kpi", "ten kpi", "kpi name", "chi tieu", "ten chi tieu")),
        Field(
            "owner",
            headed=(
                "nguoi chiu trach nhiem",
                "chu kpi",
                "ma nv",
                "ho va ten",
                "owner",
                "employee code",
                "kpi cua ai",
                "whose kpi",
            ),
        ),
        Field("parent", required=True, headed=_PARENT),
        Field(
            "effect",
            "choice",
            headed=(
                "tac dong",
                "tac dong phuc vu ho tro can tro",
                "effect serves supports hinders",
                "effect",
                "kind of link",
            ),
            among=EFFECTS,
        ),
        Field(
            "share",
            "percent",
            headed=("chia se", "phan chia se", "phan tinh vao do", "share", "share counted there", "share percent"),
        ),
        Field("why", headed=_WHY),
    ),
    ("goals.ChangeKpi",),
    of_cycle=True,
)
VALUES = Table(
    "values",
    (
        Field("kpi", required=True, headed=("kpi", "ten kpi", "kpi name", "chi tieu", "ten chi tieu")),
        Field(
            "owner",
            headed=(
                "nguoi chiu trach nhiem",
                "chu kpi",
                "ma nv",
                "ma nhan vien",
                "ho va ten",
                "owner",
                "employee code",
                "kpi cua ai",
                "whose kpi",
            ),
        ),
        Field("day", "day", required=True, fixed=True, headed=("ngay", "ngay ghi", "den ngay", "day", "date", "as of")),
        Field(
            "value",
            "number",
            required=True,
            headed=("gia tri", "thuc hien", "ket qua", "so thuc te", "value", "actual", "result"),
        ),
        Field("confidence", "whole", headed=("do tu tin", "tu tin", "confidence")),
        Field("note", headed=("ghi chu", "nhan xet", "note", "comment")),
        Field("confirmed", headed=("dung du trong nhu go nham", "right although it looks mistyped", "confirmed")),
    ),
    ("checkins.BatchRecordProgress",),
    of_cycle=True,
)
CHECK_INS = Table(
    "check_ins",
    (
        Field(
            "person",
            required=True,
            headed=(
                "nhan vien",
                "ma nv",
                "ma nhan vien",
                "ho va ten",
                "ho ten",
                "nguoi check in",
                "employee",
                "employee code",
                "person",
                "who",
                "who checked in",
                "full name",
            ),
        ),
        Field(
            "day",
            "day",
            required=True,
            fixed=True,
            headed=("ngay", "ngay check in", "ky check in", "han check in", "day", "date", "check in date", "due on"),
        ),
        Field(
            "made_on",
            "day",
            fixed=True,
            headed=(
                "ngay da lam",
                "ngay gui",
                "day on which it was made",
                "gui luc",
                "made on",
                "submitted on",
                "sent on",
                "submitted at",
            ),
        ),
        Field("mood", "whole", headed=("tam trang", "cam xuc", "mood", "feeling", "mood 1 5")),
        Field("done", "lines", headed=("viec da lam", "da lam", "done", "what was done")),
        Field("not_done", "lines", headed=("viec chua lam", "chua lam", "not done", "what was not done")),
        Field("planned", "lines", headed=("viec se lam", "se lam", "ke hoach", "planned", "next", "what is next")),
        Field("blockers", "lines", headed=("tro ngai", "dang vuong", "vuong mac", "blockers", "in the way")),
        Field("learnings", headed=("dieu hoc duoc", "bai hoc", "learnings", "what was learned")),
        Field("kpi", headed=("kpi", "ten kpi", "kpi name", "chi tieu", "ten chi tieu")),
        Field("value", "number", headed=("gia tri", "thuc hien", "ket qua", "so thuc te", "value", "actual", "result")),
        Field("confidence", "whole", headed=("do tu tin", "tu tin", "confidence")),
        Field("note", headed=("ghi chu", "nhan xet", "note", "comment")),
        Field("confirmed", headed=("dung du trong nhu go nham", "right although it looks mistyped", "confirmed")),
    ),
    ("checkins.BatchSubmitCheckIns",),
    of_cycle=True,
)
_ALL = (UNITS, PEOPLE, GOALS, CSFS, KPIS, LINKS, VALUES, CHECK_INS)
TABLES: Mapping[str, Table] = {table.name: table for table in _ALL}
"""In the order in which a company is brought in: what is named is there before what names it."""
