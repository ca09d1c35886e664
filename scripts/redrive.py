#!/usr/bin/env python3
"""Sends the dead letters of a queue to their functions again: redrive.py [--dry-run] QUEUE_URL

It needs the AWS CLI with credentials that may read the queue and invoke the functions. A
letter is deleted after its function has accepted it. Doing it twice does no harm: what was
decided is a duplicate.

Two forms of letters are understood: what Lambda sends when a function has failed (the event
is in `requestPayload`, the function in `requestContext`), and what a rule or a schedule could
not deliver (the letter is the event, the function is told by an attribute). All others, such
as the pipe's notes, are shown and stay where they are.
"""

import json
import subprocess
import sys


class NotUnderstood(Exception):
    """A letter of another form."""


def aws(*arguments):
    """What the AWS CLI answers."""
    command = ["aws", *arguments, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"redrive: {' '.join(command[:3])}: {done.stderr.strip()}")
    return json.loads(done.stdout) if done.stdout.strip() else {}


def addressed(message):
    """The function of a letter, and its event."""
    try:
        body = json.loads(message["Body"])
    except json.JSONDecodeError as error:
        raise NotUnderstood(str(error)) from error
    if isinstance(body, dict) and "requestPayload" in body and "requestContext" in body:
        return body["requestContext"]["functionArn"], body["requestPayload"]
    attributes = message.get("MessageAttributes", {})
    target = attributes.get("TARGET_ARN", {}).get("StringValue", "")
    if ":function:" in target:
        return target, body
    raise NotUnderstood(f"its target is {target!r}")


def letters(queue):
    """Every letter of a queue, each once: those that are read stay hidden meanwhile."""
    while True:
        answer = aws(
            "sqs", "receive-message", "--queue-url", queue, "--max-number-of-messages", "10",
            "--message-attribute-names", "All", "--visibility-timeout", "300",
            "--wait-time-seconds", "1",
        )  # fmt: skip
        messages = answer.get("Messages", [])
        if not messages:
            return
        yield from messages


def redrive(queue, dry_run):
    """Sends every letter of a queue again; how many are left."""
    sent, left = 0, 0
    for message in letters(queue):
        try:
            function, event = addressed(message)
        except NotUnderstood as why:
            left += 1
            print(f"stays: {why}: {message['Body'][:200]}")
            continue
        print(f"{'would send' if dry_run else 'sends'} to {function}: {json.dumps(event)[:200]}")
        sent += 1
        if dry_run:
            continue
        aws(
            "lambda", "invoke", "--function-name", function, "--invocation-type", "Event",
            "--cli-binary-format", "raw-in-base64-out", "--payload", json.dumps(event),
            "/dev/null",
        )  # fmt: skip
        aws(
            "sqs", "delete-message", "--queue-url", queue,
            "--receipt-handle", message["ReceiptHandle"],
        )  # fmt: skip
    print(f"{sent} letter(s) {'would be sent' if dry_run else 'sent'}, {left} left")
    return left


def main():
    arguments = sys.argv[1:]
    dry_run = "--dry-run" in arguments
    queues = [one for one in arguments if one != "--dry-run"]
    if len(queues) != 1 or queues[0].startswith("-"):
        sys.exit(__doc__)
    sys.exit(1 if redrive(queues[0], dry_run) else 0)


if __name__ == "__main__":
    main()
