"""Settings as the page shows them: what each is called, what is in force beside the default, and how it came."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from eventkit.directory.tenant_settings import catalogue
from eventkit.names import plain_letters
from eventkit.values import to_datetime
from nhip.people.v1 import settings_pb2
from services.gateway.console.cards import Avatar
from services.gateway.console.directory import Directory
from services.gateway.console.language import Language, date_of, decimal_of
from services.gateway.console.setting_words import group_words, setting_name, setting_value, setting_words, unit_word
from services.gateway.console.visit import Visit


@dataclass(frozen=True, slots=True)
class View:
    """Which settings a page shows; kept in its address."""

    group: str = ""
    text: str = ""
    changed: bool = False

    def url(self, open: str = "") -> str:
        asked = {"group": self.group, "text": self.text, "changed": "1" if self.changed else "", "open": open}
        query = urlencode({name: value for name, value in asked.items() if value})
        return "/settings" + (f"?{query}" if query else "") + (f"#{open}" if open else "")


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    label: str
    effect: str
    group: str
    value: str
    number: str
    """As it is typed."""
    unit: str
    default: str
    own: bool
    since: str
    next: str
    """What lies ahead: "25 % points from 21/03/2025"; empty: nothing."""
    bounds: str
    """Between which numbers it may be, and which other it must be above or below."""


@dataclass(frozen=True, slots=True)
class Group:
    key: str
    name: str
    about: str
    icon: str
    own: int
    """How many of it the company says itself."""
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Past:
    """One change of a setting."""

    label: str
    before: str
    after: str
    to_default: bool
    who: Avatar
    when: str
    effective_on: str
    reason: str


def rows(page: settings_pb2.SettingsPage, language: Language) -> list[Row]:
    words = setting_words(language)
    found: list[Row] = []
    for state in page.settings:
        known = words.get(state.name)
        if known is None:
            continue  # of a newer version, which this one has no words and no field for
        value, default, next_value = (decimal_of(state, name) for name in ("value", "default", "next_value"))
        assert value is not None
        assert default is not None
        ahead = ""
        if next_value is not None:
            shown = setting_value(next_value, state.unit, language)
            ahead = language.gettext("%(value)s from %(day)s on") % {
                "value": shown,
                "day": language.day(date_of(state, "next_on")),
            }
        found.append(
            Row(
                name=state.name,
                label=known.name,
                effect=known.effect,
                group=state.group,
                value=setting_value(value, state.unit, language),
                number=language.number(value),
                unit=unit_word(value, state.unit, language),
                default=setting_value(default, state.unit, language),
                own=state.own,
                since=language.short_day(date_of(state, "since")),
                next=ahead,
                bounds=_bounds(state, page, language),
            )
        )
    return found


def _bounds(state: settings_pb2.SettingState, page: settings_pb2.SettingsPage, language: Language) -> str:
    _ = language.gettext
    least, most = (language.number(decimal_of(state, name)) for name in ("least", "most"))
    found = [_("From %(least)s to %(most)s") % {"least": least, "most": most}]
    values = {one.name: language.number(decimal_of(one, "value")) for one in page.settings}
    for setting in catalogue().values():
        for other, is_above in ((setting.above, True), (setting.at_least, False)):
            if other and other in values and state.name in (setting.name, other):
                name = other if state.name == setting.name else setting.name
                text = {
                    (True, True): _("above %(name)s (%(value)s)"),
                    (True, False): _("at least %(name)s (%(value)s)"),
                    (False, True): _("below %(name)s (%(value)s)"),
                    (False, False): _("at most %(name)s (%(value)s)"),
                }[state.name == setting.name, is_above]
                found.append(text % {"name": setting_name(name, language), "value": values.get(name, "")})
    return ", ".join(found) + "."


def groups(all: Sequence[Row], language: Language) -> list[Group]:
    """Every group with all of its settings, in the order of the words."""
    found: list[Group] = []
    for key, words in group_words(language).items():
        of_group = [row for row in all if row.group == key]
        if of_group:
            own = sum(row.own for row in of_group)
            found.append(Group(key, words.name, words.about, words.icon, own, of_group))
    return found


def shown(all: Sequence[Group], view: View) -> list[Group]:
    """What a view leaves of the groups: of one group its settings, else what it searches for, in whichever group."""
    sought = plain_letters(view.text)

    def wanted(group: Group, row: Row) -> bool:
        if view.changed and not (row.own or row.next):
            return False
        if sought:
            return all_in(sought, f"{row.label} {row.effect} {group.name}")
        return view.changed or group.key == view.group

    left = [(group, [row for row in group.rows if wanted(group, row)]) for group in all]
    return [Group(group.key, group.name, group.about, group.icon, group.own, rows) for group, rows in left if rows]


def all_in(sought: str, text: str) -> bool:
    found = plain_letters(text)
    return all(word in found for word in sought.split())


def elsewhere(all: Sequence[Group], view: View) -> list[Row]:
    """What the company says itself in other groups than the one that is shown: to be gone through in one look."""
    if view.text or view.changed:
        return []
    return [row for group in all if group.key != view.group for row in group.rows if row.own]


def past(changes: settings_pb2.SettingChanges, units: dict[str, str], who: Directory, visit: Visit) -> list[Past]:
    """A page of changes, the newest first; `units`: by the names of settings."""
    language, words = visit.language, setting_words(visit.language)
    found: list[Past] = []
    for change in changes.changes:
        before, after = decimal_of(change, "before"), decimal_of(change, "after")
        assert before is not None
        assert after is not None
        unit = units.get(change.name, "")
        known = words.get(change.name)
        found.append(
            Past(
                label=known.name if known else change.name,
                before=language.number(before),
                after=setting_value(after, unit, language),
                to_default=change.to_default,
                who=who.person(change.by),
                when=language.instant(to_datetime(change.recorded_at), visit.zone),
                effective_on=language.day(date_of(change, "effective_on")),
                reason=language.words(change.reason),
            )
        )
    return found
