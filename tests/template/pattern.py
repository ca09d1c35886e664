"""EventBridge's event patterns, as far as the template uses them.

A pattern says for each field which values fit; of an array in an event, one element has to.
An operator that is not known here is an error, so that a rule is never judged by half.
"""

import re


class UnknownOperator(Exception):
    """A pattern asks for something that this matcher does not know."""


def matches(pattern, event):
    """Whether the event fits the pattern."""
    if isinstance(event, list):
        return any(matches(pattern, one) for one in event)
    found = event if isinstance(event, dict) else {}
    return all(_fits(wanted, found, name) for name, wanted in pattern.items())


def _fits(wanted, event, name):
    if name == "$or":
        return any(matches(one, event) for one in wanted)
    if name.startswith("$"):
        raise UnknownOperator(name)
    if isinstance(wanted, dict):
        return matches(wanted, event.get(name))
    if not isinstance(wanted, list) or not wanted:
        raise UnknownOperator(f"{name}: {wanted!r} is no list of values")
    there = name in event and not isinstance(event[name], dict) and event[name] != []
    values = event.get(name)
    values = values if isinstance(values, list) else [values]
    return any(_one_fits(one, values, there) for one in wanted)


def _one_fits(wanted, values, there):
    if not isinstance(wanted, dict):
        return there and any(_same(wanted, value) for value in values)
    if len(wanted) != 1:
        raise UnknownOperator(repr(wanted))
    (operator, operand), = wanted.items()
    if operator == "exists":
        return there == operand
    test = _OPERATORS.get(operator)
    if test is None:
        raise UnknownOperator(operator)
    return there and any(test(operand, value) for value in values)


def _same(wanted, value):
    # In JSON true is not 1, while 300 is 300.0.
    return isinstance(wanted, bool) == isinstance(value, bool) and wanted == value


def _prefix(operand, value):
    return isinstance(value, str) and value.startswith(_text(operand))


def _suffix(operand, value):
    return isinstance(value, str) and value.endswith(_text(operand))


def _wildcard(operand, value):
    if "\\" in operand or "**" in operand:
        raise UnknownOperator(f"wildcard {operand!r}")
    parts = (re.escape(part) for part in _text(operand).split("*"))
    return isinstance(value, str) and re.fullmatch(".*".join(parts), value, re.DOTALL) is not None


def _anything_but(operand, value):
    if isinstance(operand, dict):
        raise UnknownOperator(f"anything-but {operand!r}")
    operands = operand if isinstance(operand, list) else [operand]
    return not any(_same(one, value) for one in operands)


def _text(operand):
    if not isinstance(operand, str):
        raise UnknownOperator(repr(operand))
    return operand


_OPERATORS = {
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
}
