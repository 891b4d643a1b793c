"""What a process logs: one line per thing that happened, in one stream, without anybody's words.

Exceptions are told by their type and the places they passed through, never with their text: the text of a database
error may quote a whole row. A line that cannot be written, or not whole, stops nobody.
"""

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Literal, TextIO, cast

import structlog
from prometheus_client import Counter

CHATTY = ("aiokafka", "kafka", "faststream")
"""Loggers that write the same line many times a second while a broker is away."""

UNWRITTEN = Counter("nhip_unwritten", "Log lines that could not be written, or not whole.", registry=None)
"""Of the whole process: part of every registry."""


def frames(error: BaseException) -> list[str]:
    """Where `error` came from: `Type` and `file:line function` of it and of what caused it, outermost call first; no
    values."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(exception_name(current))
        if isinstance(current, BaseExceptionGroup):
            lines += [
                f"  {line}"
                for inner in cast(BaseExceptionGroup[BaseException], current).exceptions
                for line in frames(inner)
            ]
        lines += [
            f"  {_short(frame.filename)}:{frame.lineno} {frame.name}"
            for frame in traceback.StackSummary.extract(traceback.walk_tb(current.__traceback__), lookup_lines=False)
        ]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return lines


def exception_name(error: BaseException) -> str:
    """The full name of its type, as `asyncpg.exceptions.UniqueViolationError`."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _short(filename: str) -> str:
    parts = Path(filename).parts
    anchor = max((at for at, part in enumerate(parts) if part == "site-packages"), default=len(parts) - 4)
    return "/".join(parts[max(anchor + 1, 0) :])


def _exception_without_words(
    _logger: object, _name: str, line: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """Puts the type and the places of an exception into the line, in the stead of a traceback with its text."""
    given = line.pop("exc_info", None)
    error: object = None
    if isinstance(given, BaseException):
        error = given
    elif isinstance(given, tuple):
        error = cast(tuple[object, ...], given)[1]
    elif given:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        line["stack"] = frames(error)
    return line


class _Lines:
    """Writes lines into a stream, and has the name that they tell. What is served does not fail because its line cannot
    be written, as to a pipe that nobody reads any more: that is counted."""

    def __init__(self, out: TextIO, writing: threading.RLock, name: str):
        self._out, self._writing, self.name = out, writing, name

    def msg(self, line: str) -> None:
        try:
            with self._writing:
                self._out.write(line + "\n")
                self._out.flush()
        except (OSError, ValueError, RuntimeError):  # it was closed; it is written to while it writes
            UNWRITTEN.inc()

    debug = info = warning = error = critical = msg


def _of_whatever(render: structlog.typing.Processor) -> structlog.typing.Processor:
    """`render`, for lines with anything in them: of one that it cannot render, what is plain is written."""

    def rendered(
        logger: structlog.typing.WrappedLogger, name: str, line: MutableMapping[str, object]
    ) -> structlog.typing.ProcessorReturnValue:
        try:
            return render(logger, name, {**line})
        except Exception as error:  # whatever a value's `__str__` raises
            UNWRITTEN.inc()
            plain = {key: value for key, value in line.items() if type(value) in (str, int, float, bool)}
            return render(logger, name, {"event": "", **plain, "unwritten": exception_name(error)})

    return rendered


class _Others(logging.Handler):
    """Writes other libraries' lines, as ours are."""

    def __init__(self, lines: _Lines):
        super().__init__()
        self._lines = lines

    def createLock(self) -> None:
        self.lock = None  # who writes has one

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # as where arguments do not fit their text
            UNWRITTEN.inc()
            text = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
            line = self.format(logging.LogRecord(record.name, record.levelno, "", 0, text, None, None))
        self._lines.msg(line)


class OnePerSecond(logging.Filter):
    """Lets each of the named loggers (and those below them) write one line a second, and counts what it held back.

    The next line that passes says how many were dropped. Errors pass by the same gate: it is errors that storm.
    """

    def __init__(
        self, roots: tuple[str, ...] = CHATTY, *, seconds: float = 1.0, clock: Callable[[], float] = time.monotonic
    ):
        super().__init__()
        self._roots, self._seconds, self._clock = roots, seconds, clock
        self._last: dict[str, float] = {}
        self._held: dict[str, int] = {}
        self._lock = threading.RLock()
        self.dropped = 0
        """Lines held back since the start."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] not in self._roots:
            return True
        with self._lock:
            now = self._clock()
            if now - self._last.get(record.name, float("-inf")) < self._seconds:
                self._held[record.name] = self._held.get(record.name, 0) + 1
                self.dropped += 1
                return False
            self._last[record.name] = now
            if held := self._held.pop(record.name, 0):
                record.dropped = held
            return True


def set_up(
    *,
    level: str = "info",
    format: Literal["json", "console"] = "json",
    stream: TextIO | None = None,
) -> None:
    """Makes this process log as it should; again: anew."""
    out = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exception_without_words,
    ]
    last = _of_whatever(
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if format == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=24)
    )

    writing = threading.RLock()  # what is collected as garbage while a line is written may write one, too

    def lines(name: str = "nhip") -> _Lines:
        return _Lines(out, writing, name)

    # Our own lines do not pass through the standard library's loggers, which takes three times as long: each call
    # writes one. Other libraries' lines come from there, and are made to look the same.
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lines,
        # a logger that was made before a second set-up would keep the first one's stream
        cache_logger_on_first_use=False,
    )
    handler = _Others(lines())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(allow=("dropped",)), *shared],
        )
    )
    handler.addFilter(OnePerSecond())  # on the handler: a logger's own filter does not see what loggers below it write
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Others)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    named = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in CHATTY]
    for name in (*CHATTY, *named):
        logging.getLogger(
            name
        ).handlers.clear()  # FastStream brings handlers of its own, for loggers below its root too
        logging.getLogger(name).propagate = True
        if level != "debug":
            logging.getLogger(name).setLevel(logging.WARNING)  # a line per subscription every ten seconds says nothing
