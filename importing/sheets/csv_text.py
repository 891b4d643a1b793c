"""CSV as it is found: in whatever encoding and with whatever separator a country's Excel wrote it."""

import csv
import io
import unicodedata
from collections import Counter

from importing.sheets.grid import MOST_CHARACTERS, Cell, Unreadable

SEPARATORS = (",", ";", "\t", "|")
_LOOKED_AT = 200
"""Lines by which the separator is told."""
_MARKS = "\u0300\u0301\u0303\u0309\u0323"
"""Windows-1258 writes the tones of Vietnamese behind their letters."""


def read_text(content: bytes) -> tuple[list[list[Cell]], str]:
    """The rows, and the encoding that they were read in. Raises Unreadable."""
    text, encoding = decoded(content)
    if "\0" in text:
        raise Unreadable("FILE_UNREADABLE")
    text = unicodedata.normalize("NFC", text)
    separator, text = _separator(text)
    try:
        found = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        rows: list[list[Cell]] = [[_cell(cell) for cell in row] for row in found]
    except csv.Error as error:
        reason = "CELL_TOO_LONG" if "field larger" in str(error) else "FILE_UNREADABLE"
        raise Unreadable(reason, row="?", most=str(MOST_CHARACTERS)) from error
    return rows, encoding


def _cell(text: str) -> Cell:
    """Without the apostrophe by which a text that begins as a formula does is marked as text."""
    text = text.strip()
    return (text[1:] if text.startswith(("'=", "'+", "'-", "'@")) else text) or None


def decoded(content: bytes) -> tuple[str, str]:
    """A text and the encoding it is in: by its mark, else UTF-8 where that fits, else what Windows of Vietnam or of
    the west writes. Raises Unreadable."""
    for mark, codec, name in (
        (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
        (b"\xff\xfe", "utf-16", "UTF-16"),
        (b"\xfe\xff", "utf-16", "UTF-16"),
    ):
        if content.startswith(mark):
            try:
                return content.decode(codec), name
            except UnicodeDecodeError as error:
                raise Unreadable("ENCODING_UNKNOWN") from error
    if content[:400].count(0) > len(content[:400]) // 4:  # every second byte of plain letters
        codec = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
        try:
            return content.decode(codec), "UTF-16"
        except UnicodeDecodeError as error:
            raise Unreadable("ENCODING_UNKNOWN") from error
    try:
        return content.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        pass
    try:
        vietnamese = content.decode("cp1258")
        if _composes(vietnamese):
            return vietnamese, "Windows-1258"
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError as error:
        raise Unreadable("ENCODING_UNKNOWN") from error


def _composes(text: str) -> bool:
    """Every tone has a letter that carries it: no other language's text read as Vietnamese looks like that."""
    marks = [at for at, char in enumerate(text) if char in _MARKS]
    return bool(marks) and all(at and len(unicodedata.normalize("NFC", text[at - 1 : at + 1])) == 1 for at in marks)


def _separator(text: str) -> tuple[str, str]:
    """What stands between cells, and the text without a first line that only says so ("sep=;", as Excel takes it)."""
    first, _, rest = text.partition("\n")
    if first.strip().casefold().startswith("sep=") and len(first.strip()) == 5:
        return first.strip()[4], rest
    head = "\n".join(text.split("\n", _LOOKED_AT)[:_LOOKED_AT])
    return max(SEPARATORS, key=lambda separator: (_agreeing(head, separator), -SEPARATORS.index(separator))), text


def _agreeing(text: str, separator: str) -> int:
    """In how many cells the lines of a text agree, split at this."""
    try:
        widths = Counter(len(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row)
    except csv.Error:
        return 0
    return max((width * times for width, times in widths.items() if width > 1), default=0)
