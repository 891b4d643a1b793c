"""Refusals of rewards, by their reasons."""

from services.gateway.console.language import Language


def reasons(language: Language) -> dict[str, str]:
    _ = language.gettext
    return {
        "VALUE_EXISTS": _("There is a core value of this name already."),
        "PRICE_MISSING": _("Say how many points it costs: one or more."),
        "ALLOWANCE_SPENT": _("There are not enough points to give this month. Praise without points counts as much."),
        "SELF_PRAISE": _("Praise somebody else: nobody praises themselves."),
        "RECEIVER_MISSING": _("Say whom you praise: a person or a unit."),
        "UNIT_EMPTY": _("Nobody is in this unit: name another one, or a person."),
        "TIE_MISSING": _("Say what it is for: a core value or a KPI."),
        "DEED_TO_COME": _("The deed must have happened: today or earlier."),
        "BALANCE_TOO_LOW": _("There are not enough points for this."),
        "OUT_OF_STOCK": _("There is none left of this gift: choose another one."),
        "STOCK_TOO_LOW": _("There are not as many in stock: at most what is there can be taken."),
        "GIFT_WITHDRAWN": _("This gift is not offered any more: choose another one."),
        "GIFT_UNKNOWN": _("This gift is not in the shop."),
        "REDEMPTION_UNKNOWN": _("There is no such exchange."),
        "GIFT_HANDED_OVER": _("This gift was handed over already: its points stay spent."),
        "REDEMPTION_REFUNDED": _("The points went back already: this gift stays in the shop."),
        "OWN_GIFT": _("Nobody hands a gift to themselves: ask somebody else who keeps the shop."),
        "NOT_YOUR_REDEMPTION": _("Only who exchanged their points, or who keeps the shop, undoes it."),
        "VALUE_UNKNOWN": _("There is no such core value."),
        "GIVER_MISSING": _("Say who gave this praise."),
        "GIVER_NAMED": _("Everybody gives their own praise."),
        "RECEIVER_TWICE": _("Name a person or a unit, not both."),
        "TIE_TWICE": _("Name a core value or a KPI, not both."),
        "OWN_POINTS": _("Nobody corrects their own points: ask another administrator."),
        "NOTHING_CORRECTED": _("Say how many points are added, or taken with a minus."),
    }
