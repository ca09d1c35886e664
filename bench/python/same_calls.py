"""Makes the calls of a function of the controller, and decides nothing.

PEER_CALLS names a file with the calls of a first event and of a later one, as the function made
them. Calls that it makes side by side are made one after the other here, as boto3 makes them.
"""

import json
import os
import pathlib
import re

import boto3

CALLS = json.loads(pathlib.Path(os.environ["PEER_CALLS"]).read_text())
CLIENTS = {
    service: boto3.client(service)
    for service in {call["service"] for calls in CALLS.values() for group in calls for call in group}
}
state = {"turn": "cold"}


def handler(_event, _context):
    """Makes the calls that the function would make of this event."""
    for group in CALLS[state["turn"]]:
        for call in group:
            operation = re.sub(r"(?<!^)(?=[A-Z])", "_", call["operation"]).lower()
            getattr(CLIENTS[call["service"]], operation)(**call["request"])
    state["turn"] = "warm"
    return "done"
