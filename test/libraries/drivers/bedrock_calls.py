"""The calls that every instrumentation of Amazon's client is run with."""

import json
import os

import boto3
import plan
from botocore.config import Config

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
REFUSALS = ["429", "500", "503", "400", "401", "timeout"]
_clients = {}


def client(attempts: int = 1):
    if attempts not in _clients:
        _clients[attempts] = boto3.client(
            "bedrock-runtime",
            endpoint_url=os.environ["PROVIDER_URL"],
            region_name="us-east-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",
            config=Config(read_timeout=plan.TIMEOUT_S, retries={"total_max_attempts": attempts}),
        )
    return _clients[attempts]


def messages(behaviour: str):
    return [{"role": "user", "content": [{"text": plan.prompt(behaviour)}]}]


def converse(behaviour: str, attempts: int = 1):
    client(attempts).converse(modelId=MODEL, messages=messages(behaviour))


def read(events, behaviour: str):
    if behaviour == "cancel":
        plan.first_of(events)
        events.close()
    else:
        for _event in events:
            pass


def converse_stream(behaviour: str):
    made = client().converse_stream(modelId=MODEL, messages=messages(behaviour))
    read(made["stream"], behaviour)


def body(behaviour: str) -> str:
    asked = [{"role": "user", "content": plan.prompt(behaviour)}]
    return json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": asked})


def invoke(behaviour: str):
    client().invoke_model(modelId=MODEL, body=body(behaviour))["body"].read()


def invoke_stream(behaviour: str):
    made = client().invoke_model_with_response_stream(modelId=MODEL, body=body(behaviour))
    read(made["body"], behaviour)


def run() -> None:
    for behaviour in ["ok", "ok", "truncated", "tool", *REFUSALS]:
        plan.attempt(lambda: converse(behaviour))
    plan.attempt(lambda: converse("flaky", attempts=3))
    for behaviour in ["ok", "tool", *plan.STREAM_ENDINGS, "429"]:
        plan.attempt(lambda: converse_stream(behaviour))
    for behaviour in ["ok", "tool", "429"]:
        plan.attempt(lambda: invoke(behaviour))
    for behaviour in ["ok", "cut", "429"]:
        plan.attempt(lambda: invoke_stream(behaviour))
    for behaviour in ["ok", "503"]:
        with plan.served():
            plan.attempt(lambda: converse(behaviour))
