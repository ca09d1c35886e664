"""Everything that is checked of the template, in one list."""

import access
import alarms
import delivery
import notices
import outputs
import registries
import routing
import settings
import table
from deployed import FULL, LEAN, Stack, translate

# The stacks that are looked at, and what is asked of each.
STACKS = [
    (
        FULL,
        [
            access.problems,
            alarms.problems,
            delivery.problems,
            notices.problems,
            outputs.problems,
            registries.problems,
            routing.problems,
            settings.problems,
            table.problems,
        ],
    ),
    (LEAN, [access.broad, notices.nobody_subscribed]),
    (FULL | {"RegistryAccountIds": ""}, [registries.closed]),
    (FULL | {"RuleState": "DISABLED"}, [delivery.switched_off]),
]


def problems(template):
    """All that is wrong with a template."""
    yield from settings.built(template)
    yield from problems_of_stacks(
        (translate(template, parameters), parameters, checks) for parameters, checks in STACKS
    )


def problems_of_stacks(stacks):
    """All that is wrong with stacks of translated templates."""
    for translated, parameters, checks in stacks:
        stack = Stack(translated, parameters)
        for check in checks:
            yield from check(stack)
