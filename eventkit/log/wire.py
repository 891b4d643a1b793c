"""Events as bytes: a protobuf message and its full name."""

from uuid import UUID

from google.protobuf import symbol_database
from google.protobuf.message import Message

from eventkit.privacy.words import blank_copied, refuse_plain


def type_name(message: Message) -> str:
    """The wire name of an event: its message's full name, version included."""
    return message.DESCRIPTOR.full_name


def encode(message: Message) -> bytes:
    """The bytes to keep. Raises `PlainWords` for personal words that are not sealed: no log takes them."""
    refuse_plain(message)
    return message.SerializeToString(deterministic=True)


def read(type: str, data: bytes, id: UUID) -> Message | None:
    """The event of that id: as `decode`, and words that were sealed for another event or field are unreadable in it."""
    message = decode(type, data)
    if message is not None:
        blank_copied(message, id)
    return message


def is_known(type: str) -> bool:
    """Some contract that this process knows has it."""
    try:
        symbol_database.Default().GetSymbol(type)
    except KeyError:
        return False
    return True


def decode(type: str, data: bytes) -> Message | None:
    """The message; None when no contract that this process knows has such a type.

    Raises `DecodeError` for bytes that are none.
    """
    try:
        message_class = symbol_database.Default().GetSymbol(type)
    except KeyError:
        return None
    message = message_class()
    message.ParseFromString(data)
    return message
