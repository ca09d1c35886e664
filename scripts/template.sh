#!/bin/sh
# Checks template.yaml, the examples and samconfig.toml: see tests/template.
set -eu
status=0
sh scripts/template-tools.sh template tests/template/requirements.txt || status=$?
if [ "$status" = 75 ]; then
    echo "template: SKIPPED, nothing about the template was checked"
    exit 0
elif [ "$status" != 0 ]; then
    exit "$status"
fi
# Nothing here talks to AWS, whatever is configured.
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1
cd tests/template
export PYTHONDONTWRITEBYTECODE=1
exec ../../target/tools/template/bin/python -m pytest -q -p no:cacheprovider "$@"
