"""What operators get to see."""

import asyncio
import io
import re
import socket
import ssl
from pathlib import Path

import httpx
import pytest
from opentelemetry import trace

from deploy.certificates import Authority
from eventkit import telemetry
from eventkit.process.metrics_page import MetricsServer
from eventkit.telemetry import Metrics, current_trace_id, current_traceparent, span

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def stream():
    out = io.StringIO()
    telemetry.set_up(stream=out)
    yield out
    telemetry.set_up()


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
