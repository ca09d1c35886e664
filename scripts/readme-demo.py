#!/usr/bin/env python3
"""Writes the demo's output, read from standard input, into README.md."""

import pathlib
import re
import sys

readme = pathlib.Path(__file__).parent.parent / "README.md"
block = "<!-- demo -->\n```text\n" + sys.stdin.read().strip("\n") + "\n```\n<!-- /demo -->"
text = readme.read_text()
new = re.sub(r"<!-- demo -->.*?<!-- /demo -->", lambda _: block, text, flags=re.DOTALL)
readme.write_text(new)
