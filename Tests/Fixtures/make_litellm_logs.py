#!/usr/bin/env python3
"""Writes the LiteLLM fixtures with LiteLLM itself: rows of its spend log, and what its callbacks are handed.

usage: make_litellm_logs.py FOLDER     (PyPI: litellm[proxy])
Answers are mocked, so no model is called; times and ids are set, so that every run writes the same.
"""
import datetime
import json
import os
import pathlib
import sys
import time

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm  # noqa: E402
from litellm.integrations.custom_logger import CustomLogger  # noqa: E402
from litellm.proxy.spend_tracking.spend_tracking_utils import get_logging_payload  # noqa: E402

START = datetime.datetime(2026, 6, 1, 10, 0, 0)

CALLS = [
    # A plain call with a feature and the version of a prompt as tags.
    dict(call="call-1", team="team-a", model="gpt-4o", prompt=1200, output=300, tags=["feature:chat", "prompt_version:v3"]),
    # Cached input tokens are part of the prompt's.
    dict(call="call-2", team="team-a", model="gpt-4o", prompt=4000, cached=3000, output=150, tags=["feature:summaries"]),
    # Two attempts of one call: the first fails, the second is the fallback's.
    dict(call="call-3", team="team-b", model="gpt-4o", prompt=900, output=0, tags=["feature:chat"], fails=True),
    dict(call="call-3", team="team-b", model="gpt-4o-mini", asked="gpt-4o", prompt=900, output=220, tags=["feature:chat"], retries=1),
    # An end user and no team.
    dict(call="call-4", user="end-user-7", model="gpt-4o-mini", prompt=500, output=80, tags=[]),
    # An answer from LiteLLM's cache: tokens, and nothing to pay.
    dict(call="call-5", team="team-a", model="gpt-4o", prompt=1200, output=300, tags=["feature:chat"], cache_hit=True),
]


class Recorder(CustomLogger):
    def __init__(self):
        self.seen = []

    def log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.seen.append((kwargs, response_obj))

    def log_failure_event(self, kwargs, response_obj, start_time, end_time):
        self.seen.append((kwargs, response_obj))


def made(recorder, call):
    """What LiteLLM hands its loggers for one call."""
    metadata = {
        "user_api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b", "user_api_key_alias": "app",
        "user_api_key_team_id": call.get("team"), "user_api_key_user_id": "default_user", "tags": call["tags"],
        "user_api_key_end_user_id": call.get("user"), "model_group": call["model"], "attempted_retries": call.get("retries", 0),
    }
    if call.get("asked"):
        metadata["original_model_group"] = call["asked"]
    usage = litellm.Usage(
        prompt_tokens=call["prompt"], completion_tokens=call["output"], total_tokens=call["prompt"] + call["output"],
        prompt_tokens_details={"cached_tokens": call.get("cached", 0)})
    answer = litellm.ModelResponse(
        id=f"chatcmpl-{call['call']}-{call.get('retries', 0)}", created=1_780_308_000, model=call["model"], usage=usage,
        choices=[{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}])
    before = len(recorder.seen)
    arguments = dict(
        model=call["model"], messages=[{"role": "user", "content": "hello"}], metadata=metadata, user=call.get("user"),
        litellm_call_id=call["call"], litellm_trace_id=f"trace-{call['call']}")
    if call.get("fails"):
        try:
            litellm.completion(mock_response=litellm.RateLimitError("busy", "openai", call["model"]), num_retries=0, **arguments)
        except litellm.RateLimitError:
            pass
    else:
        litellm.completion(mock_response=answer, **arguments)
    for _ in range(100):
        if len(recorder.seen) > before:
            return recorder.seen[-1]
        time.sleep(0.05)
    sys.exit(f"LiteLLM handed out nothing for {call}")


def slim(value):
    """As JSON, without what LiteLLM knows of the model's prices: it changes with each release."""
    def without(node):
        if isinstance(node, dict):
            return {key: without(inner) for key, inner in node.items() if key != "model_map_information"}
        if isinstance(node, str) and node.startswith("{"):
            return json.dumps(without(json.loads(node)))
        return node
    return without(json.loads(json.dumps(value, default=str)))


def main():
    folder = pathlib.Path(sys.argv[1])
    recorder = Recorder()
    litellm.callbacks = [recorder]
    rows, events = [], []
    for number, call in enumerate(CALLS):
        kwargs, response = made(recorder, call)
        start = START + datetime.timedelta(minutes=number)
        end = start + datetime.timedelta(milliseconds=800)
        kwargs["litellm_call_id"] = call["call"]
        kwargs["completion_start_time"] = end
        if call.get("cache_hit"):
            kwargs["cache_hit"] = True
            kwargs["response_cost"] = 0.0
        kwargs["litellm_params"].setdefault("proxy_server_request", {})
        if call.get("fails"):
            # As the proxy's own hook for failures does.
            kwargs["litellm_params"]["metadata"]["status"] = "failure"
        row = get_logging_payload(kwargs, response, start, end)
        row["request_id"] = f"{call['call']}-{number}"
        rows.append(slim(row))
        event = dict(kwargs.get("standard_logging_object") or {})
        for key, moment in [("startTime", start), ("endTime", end), ("completionStartTime", end)]:
            event[key] = moment.replace(tzinfo=datetime.timezone.utc).timestamp()
        event["id"] = f"{call['call']}-{number}"
        events.append(slim(event))
    for name, lines in [("litellm.spend.jsonl", rows), ("litellm.callback.jsonl", events)]:
        (folder / name).write_text("".join(json.dumps(line, sort_keys=True) + "\n" for line in lines))


if __name__ == "__main__":
    main()
