"""A setting as the contract asks for it: the field that its name says."""

from decimal import Decimal

from nhip.people.v1.settings_pb2 import Settings
from services.gateway.console.forms import decimal_message


def is_whole(name: str) -> bool:
    field = Settings.DESCRIPTOR.fields_by_name.get(name)
    return field is not None and field.message_type is None


def settings_with(name: str, value: Decimal) -> Settings:
    """That one set and no other. Raises ValueError for what no field can hold."""
    return Settings(**{name: int(value) if is_whole(name) else decimal_message(value)})  # type: ignore[arg-type] # by the field's name
