"""What operators read, line by line, and that no line stops who writes it."""

import io
import json
import logging
import re
import threading

import pytest
import structlog

from eventkit import logs
from eventkit.logs import OnePerSecond, frames
from eventkit.telemetry import Metrics


@pytest.fixture
def stream():
    out = io.StringIO()
    logs.set_up(stream=out)
    yield out
    logs.set_up()


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_utc_time_and_what_is_bound(stream):
    with structlog.contextvars.bound_contextvars(service="goals"):
        structlog.get_logger("nhip.test").info("đã ghi", events=3)
    [line] = lines(stream)
    assert (line["event"], line["events"], line["service"], line["level"], line["logger"]) == (
        "đã ghi",
        3,
        "goals",
        "info",
        "nhip.test",
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])
    assert "đã ghi" in stream.getvalue()


def test_other_libraries_log_into_the_same_stream(stream):
    logging.getLogger("somebody.else").warning("slow: %s", "disk")
    [line] = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("slow: disk", "warning", "somebody.else")
    assert line["timestamp"].endswith("Z")


def test_a_level_holds_for_everybody():
    stream = io.StringIO()
    logs.set_up(level="warning", stream=stream)
    structlog.get_logger("nhip.test").info("quiet")
    logging.getLogger("somebody.else").info("quiet")
    logs.set_up()
    assert not stream.getvalue()


def test_a_console_is_for_eyes():
    stream = io.StringIO()
    logs.set_up(format="console", stream=stream)
    structlog.get_logger("nhip.test").info("ready", port=5000)
    logs.set_up()
    assert "ready" in stream.getvalue()
    assert "port=5000" in stream.getvalue()


def test_set_up_again_does_not_write_twice(stream):
    logs.set_up(stream=stream)
    logging.getLogger("x").warning("once")
    assert len(lines(stream)) == 1


def unwritten() -> float:
    counted = Metrics().registry.get_sample_value("nhip_unwritten_total")
    assert counted is not None
    return counted


def test_a_line_that_cannot_be_written_is_counted_and_stops_nobody():
    gone = io.StringIO()
    logs.set_up(stream=gone)
    gone.close()
    before = unwritten()
    structlog.get_logger("nhip.test").info("ready")
    logging.getLogger("somebody.else").warning("slow")
    logs.set_up()
    assert unwritten() == before + 2


class Unsayable:
    def __str__(self) -> str:
        raise KeyError("mood of lan")

    __repr__ = __str__


@pytest.mark.parametrize("value", [{(1, 2): 3}, Unsayable()], ids=["a key that JSON has not", "what cannot be said"])
def test_of_a_line_that_cannot_be_rendered_what_is_plain_is_written_and_it_stops_nobody(
    stream: io.StringIO, value: object
):
    before = unwritten()
    structlog.get_logger("nhip.test").info("ready", events=3, what=value)
    [line] = lines(stream)
    assert (line["event"], line["events"], line["logger"], line["level"]) == ("ready", 3, "nhip.test", "info")
    assert line["unwritten"] in ("TypeError", "KeyError")
    assert "mood" not in stream.getvalue()
    assert unwritten() == before + 1


def test_a_console_does_the_same():
    stream = io.StringIO()
    logs.set_up(format="console", stream=stream)
    structlog.get_logger("nhip.test").info("ready", events=3, what=Unsayable())
    logs.set_up()
    assert re.search(r"ready .*events=3.*unwritten=KeyError", stream.getvalue())


@pytest.mark.parametrize("text", ["slow: %d", Unsayable()], ids=["what does not fit its text", "no text"])
def test_so_do_other_libraries_whose_arguments_are_told_nobody(
    stream: io.StringIO, text: object, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    ours = [handler for handler in logging.root.handlers if isinstance(handler, logs._Others)]
    monkeypatch.setattr(logging.root, "handlers", ours)  # pytest's raise
    before = unwritten()
    logging.getLogger("somebody.else").warning(text, "mood of lan")
    [line] = lines(stream)
    assert (line["event"], line["logger"]) == (text if isinstance(text, str) else "Unsayable", "somebody.else")
    assert "mood" not in capsys.readouterr().err
    assert unwritten() == before + 1


@pytest.mark.parametrize("logger", ["ours", "theirs"])
def test_a_line_that_is_written_while_another_one_is_waits_for_nobody(logger: str):
    """As by what is collected as garbage meanwhile."""

    class Interrupted(io.StringIO):
        def write(self, text: str) -> int:
            if "outer" in text:
                (structlog.get_logger if logger == "ours" else logging.getLogger)("x").warning("inner")
            return super().write(text)

    stream = Interrupted()
    logs.set_up(stream=stream)
    writing = threading.Thread(target=lambda: structlog.get_logger("x").warning("outer"), daemon=True)
    writing.start()
    writing.join(5)
    assert not writing.is_alive()
    logs.set_up()
    assert [line["event"] for line in lines(stream)] == ["inner", "outer"]


def raises(words: str) -> None:
    try:
        raise KeyError(words)
    except KeyError as error:
        raise ValueError(words) from error


@pytest.mark.parametrize("logger", ["ours", "theirs"])
def test_an_exception_is_logged_without_its_words(stream, logger):
    try:
        raises("mood of lan")
    except ValueError:
        if logger == "ours":
            structlog.get_logger("nhip.test").exception("failed")
        else:
            logging.getLogger("somebody.else").exception("failed")
    [line] = lines(stream)
    assert "mood" not in stream.getvalue()
    assert line["stack"][0] == "ValueError"
    assert "KeyError" in line["stack"]
    assert any(re.search(r"test_logs\.py:\d+ raises", frame) for frame in line["stack"])


def test_frames_of_an_exception_that_causes_itself_end():
    error = ValueError()
    error.__cause__ = error
    assert frames(error) == ["ValueError"]


def test_frames_of_several_exceptions_at_once_tell_of_each():
    assert frames(ExceptionGroup("words", [KeyError("words"), OSError()])) == [
        "ExceptionGroup",
        "  KeyError",
        "  OSError",
    ]


# --- chatty loggers --------------------------------------------------------------------------------------------------


def test_a_chatty_logger_writes_a_line_a_second_and_says_how_many_it_kept():
    now = [0.0]
    gate = OnePerSecond(clock=lambda: now[0])

    def passes(name: str) -> logging.LogRecord | None:
        record = logging.LogRecord(name, logging.ERROR, "", 0, "away", None, None)
        return record if gate.filter(record) else None

    assert passes("aiokafka.conn")
    assert not any(passes("aiokafka.conn") for _ in range(5))
    assert passes("aiokafka.cluster"), "another logger has a line of its own"
    assert all(passes("nhip.rpc") for _ in range(5)), "ours are never held back"
    now[0] = 1.0
    record = passes("aiokafka.conn")
    assert record is not None
    assert record.__dict__["dropped"] == 5
    assert gate.dropped == 5


def test_the_chatty_are_held_back_in_the_stream(stream):
    for _ in range(50):
        logging.getLogger("aiokafka.conn").error("broker away")
        logging.getLogger("faststream.access.kafka").error("broker away")
    assert len(lines(stream)) == 2
