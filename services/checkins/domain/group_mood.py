"""Whose mood may be shown as a group's: of as many people as the company sets, five at least, and so that no two groups
that are shown tell the mood of fewer by subtraction (1.13). Pure."""

from collections.abc import Mapping, Sequence


def showable(members: Mapping[str, int], parents: Mapping[str, str], fewest: int) -> frozenset[str]:
    """The units whose mood is shown, by how many in each, without its parts, told theirs.

    What is left of a unit without its shown parts is nobody, or as many people again. Where it is not, the smallest
    parts are not shown.
    """
    parts: dict[str, list[str]] = {}
    units = sorted({*members, *parents})
    for unit in units:
        parts.setdefault(_parent(unit, parents), []).append(unit)
    counted: dict[str, int] = {}

    def count(unit: str) -> int:
        if unit not in counted:
            counted[unit] = members.get(unit, 0) + sum(count(part) for part in parts.get(unit, ()))
        return counted[unit]

    shown: set[str] = set()
    # A unit at the top is a group of its own: nothing around it is shown that it could be taken from.
    waiting = [unit for unit in parts.get("", ()) if count(unit) >= fewest]
    while waiting:
        unit = waiting.pop()
        shown.add(unit)
        chosen = _apart(count(unit), [(count(part), part) for part in parts.get(unit, ())], fewest)
        waiting += chosen
    return frozenset(shown)


def _apart(whole: int, parts: Sequence[tuple[int, str]], fewest: int) -> list[str]:
    """The parts that are shown beside the whole, the largest first."""
    chosen = sorted((part for part in parts if part[0] >= fewest), reverse=True)
    while chosen and 0 < whole - sum(size for size, _ in chosen) < fewest:
        chosen.pop()
    return [part for _, part in chosen]


def _parent(unit: str, parents: Mapping[str, str]) -> str:
    """Empty for one at the top, and for one that runs into itself."""
    seen, at = {unit}, parents.get(unit, "")
    while at:
        if at in seen:
            return ""
        seen.add(at)
        at = parents.get(at, "")
    return parents.get(unit, "")
