"""The numbers of a tenant: changed from a day on, each in its range and none against another. One stream per tenant, so
that two changes at once never contradict each other."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.directory.tenant_settings import (
    SETTINGS,
    THE_SETTINGS,
    Setting,
    TenantSettings,
    catalogue,
    settings_of,
    values_of,
)
from eventkit.errors import Kind, Rejected
from eventkit.values import from_date, plain, to_date
from nhip.people.v1.events_pb2 import SettingsChanged
from nhip.people.v1.settings_pb2 import ChangeSettings

HERE = SETTINGS(THE_SETTINGS)


def change(settings: TenantSettings, command: ChangeSettings, tenant: str, today: date) -> Decision:
    """From a day on, tomorrow unless another is given: what was decided about the same settings for days after it gives
    way. What is so already, and stays so, is no change."""
    effective_on = to_date(command.effective_on) or today + timedelta(days=1)
    if effective_on < today:
        raise Rejected(
            "EFFECTIVE_IN_THE_PAST",
            f"give today ({today}) or a later day: what was judged stays judged as it was",
            kind=Kind.INVALID,
            field="effective_on",
            parameters={"today": str(today)},
        )
    wanted = _wanted(command)
    changed = {name: value for name, value in wanted.items() if _moves(settings, name, value, effective_on)}
    if not changed:
        return []
    _refuse_contradictions(settings, changed, effective_on, command)
    known = catalogue()
    return [
        StreamEvent(
            HERE,
            SettingsChanged(
                tenant_id=tenant,
                before=settings_of({name: settings.value(name, effective_on) for name in changed}),
                after=settings_of({n: known[n].default if value is None else value for n, value in changed.items()}),
                to_default=[name for name, value in changed.items() if value is None],
                effective_on=from_date(effective_on),
                reason=command.reason,
            ),
        )
    ]


def _wanted(command: ChangeSettings) -> dict[str, Decimal | None]:
    """What the command asks for, by name; None: the default, which the same number is, too."""
    wanted: dict[str, Decimal | None] = {
        name: None if value == catalogue()[name].default else value for name, value in values_of(command.values).items()
    }
    for at, name in enumerate(command.to_default):
        field = f"to_default[{at}]"
        if name not in catalogue():
            raise Rejected("SETTING_UNKNOWN", f"name one of {', '.join(catalogue())}", kind=Kind.INVALID, field=field)
        if name in wanted:
            raise Rejected("SETTING_TWICE", "name each setting once", kind=Kind.INVALID, field=field)
        wanted[name] = None
    if not wanted:
        raise Rejected("SETTINGS_MISSING", "give a number that is to change", kind=Kind.INVALID, field="values")
    return wanted


def _moves(settings: TenantSettings, name: str, value: Decimal | None, effective_on: date) -> bool:
    last = settings.last(name, effective_on)
    return (last.value if last else None) != value or bool(settings.ahead(effective_on, name))


def _refuse_contradictions(
    settings: TenantSettings, changed: Mapping[str, Decimal | None], effective_on: date, command: ChangeSettings
) -> None:
    """On the day of the change, and on each later one on which something else comes into force."""
    known = catalogue()
    later = {change.effective_on for change in settings.ahead(effective_on) if change.name not in changed}
    for day in (effective_on, *sorted(later)):
        values = {name: settings.value(name, day) for name in known}
        for name, value in changed.items():
            values[name] = known[name].default if value is None else value
        for setting in known.values():
            for other in _below(setting):
                low, high = values[other], values[setting.name]
                wrong = high < low or (high == low and other == setting.above)
                if wrong and changed.keys() & {setting.name, other}:
                    raise _contradiction(setting, other, low, high, command, day)


def _below(setting: Setting) -> Iterable[str]:
    return filter(None, (setting.above, setting.at_least))


def _contradiction(
    setting: Setting, other: str, low: Decimal, high: Decimal, command: ChangeSettings, day: date
) -> Rejected:
    """Named where the command says it: of two that it changes, the higher one."""
    strictly, given = other == setting.above, values_of(command.values)
    if setting.name in given or setting.name in command.to_default:
        name, than, bound = setting.name, other, low
        reason, words = ("SETTING_NOT_ABOVE", "above") if strictly else ("SETTING_BELOW", "at least")
    else:
        name, than, bound = other, setting.name, high
        reason, words = ("SETTING_NOT_BELOW", "below") if strictly else ("SETTING_ABOVE", "at most")
    return Rejected(
        reason,
        f"must be {words} {than}, which is {plain(bound)} on {day}; change that one too, or first",
        field=f"values.{name}" if name in given else f"to_default[{list(command.to_default).index(name)}]",
        parameters={"other_setting": than, "bound": plain(bound), "on": str(day)},
    )
