"""Addresses that pages of one feature give to another's form."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode


def praise_link(receivers: Sequence[str], viewer: str, *, kpi: str = "") -> str:
    """Where somebody is praised, with what is known filled in: for whom, if it is one person, and for which KPI."""
    others = [id for id in receivers if id != viewer]
    query: dict[str, Any] = {"to": f"person:{others[0]}"} if len(others) == 1 else {}
    if kpi:
        query["for"] = f"kpi:{kpi}"
    return "/praise" + (f"?{urlencode(query)}" if query else "") + "#write"
