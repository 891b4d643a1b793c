"""Every reason for which something is refused has words for people, in both languages."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grpc

import eventkit
import services
from eventkit.errors import Kind, Rejected, Violation
from eventkit.rpc.errors import failure, rejection, to_status
from services.gateway.console.language import Language
from services.gateway.console.refusals import PARTS, at_fields, explain, reasons, words
from services.gateway.failures import of_rejection
from tests.parsing import parsed

VI, EN = Language("vi"), Language("en")
ROOMS = [Path(room.__path__[0]) for room in (eventkit, services)]
REASON_AT = {"Rejected": 0, "invalid": 0, "Failure": 1, "Violation": 1, "unknown": 0}
"""What raises or answers a refusal, and which of its arguments is the reason."""
PROGRAMS_ONLY = (
    "eventkit/process/operations.py",  # `nhip` and operators ask there
    "eventkit/process/together.py",
    "eventkit/rpc/integrations.py",
    "eventkit/rpc/metadata.py",  # headers, which the console sets itself
    "services/checkins/domain/delivery.py",  # what a source sent, which is answered there
    "services/gateway/hooks.py",
    "services/people/domain/synced.py",  # what a directory said, which is answered there
    "services/people/queries/synced.py",
    "services/people/sync_api.py",
    "services/people/wanted.py",
    "services/gateway/json_api.py",
    "services/gateway/scim/filters.py",  # what a directory asked, which is answered there
    "services/gateway/scim/groups.py",
    "services/gateway/scim/people.py",
    "services/gateway/scim/routes.py",
    "services/gateway/transcoding.py",
)
PASSED_ON = ("info.reason", "refused.reason", "error.reason", "one.reason", "reason", "said", "code")
"""Reasons that were raised elsewhere, and are only carried."""
COMPUTED = {
    ("services/goals/domain/alignment.py", "kind.removesuffix('_id')"): ("CSF_UNKNOWN", "GOAL_UNKNOWN"),
    ("eventkit/errors.py", "f'{kind.upper()}_UNKNOWN'"): (),  # `unknown` itself: its callers say of what
}
_REASON = re.compile(r"[A-Z]+(_[A-Z]+)+|MISSING|INTERNAL")


def raised() -> Iterator[tuple[str, str]]:
    """(reason, where) of everything that can be refused."""
    for room in ROOMS:
        for file in sorted(room.rglob("*.py")):
            where = file.relative_to(room.parent).as_posix()
            if where in PROGRAMS_ONLY:
                continue
            tree = parsed(file.read_text())
            for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
                name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                if name not in REASON_AT or len(call.args) <= REASON_AT[name]:
                    continue
                argument = call.args[REASON_AT[name]]
                for reason in _reasons(argument, tree, where):
                    yield (f"{reason.upper()}_UNKNOWN" if name == "unknown" and reason.islower() else reason), where


def _reasons(argument: ast.expr, tree: ast.Module, where: str) -> Iterator[str]:
    if isinstance(argument, ast.Constant):
        yield str(argument.value)
    elif isinstance(argument, ast.IfExp):
        yield from _reasons(argument.body, tree, where)
        yield from _reasons(argument.orelse, tree, where)
    elif (where, ast.unparse(argument)) in COMPUTED:
        yield from COMPUTED[where, ast.unparse(argument)]
    elif isinstance(argument, ast.Name) and argument.id.isupper():
        yield from (
            str(node.value.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and ast.unparse(node.targets[0]) == argument.id
        )
    else:
        # A helper that is given its reason: whatever in this module looks like one may be it.
        assert ast.unparse(argument) in PASSED_ON, f"{where}: say which reasons {ast.unparse(argument)} can be"
        if where != "services/gateway/failures.py":
            yield from (
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and _REASON.fullmatch(node.value)
                if not node.value.startswith("NHIP_")  # a setting
            )


def test_every_reason_that_is_raised_has_words():
    known = reasons(EN)
    missing = sorted({f"{reason} ({where})" for reason, where in raised() if reason not in known})
    assert missing == []


def test_the_walk_finds_what_is_raised():
    found = {reason for reason, _ in raised()}
    assert {"PROPOSAL_STALE", "KPI_UNKNOWN", "GOAL_YEAR", "LAST_EXECUTIVE", "TOO_LONG", "TOKEN_EXPIRED"} <= found
    assert len(found) > 100


def test_what_a_rule_measures_by_arrives_and_is_said_as_people_write_it():
    wrong = (
        Violation("name", "TOO_LONG", "must have at most 1200 characters", {"most": "1200"}),
        Violation("weight", "OUT_OF_RANGE", "must be from 0.5 to 100", {"least": "0.5", "most": "100"}),
    )
    refused = Rejected("FIELDS_INVALID", "…", kind=Kind.INVALID, violations=wrong)
    arrived = of_rejection(over_the_wire(refused))
    assert arrived.violations == wrong
    assert at_fields(arrived, VI) == {"name": "Tối đa 1.200 ký tự.", "weight": "Từ 0,5 đến 100."}
    assert at_fields(arrived, EN) == {"name": "At most 1,200 characters.", "weight": "From 0.5 to 100."}
    assert explain(arrived, EN) == "At most 1,200 characters. From 0.5 to 100."


def test_a_refusals_own_parameters_arrive_and_are_its_fields_too():
    refused = Rejected("TOO_LARGE", "…", field="by", parameters={"most": "3"})
    arrived = of_rejection(over_the_wire(refused))
    assert (arrived.parameters, at_fields(arrived, EN)) == ({"most": "3"}, {"by": "3 or less."})
    assert arrived.as_json()["error"]["violations"] == [
        {"field": "by", "reason": "TOO_LARGE", "message": "…", "parameters": {"most": "3"}}
    ]


def test_a_reason_of_another_version_is_said_as_far_as_it_is_known():
    assert words("TOO_LONG", {}, EN) == "At most … characters."
    assert words("NEVER_HEARD_OF", {}, EN) == ""


def over_the_wire(refused: Rejected) -> Rejected:
    status = to_status(failure(refused))
    trailers = grpc.aio.Metadata(*status.trailing_metadata)
    error = grpc.aio.AioRpcError(status.code, grpc.aio.Metadata(), trailers, details=status.details)
    arrived = rejection(error)
    assert arrived is not None
    return arrived


def test_each_reason_has_its_words_in_one_place():
    said = Counter(reason for part in PARTS for reason in part.reasons(EN))
    assert [reason for reason, times in said.items() if times > 1] == []
