"""The roles that can be given, in words."""

from collections.abc import Mapping

from nhip.people.v1 import types_pb2
from services.gateway.console.language import Language

ROLES = (
    types_pb2.ROLE_EXECUTIVE,
    types_pb2.ROLE_OKR_MASTER,
    types_pb2.ROLE_ADMIN,
    types_pb2.ROLE_AUDITOR,
)
"""What can be given; that somebody is an employee goes without saying."""


def role_words(language: Language) -> Mapping["types_pb2.Role.ValueType", str]:
    _ = language.gettext
    return {
        types_pb2.ROLE_EXECUTIVE: _("Executive: decides about the company's KPIs"),
        types_pb2.ROLE_OKR_MASTER: _("OKR master: sets up cycles, goals and KPIs"),
        types_pb2.ROLE_ADMIN: _("Administrator: people and settings"),
        types_pb2.ROLE_AUDITOR: _("Auditor: reads everything, changes nothing"),
    }
