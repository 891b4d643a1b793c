"""What a process tells its operators: metrics, traces and, by `logs`, one line per thing that happened.

Nothing here may carry personal words: an exception is traced as its type.
"""

import importlib
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from typing import Literal, TextIO, cast

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from eventkit import logs
from eventkit.logs import UNWRITTEN, exception_name

_W3C = TraceContextTextMapPropagator()

UNSHOWN = Counter(
    "nhip_unshown",
    "Stored things that a page or a mail could not show; the rest of it was shown.",
    ("what",),
    registry=None,
)
"""Of the whole process: counted wherever something is shown, and part of every registry."""
OVERLOADED = Counter(
    "nhip_overloaded", "Calls and requests refused because too many others stood in line.", registry=None
)
"""Of the whole process, too: a refusal for load has no line in the log."""


def unshown(what: str, id: str, error: Exception) -> None:
    """Something stored cannot be shown: the log says which and why, a metric counts it, and whoever asked gets the
    rest."""
    UNSHOWN.labels(what).inc()
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger("nhip.unshown")
    log.error("unshown", what=what, id=id, exc_info=error)


def set_up(
    *,
    level: str = "info",
    format: Literal["json", "console"] = "json",
    service: str = "nhip",
    stream: TextIO | None = None,
) -> None:
    """Makes this process log as it should, and gives it a tracer. Called once, by who starts the process; again: anew.

    `service` names the process in traces.
    """
    logs.set_up(level=level, format=format, stream=stream)
    _set_up_traces(service)


# --- traces ----------------------------------------------------------------------------------------------------------


def _set_up_traces(service: str) -> None:
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return  # OpenTelemetry takes one provider per process
    trace.set_tracer_provider(TracerProvider(resource=Resource.create({"service.name": service})))
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        if exporter := _otlp_exporter():
            trace_to(BatchSpanProcessor(exporter))
        else:
            log: structlog.typing.FilteringBoundLogger = structlog.get_logger("nhip.telemetry")
            log.warning(
                "traces are not exported",
                why="an OTLP endpoint is set, but no opentelemetry-exporter-otlp is installed",
            )


_traced = False


def is_traced() -> bool:
    """Whether anybody receives this process's spans."""
    return _traced


def trace_to(processor: SpanProcessor) -> None:
    """From now on the spans of this process, which was `set_up`, are received."""
    global _traced
    cast(TracerProvider, trace.get_tracer_provider()).add_span_processor(processor)
    _traced = True


def _otlp_exporter() -> SpanExporter | None:
    for transport in ("http", "grpc"):
        try:
            module = importlib.import_module(f"opentelemetry.exporter.otlp.proto.{transport}.trace_exporter")
        except ImportError:
            continue
        return cast(SpanExporter, module.OTLPSpanExporter())
    return None


