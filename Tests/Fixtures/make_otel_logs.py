#!/usr/bin/env python3
"""Writes the OpenTelemetry fixtures with OpenTelemetry's own SDK, so that their form is its form and not ours.

usage: make_otel_logs.py FOLDER     (PyPI: opentelemetry-sdk, opentelemetry-exporter-otlp-proto-common)
"""
import json
import pathlib
import sys

from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode


class CountingIds(IdGenerator):
    """The same ids at every run."""

    def __init__(self):
        self.last = 0

    def generate_span_id(self):
        self.last += 1
        return self.last

    def generate_trace_id(self):
        self.last += 1
        return self.last


START = 1_780_308_000_000_000_000  # 2026-06-01T10:00:00Z

CALLS = [
    # A plain call, the model that was asked for and the dated one that answered.
    dict(seconds=0, millis=1200, attributes={
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.request.max_tokens": 500,
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 200, "gen_ai.conversation.id": "c-1",
        "enduser.id": "u-1"}),
    # Cached input, which the usage includes.
    dict(seconds=5, millis=800, attributes={
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 2000, "gen_ai.usage.cache_read.input_tokens": 1500,
        "gen_ai.usage.output_tokens": 10, "gen_ai.agent.id": "agent-7"}),
    # The older names.
    dict(seconds=9, millis=300, attributes={
        "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.prompt_tokens": 30, "gen_ai.usage.completion_tokens": 4}),
    # A call that failed.
    dict(seconds=12, millis=50, error="429", attributes={
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 10}),
    # No call of a model.
    dict(seconds=13, millis=5, attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}),
]


def spans():
    exporter = InMemorySpanExporter()
    provider = TracerProvider(
        resource=Resource({"service.name": "assistant", "tenant.id": "team-a"}), id_generator=CountingIds())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("fixtures")
    for call in CALLS:
        start = START + call["seconds"] * 1_000_000_000
        span = tracer.start_span("chat", kind=SpanKind.CLIENT, start_time=start, attributes=call["attributes"])
        if "error" in call:
            span.set_attribute("error.type", call["error"])
            span.set_status(Status(StatusCode.ERROR))
        span.end(end_time=start + call["millis"] * 1_000_000)
    return exporter.get_finished_spans()


def main():
    folder = pathlib.Path(sys.argv[1])
    finished = spans()
    # What the SDK's console exporter writes, a span a line.
    (folder / "otel.sdk.jsonl").write_text("".join(span.to_json(indent=None) + "\n" for span in finished))
    # What a collector writes: OTLP as JSON, a batch.
    batch = MessageToDict(encode_spans(finished), preserving_proto_field_name=False)
    (folder / "otel.otlp.json").write_text(json.dumps(batch, indent=1) + "\n")


if __name__ == "__main__":
    main()
