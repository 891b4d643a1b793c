"""What can be chosen in a table, each with the words that people write for it, in small letters without marks."""

ROLES = {
    "employee": (
        "nhan vien",
        "employee",
        "user",
        "manager",
        "quan ly",
        "truong phong",
        "truong don vi",
    ),  # who leads follows from places
    "executive": ("lanh dao", "ban lanh dao", "executive"),
    "okr_master": ("okr master", "quan ly okr"),
    "admin": ("quan tri", "quan tri vien", "admin", "administrator"),
    "auditor": ("kiem toan", "kiem soat", "auditor"),
}
LEVELS = {
    "company": ("cong ty", "company", "cap cong ty"),
    "department": ("phong", "phong ban", "bo phan", "don vi", "department", "cap phong", "unit"),
    "individual": ("ca nhan", "individual", "nhan vien", "personal"),
}
KINDS = {
    "cumulative": (
        "cong don",
        "cumulative",
        "luy ke",
        "tich luy",
        "count",
        "sum",
        "accumulative",
        "accumulate",
        "adds up over the cycle",
        "cong don trong chu ky",
    ),
    "level": (
        "muc",
        "ty le",
        "diem",
        "level",
        "rate",
        "score",
        "average",
        "trung binh",
        "last value",
        "gia tri cuoi",
        "a rate or score at a time",
        "ty le hoac diem tai mot thoi diem",
    ),
    "milestone": ("moc", "cot moc", "milestone", "hoan thanh", "complete", "done or not", "xong hay chua"),
}
DIRECTIONS = {
    "increase": (
        "tang",
        "cang cao cang tot",
        "increase",
        "higher is better",
        "up",
        "max",
        "maximize",
        "maximise",
        "range threshold",
        "count threshold",
    ),
    "decrease": (
        "giam",
        "cang thap cang tot",
        "decrease",
        "lower is better",
        "down",
        "inverse threshold",
        "min",
        "minimize",
        "minimise",
    ),
    "keep": ("giu", "duy tri", "keep", "to be kept", "maintain", "on target"),
}
EFFECTS = {
    "serves": ("phuc vu", "phuc vu truoc", "phuc vu truoc het", "serves", "serves first", "first"),
    "supports": ("ho tro", "con ho tro", "supports", "support", "supports also"),
    "hinders": ("can tro", "hinders", "hinder", "xung dot", "conflicts", "conflicts with"),
}
