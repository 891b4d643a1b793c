"""Who leads whom, for what is said in private (1.13): one's direct manager, or who stands in for them."""

from eventkit.directory.facts import OrgChart


def direct_manager(person_id: str, org: OrgChart) -> str:
    """The direct manager, or who stands in for them; empty: nobody (C-15)."""
    return leading(org.manager(person_id), person_id, org)


def leading(manager_id: str, person_id: str, org: OrgChart) -> str:
    """Who reads and answers today what somebody said to a manager: that one while they are here, else who stands in for
    them, else the next above the person. Never the person; empty: nobody."""
    if not manager_id:
        return ""
    stands_in = org.standing_in(manager_id)
    if stands_in and stands_in != person_id:
        return stands_in
    return next((manager for manager in org.managers(person_id) if org.is_active(manager)), "")


def reports(manager_id: str, org: OrgChart) -> list[str]:
    """The active people whose direct manager somebody is."""
    return [
        person
        for person, place in org.places.items()
        if place.manager_id
        and (place.manager_id == manager_id or not org.is_active(place.manager_id))
        and org.is_active(person)
        and direct_manager(person, org) == manager_id
    ]
