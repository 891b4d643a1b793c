"""The tables that can be brought in: their fields, how people head the columns of them, and what stands in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from eventkit.names import plain_words
from importing.sheets.choices import DIRECTIONS, KINDS, LEVELS, ROLES

Kind = Literal["text", "names", "lines", "number", "aim", "percent", "whole", "day", "choice", "choices", "threshold"]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a column may be."""

    name: str
    kind: Kind = "text"
    headed: tuple[str, ...] = ()
    """How columns of it are headed, in small letters without marks; the first ones fit best."""
    required: bool = False
    among: Mapping[str, tuple[str, ...]] | None = None
    """Of a choice: its values, each with the words that people write for it."""
    fixed: bool = False
    """May be said once for all rows, where the file has no column for it."""
    part_of: str = ""
    """It is a part of another field, and joined to it in the order of the columns."""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    fields: tuple[Field, ...]
    needs: tuple[str, ...]
    """The calls that bring it in, as "people.RegisterPerson": who may not make the first of them cannot import it."""
    of_cycle: bool = False
    """Its rows belong to a cycle, which is chosen."""

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def __contains__(self, name: str) -> bool:
        return any(field.name == name for field in self.fields)


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

PEOPLE = Table(
    "people",
    (
        Field(
            "code",
            headed=(
                "ma nhan vien",
                "ma nv",
                "manv",
                "ma so",
                "ma so nhan vien",
                "employee code",
                "employee id",
                "staff code",
                "staff id",
                "msnv",
                "ma",
                "code",
            ),
        ),
        Field(
            "name",
            required=True,
            headed=(
                "ho va ten",
                "ho ten",
                "ten",
                "ten nhan vien",
                "full name",
                "name",
                "employee name",
                "nhan vien",
                "first name",
                "firstname",
                "given name",
            ),
        ),
        Field(
            "family",
            headed=(
                "ho va ten dem",
                "ho ten dem",
                "ho va dem",
                "ho dem",
                "ho va chu dem",
                "ho",
                "last name",
                "lastname",
                "family name",
                "surname",
            ),
            part_of="name",
        ),
        Field(
            "email", headed=("email", "e mail", "thu dien tu", "mail", "dia chi email", "email cong ty", "work email")
        ),
        Field(
            "title",
            headed=(
                "chuc danh",
                "chuc vu",
                "vi tri",
                "vi tri cong viec",
                "title",
                "job title",
                "position",
                "role code",
            ),
        ),
        Field(
            "unit",
            headed=(
                "phong ban",
                "phong",
                "don vi",
                "bo phan",
                "department",
                "department code",
                "unit",
                "khoi",
                "phong bo phan",
                "chi nhanh",
                "khu vuc",
                "team",
            ),
        ),
        Field(
            "manager",
            headed=(
                "quan ly truc tiep",
                "quan ly",
                "nguoi quan ly",
                "cap tren",
                "cap tren truc tiep",
                "bao cao cho",
                "ma quan ly",
                "manager",
                "line manager",
                "manager employee code",
                "reports to",
                "manager email",
            ),
        ),
        Field("roles", "choices", headed=("quyen", "vai tro", "vai tro he thong", "roles", "permissions"), among=ROLES),
        Field(
            "joined_on",
            "day",
            headed=(
                "ngay vao lam",
                "ngay vao",
                "ngay bat dau",
                "ngay nhan viec",
                "join date",
                "joined on",
                "start date",
                "hire date",
            ),
        ),
    ),
    ("people.BatchRegisterPeople",),
)
UNITS = Table(
    "units",
    (
        Field(
            "name",
            required=True,
            headed=(
                "ten don vi",
                "ten phong ban",
                "ten phong",
                "ten bo phan",
                "phong ban",
                "don vi",
                "bo phan",
                "name",
                "unit name",
                "department name",
                "unit",
                "department",
                "ten",
            ),
        ),
        Field(
            "parent",
            headed=(
                "thuoc",
                "thuoc don vi",
                "don vi cap tren",
                "don vi cha",
                "truc thuoc",
                "parent",
                "parent unit",
                "parent department",
                "part of",
            ),
        ),
        Field(
            "head",
            headed=(
                "truong don vi",
                "truong phong",
                "truong bo phan",
                "nguoi dung dau",
                "phu trach",
                "head",
                "unit head",
                "head of department",
                "manager",
            ),
        ),
    ),
    ("people.CreateUnit",),
)
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
        Field("why", headed=_WHY),
    ),
    ("goals.AlignKpi",),
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


def heading(text: str) -> str:
    """A column's heading as headings are compared: without case, marks and punctuation."""
    return plain_words(text)