@contextmanager
def span(
    name: str,
    traceparent: str | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    **attributes: str | int | float | bool,
) -> Generator[Span]:
    """A piece of work as a span: under `traceparent` (W3C) where one is given and well-formed, else under the current
    span.

    Where nobody receives spans it is no more than a `traceparent` of its own, which costs a tenth.
    """
    if not _traced:
        outer = _untraced.set(_below(traceparent or _untraced.get()))
        try:
            yield trace.INVALID_SPAN
        finally:
            _untraced.reset(outer)
        return
    parent = _W3C.extract({"traceparent": traceparent}) if traceparent else None
    tracer = trace.get_tracer("nhip")
    # An exception's text and its recording would carry words into the traces; its type is enough.
    with tracer.start_as_current_span(
        name, context=parent, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            current.set_status(Status(StatusCode.ERROR, exception_name(error)))
            raise


_untraced: ContextVar[str] = ContextVar("traceparent", default="")
"""The current span's, where nobody receives spans."""
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


def _below(traceparent: str) -> str:
    """A span below another one, or the first of a trace where that is none."""
    given = _TRACEPARENT.fullmatch(traceparent)
    if given is None or not int(given[1], 16) or not int(given[2], 16) or traceparent.startswith("ff"):
        return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"
    return f"00-{given[1]}-{os.urandom(8).hex()}-{given[3]}"


def current_traceparent() -> str:
    """The current span as a W3C `traceparent`; empty outside of any."""
    if not _traced:
        return _untraced.get()
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get("traceparent", "")


def current_trace_id() -> str:
    """The current trace's id, 32 hexadecimal digits; empty outside of any."""
    return current_traceparent()[3:35]


# --- metrics ---------------------------------------------------------------------------------------------------------

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Every metric of a process, in a registry of its own. Labels are few and never name a tenant or a person."""

    def __init__(self, registry: CollectorRegistry | None = None):
        self.registry = registry or CollectorRegistry()
        to = self.registry
        self.build_info = Gauge(
            "nhip_build_info", "1, with the version that this process is of.", ("version",), registry=to
        )
        self.build_info.labels(version("nhip")).set(1)
        self.rpc_handled = Counter(
            "nhip_rpc_handled", "RPCs answered, by method and status code.", ("method", "code"), registry=to
        )
        self.rpc_seconds = Histogram(
            "nhip_rpc_seconds", "Time to answer an RPC, in seconds.", ("method",), buckets=_SECONDS, registry=to
        )
        self.rpc_in_flight = Gauge("nhip_rpc_in_flight", "RPCs being answered.", registry=to)
        self.http_handled = Counter(
            "nhip_http_handled",
            "Requests that the gateway answered, by what they were for and status.",
            ("part", "status"),
            registry=to,
        )
        self.http_seconds = Histogram(
            "nhip_http_seconds",
            "From a request's head to the end of its answer, in seconds.",
            ("part",),
            buckets=_SECONDS,
            registry=to,
        )
        self.http_in_flight = Gauge("nhip_http_in_flight", "Requests that the gateway is answering.", registry=to)

        self.events_appended = Counter("nhip_events_appended", "Events appended to a log.", ("context",), registry=to)
        self.append_seconds = Histogram(
            "nhip_append_seconds",
            "From the call of append to its commit, in seconds.",
            ("context",),
            buckets=_SECONDS,
            registry=to,
        )
        self.feed_page_size = Histogram(
            "nhip_feed_page_events",
            "Events per page that a feed gave out.",
            ("context",),
            buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000),
            registry=to,
        )
        self.subscription_position = Gauge(
            "nhip_subscription_position",
            "Last position that a subscription has handled.",
            ("subscription",),
            registry=to,
        )
        self.subscription_lag = Gauge(
            "nhip_subscription_lag",
            "Positions of the own log, or records of a topic, between a subscription and the end of its source.",
            ("subscription",),
            registry=to,
        )
        self.parked_events = Gauge(
            "nhip_parked_events", "Events parked, with those that wait behind them.", ("subscription",), registry=to
        )
        self.relay_published = Counter(
            "nhip_relay_published", "Events that the relay published to Kafka.", ("context",), registry=to
        )
        self.unknown_events = Counter(
            "nhip_unknown_events",
            "Events of types that a subscription does not know, passed over.",
            ("subscription",),
            registry=to,
        )
        self.topic_holes = Counter(
            "nhip_topic_holes",
            "Places in a topic where records were missing, so that it was read anew.",
            ("subscription",),
            registry=to,
        )
        self.foreign_records = Counter(
            "nhip_foreign_records",
            "Records of a topic that no relay wrote, passed over.",
            ("subscription",),
            registry=to,
        )
        self.unfit_topics = Gauge(
            "nhip_unfit_topics",
            "Topics that are not what they must be, so that this process neither reads nor writes them.",
            registry=to,
        )
        self.other_logs = Gauge(
            "nhip_other_logs",
            "Topics that are of another incarnation of their log than the one that this process has or follows.",
            registry=to,
        )
        self.unreadable_words = Counter(
            "nhip_unreadable_words", "Personal words in replies that did not open.", registry=to
        )
        self.lost_keys = Gauge(
            "nhip_lost_keys", "Persons whose key is not there any more, though nobody destroyed it.", registry=to
        )
        self.left_keys = Gauge(
            "nhip_left_keys", "Keys that are there of companies whose keys were all destroyed.", registry=to
        )
        self.keys_went_back = Gauge(
            "nhip_keys_went_back",
            "1: the database of keys lacks some that this service knows of, so that no keys are made.",
            registry=to,
        )
        self.timer_overdue = Gauge(
            "nhip_timer_overdue_seconds",
            "For how long what a timer has not done yet has been due; 0: nothing is.",
            ("timer",),
            registry=to,
        )
        self.timer_failures = Counter(
            "nhip_timer_failures", "Things that fell due and could not be done; tried again.", ("timer",), registry=to
        )
        to.register(UNSHOWN)
        to.register(OVERLOADED)
        to.register(UNWRITTEN)
        self.retries = Counter(
            "nhip_subscription_retries", "Attempts repeated after a transient fault.", ("subscription",), registry=to
        )
