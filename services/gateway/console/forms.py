"""Forms: what was typed, what is wrong with it, and the key that makes sending it twice harmless."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import uuid4

from google.type import date_pb2, decimal_pb2  # pyright: ignore[reportMissingTypeStubs]  # a wheel without py.typed
from starlette.datastructures import UploadFile
from starlette.requests import Request

from eventkit.errors import Violation
from eventkit.values import is_taken
from services.gateway.console.language import Language, typed_decimal
from services.gateway.console.refusals import at_fields, explain, words
from services.gateway.failures import Failure

RESUMED = "resumed"
"""The field that marks a form that comes back after a new sign-in."""
_KEY = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it was sent, or as it is first shown."""

    values: Mapping[str, str] = field(default_factory=dict[str, str])
    key: str = field(default_factory=lambda: str(uuid4()))
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    """By field name; "" is the form's own."""

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def text(self, name: str) -> str:
        """What was typed, with the line ends of everybody but browsers."""
        return self[name].replace("\r\n", "\n").strip()

    def number(self, name: str, wrong: list[Violation], language: Language) -> Decimal | None:
        """A number as typed; notes in `wrong` what is none. None: nothing was typed, or no number."""
        typed = self.text(name)
        if not typed:
            return None
        value = typed_decimal(typed, language)
        if value is None:
            wrong.append(Violation(name, "NOT_A_NUMBER"))
        elif not is_taken(value):
            wrong.append(Violation(name, "TOO_MANY_DIGITS"))
            return None
        return value

    def day(self, name: str, wrong: list[Violation]) -> date | None:
        typed = self.text(name)
        if not typed:
            return None
        try:
            return date.fromisoformat(typed)
        except ValueError:
            wrong.append(Violation(name, "NOT_A_DAY"))
            return None

    def refused(self, failure: Failure, language: Language, fields: Mapping[str, str] | None = None) -> "Form":
        """The same form again, with what is wrong where it is wrong; `fields` names the form's field for a request's
        path.

        It keeps its key: nothing was carried out, and a retry of what may have been carried out must answer the first
        result.
        """
        found = at_fields(failure, language)
        placed = {
            name: text
            for path, text in found.items()
            if (name := _field_of(path, fields or {})) in self.values or not fields
        }
        general = "" if placed and len(placed) == len(found) and found else explain(failure, language)
        return Form(
            self.values, self.key if failure.away else str(uuid4()), {**placed, **({"": general} if general else {})}
        )

    def wrong(self, violations: list[Violation], language: Language) -> "Form":
        """The same form again, with what its own checks found."""
        return Form(self.values, self.key, {v.field: words(v.reason, v.parameters, language) for v in violations})


def _field_of(path: str, fields: Mapping[str, str]) -> str:
    """The form's field for a path: the longest that is known ("changes[0].after.value" → "changes[0].after")."""
    while path:
        if path in fields:
            return fields[path]
        path = path.rpartition(".")[0]
    return path


async def sent(request: Request) -> Form:
    """The form that came with a request; a file in it is passed over."""
    return (await sent_with_file(request, ""))[0]


async def sent_with_file(request: Request, file: str) -> tuple[Form, bytes]:
    """The form that came with a request, and what is in the file of a field: nothing where none was chosen. How much it
    may be, the gate says."""
    async with request.form(max_files=1, max_fields=400) as content:
        values = {name: value for name, value in content.items() if isinstance(value, str)}
        chosen = content.get(file)
        held = await chosen.read() if isinstance(chosen, UploadFile) else b""
    if file:
        values[file] = ""  # a browser does not take it back, but what is wrong with it belongs there
    request.state.resumed = bool(values.pop(RESUMED, ""))
    key = values.pop("key", "")
    return Form(values, key if _KEY.fullmatch(key) else str(uuid4())), held


def decimal_message(value: Decimal) -> decimal_pb2.Decimal:
    return decimal_pb2.Decimal(value=format(value, "f"))


def date_message(day: date) -> date_pb2.Date:
    return date_pb2.Date(year=day.year, month=day.month, day=day.day)
