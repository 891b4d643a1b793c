"""Who may call what of people."""

from collections.abc import Mapping

from eventkit.directory.integrations import EVERYTHING, READ
from eventkit.rpc.access import AUDITOR, Allow, anyone, roles, services
from services.people.company_api import ACCESS as COMPANY_ACCESS
from services.people.integration_api import ACCESS as INTEGRATION_ACCESS
from services.people.position_api import ACCESS as POSITION_ACCESS

_ADMIN = roles("admin", services=("importer", "operator"))
_READ = anyone(services=("importer", "operator", "gateway"))
ACCESS: Mapping[str, Allow] = {
    "CreateTenant": services("operator"),
    "CreateUnit": _ADMIN,
    "RenameUnit": _ADMIN,
    "MoveUnit": _ADMIN,
    "CloseUnit": roles("admin", services=("operator",)),
    "WithdrawUnit": roles("admin", services=("operator",)),
    "AppointUnitHead": _ADMIN,
    "RegisterPerson": _ADMIN,
    "BatchRegisterPeople": _ADMIN,
    "AssignPlace": _ADMIN,
    # An import registers people with their roles; what they have afterwards is people's to decide.
    "ChangeRoles": roles("admin", services=("operator",)),
    "ChangeName": _ADMIN,
    "ChangeTitle": _ADMIN,
    "ChangeEmployment": _ADMIN,
    "DeactivatePerson": roles("admin", services=("operator",)),
    "ReactivatePerson": roles("admin", services=("operator",)),
    "WithdrawPerson": roles("admin", services=("operator",)),
    # One's own, or for an administrator anybody's: the decisions check.
    "ChangeEmail": anyone(services=("importer", "operator"), own=True),
    "RequestErasure": anyone(services=("operator",), own=True),
    "ApproveErasure": roles("admin", services=("operator",)),
    "DeclineErasure": roles("admin", services=("operator",)),
    "PlaceLegalHold": roles("admin", services=("operator",)),
    "LiftLegalHold": roles("admin", services=("operator",)),
    "ListErasures": anyone(services=("operator",), others=("admin", AUDITOR)),
    "PreviewLeaving": roles("admin", services=("operator",)),
    # Who is to leave or to rise is not told before.
    "PlanChange": roles("admin", services=("operator",)),
    "WithdrawPlannedChange": roles("admin", services=("operator",)),
    "ListPlannedChanges": roles("admin", AUDITOR, services=("operator",)),
    **COMPANY_ACCESS,
    **INTEGRATION_ACCESS,
    **POSITION_ACCESS,
    "ListUnits": _READ.and_integrations(READ, EVERYTHING),
    "ListPeople": _READ,
    # Who sets KPIs of others names them in a table by what the table calls them.
    "FindPeopleByEmail": roles(
        "admin", "executive", "okr_master", "department_head", "manager", services=("importer", "operator")
    ),
    "GetOrganisation": anyone(),
    "GetPerson": _READ,
}
