"""What operators get to see."""

import asyncio
import io
import json
import logging
import re
import socket
import ssl
from pathlib import Path

import httpx
import pytest
import structlog
from opentelemetry import trace

from deploy.certificates import Authority
from eventkit import telemetry
from eventkit.process.metrics_page import MetricsServer
from eventkit.telemetry import Metrics, OnePerSecond, current_trace_id, current_traceparent, frames, span

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def stream():
    out = io.StringIO()
    telemetry.set_up(stream=out)
    yield out
    telemetry.set_up()


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
    telemetry.set_up(level="warning", stream=stream)
    structlog.get_logger("nhip.test").info("quiet")
    logging.getLogger("somebody.else").info("quiet")
    telemetry.set_up()
    assert not stream.getvalue()


def test_a_console_is_for_eyes():
    stream = io.StringIO()
    telemetry.set_up(format="console", stream=stream)
    structlog.get_logger("nhip.test").info("ready", port=5000)
    telemetry.set_up()
    assert "ready" in stream.getvalue()
    assert "port=5000" in stream.getvalue()


def test_set_up_again_does_not_write_twice(stream):
    telemetry.set_up(stream=stream)
    logging.getLogger("x").warning("once")
    assert len(lines(stream)) == 1


def test_a_line_that_cannot_be_written_is_counted_and_stops_nobody():
    gone = io.StringIO()
    telemetry.set_up(stream=gone)
    gone.close()
    metrics = Metrics().registry
    before = metrics.get_sample_value("nhip_unwritten_total")
    structlog.get_logger("nhip.test").info("ready")
    telemetry.set_up()
    assert before is not None
    assert metrics.get_sample_value("nhip_unwritten_total") == before + 1


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
    assert any(re.search(r"test_telemetry\.py:\d+ raises", frame) for frame in line["stack"])


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


# --- traces ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["traced", "untraced"])
def traced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody receives the spans, or nobody."""
    monkeypatch.setattr(telemetry, "_traced", request.param)


@pytest.mark.usefixtures("traced")
def test_outside_of_a_span_there_is_no_trace():
    assert current_traceparent() == current_trace_id() == ""


@pytest.mark.usefixtures("traced")
def test_a_span_goes_on_from_where_the_caller_was(stream):
    with span("outer", GIVEN, subscription="kpi"):
        assert current_trace_id() == "0af7651916cd43dd8448eb211c80319c"
        outer = current_traceparent()
        with span("inner"):
            assert current_trace_id() == "0af7651916cd43dd8448eb211c80319c"
            assert current_traceparent() != outer
        assert current_traceparent() == outer


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("traceparent", [None, "", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_a_span_without_a_caller_begins_a_trace(stream, traceparent):
    with span("first", traceparent):
        assert re.fullmatch(r"[0-9a-f]{32}", current_trace_id())


@pytest.mark.usefixtures("traced")
async def test_tasks_keep_their_spans_apart(stream):
    async def one() -> str:
        with span("one", None):
            await asyncio.sleep(0)
            return current_trace_id()

    assert len(set(await asyncio.gather(*(one() for _ in range(10))))) == 10


def test_a_span_tells_of_an_error_only_its_type(stream, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(telemetry, "_traced", True)
    with pytest.raises(ValueError, match="mood"), span("failing") as current:
        raise ValueError("mood of lan")
    assert isinstance(current, trace.Span)
    assert current.status.description == "ValueError"  # type: ignore[attr-defined]
    assert not current.events  # type: ignore[attr-defined]


# --- metrics ---------------------------------------------------------------------------------------------------------


def test_metrics_have_a_page_on_a_port_of_their_own():
    metrics = Metrics()
    metrics.events_appended.labels("goals").inc(3)
    server = MetricsServer(metrics)
    port = server.start()
    try:
        page = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    finally:
        server.stop()
    assert 'nhip_events_appended_total{context="goals"} 3.0' in page
    assert "nhip_rpc_in_flight 0.0" in page


def test_metrics_are_fetched_by_https_with_the_certificate_of_the_moment(tmp_path: Path):
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new", "others")
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"

    def shown_by(authority: Authority) -> None:
        pair = authority.pair("metrics", "127.0.0.1")
        certificate.write_bytes(pair.certificate.read_bytes())
        key.write_bytes(pair.key.read_bytes())

    def fetch(authority: Authority) -> str:
        trusting = ssl.create_default_context(cafile=authority.file)
        return httpx.get(f"https://127.0.0.1:{port}/metrics", verify=trusting).text

    shown_by(old)
    server = MetricsServer(Metrics(), pair=(certificate, key))
    port = server.start()
    silent = socket.create_connection(("127.0.0.1", port))
    try:
        assert "nhip_rpc_in_flight" in fetch(old)
        shown_by(new)
        assert "nhip_rpc_in_flight" in fetch(new)
        with pytest.raises(httpx.ConnectError, match="certificate"):
            fetch(old)
        key.write_text("half of a ke")
        assert "nhip_rpc_in_flight" in fetch(new)
    finally:
        server.stop()  # also while somebody is connected who says nothing
        silent.close()


def test_a_taken_port_is_named():
    first = MetricsServer(Metrics())
    port = first.start()
    try:
        with pytest.raises(OSError, match=f"metrics cannot listen on 127.0.0.1:{port}"):
            MetricsServer(Metrics(), port=port).start()
    finally:
        first.stop()


def test_two_processes_worth_of_metrics_fit_into_one():
    assert Metrics().registry is not Metrics().registry
