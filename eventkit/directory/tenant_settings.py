"""The numbers that a tenant sets for itself: which there are the contract says (`nhip.people.v1.Settings`), which are
in force on a day the changes. Pure.

A change is of a day and was recorded at an instant: in force on (known, day) is what was decided last of what was known
then and had begun by that day; without any the default of the contract.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

from google.protobuf.descriptor import FieldDescriptor

from eventkit.commands.aggregate import Aggregate, refuse_unknown
from eventkit.values import from_decimal, required_date
from nhip.common.v1 import options_pb2
from nhip.people.v1.events_pb2 import SettingsChanged
from nhip.people.v1.settings_pb2 import Settings

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Setting:
    """One number that a tenant may set, as the contract has it."""

    name: str
    default: Decimal
    least: Decimal
    most: Decimal
    whole: bool
    unit: str
    group: str
    above: str
    """The setting that it must be above; empty: none."""
    at_least: str
    """The setting that it must not be below; empty: none."""


@cache
def catalogue() -> Mapping[str, Setting]:
    """Every setting by its name, in the order of the contract."""
    return {field.name: _setting(field) for field in Settings.DESCRIPTOR.fields}


def _setting(field: FieldDescriptor) -> Setting:
    options = field.GetOptions()
    said, rules = options.Extensions[options_pb2.setting], options.Extensions[options_pb2.rules]
    return Setting(
        field.name,
        Decimal(said.default),
        Decimal(rules.min or 0),
        Decimal(rules.max),
        whole=field.message_type is None,
        unit=said.unit,
        group=said.group,
        above=said.above,
        at_least=said.at_least,
    )


def values_of(settings: Settings) -> dict[str, Decimal]:
    """Those that are set, by name."""
    return {
        name: Decimal(getattr(settings, name) if each.whole else getattr(settings, name).value)
        for name, each in catalogue().items()
        if settings.HasField(name)  # type: ignore[arg-type] # of the contract
    }


def settings_of(values: Mapping[str, Decimal]) -> Settings:
    """The same as the contract has it."""
    known = catalogue()
    given = {name: int(value) if known[name].whole else from_decimal(value) for name, value in values.items()}
    return Settings(**given)  # type: ignore[arg-type] # by the fields' names


@dataclass(frozen=True, slots=True)
class Change:
    """One setting of one decision."""

    name: str
    value: Decimal | None
    """None: the default, whatever it will be."""
    effective_on: date
    recorded_at: datetime = _NEVER


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """A tenant's settings with all that was ever decided about them, in that order."""

    changes: tuple[Change, ...] = ()

    def on(self, day: date, known: datetime | None = None) -> Settings:
        """Every setting as it is in force on a day, by what was known at an instant; None: by all that is known."""
        return settings_of({name: self.value(name, day, known) for name in catalogue()})

    def value(self, name: str, day: date, known: datetime | None = None) -> Decimal:
        last = self.last(name, day, known)
        return catalogue()[name].default if last is None or last.value is None else last.value

    def last(self, name: str, day: date, known: datetime | None = None) -> Change | None:
        """What put it into force as it is on a day; None: nothing ever did."""
        for change in reversed(self.changes):
            if change.name == name and change.effective_on <= day and (known is None or change.recorded_at <= known):
                return change
        return None

    def ahead(self, day: date, name: str = "", known: datetime | None = None) -> list[Change]:
        """What will come into force after a day, the next first: of what was decided for the same days the last."""
        found: list[Change] = []
        seen: dict[str, date] = {}
        for change in reversed(self.changes):
            if name not in ("", change.name) or (known is not None and change.recorded_at > known):
                continue
            if change.effective_on < seen.get(change.name, date.max):  # a later decision holds from its day on
                seen[change.name] = change.effective_on
                if change.effective_on > day:
                    found.append(change)
        return sorted(found, key=lambda change: change.effective_on)


def changes_of(event: SettingsChanged) -> Iterator[Change]:
    """What one event changes; settings that this version does not know are none of its."""
    after = values_of(event.after)
    for name, value in after.items():
        back = name in event.to_default
        yield Change(name, None if back else value, required_date(event.effective_on))


def evolve(settings: TenantSettings, event: SettingsChanged) -> TenantSettings:
    match event:
        case SettingsChanged():
            return TenantSettings((*settings.changes, *changes_of(event)))
        case _:
            refuse_unknown(event)


SETTINGS = Aggregate("settings", TenantSettings(), evolve)
THE_SETTINGS = "all"
"""The id of a tenant's one stream of settings."""
