#!/bin/sh
# What a pull request has to pass before anybody merges it, in whichever CI: nothing of it is
# deployed, and nothing needs AWS. With a folder of stored policies, which `retrainctl policy
# export --to FOLDER` reads, it also shows what the change means.
set -eu
cd "$(dirname "$0")"
# Scripts, the schema, both definitions of the pipeline.
ruff check --no-cache .
ruff format --no-cache --check .
python3 -m pytest
# Templates.
cfn-lint templates/*.yaml
# The policy. A file is called after its model.
proposed=$(mktemp -d)
trap 'rm -r "$proposed"' EXIT
cp policy.json "$proposed/fraud-detection.json"
retrainctl policy check "$proposed"
if [ $# -gt 0 ]; then
    # 3 says that there is something to review, which is what a pull request is for.
    retrainctl policy diff "$1" "$proposed" || [ $? = 3 ]
fi
