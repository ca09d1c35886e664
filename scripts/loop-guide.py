#!/usr/bin/env python3
"""Writes the end of the loop's demo, read from standard input, into docs/LOOP.md.

With --check it only compares, and fails if the guide shows something else.
"""

import pathlib
import re
import sys

guide = pathlib.Path(__file__).parent.parent / "docs/LOOP.md"
printed = sys.stdin.read()
start = printed.rfind("Models, each beside")
if start < 0:
    sys.exit("the demo has not come to its end")
block = "<!-- demo-loop -->\n```text\n" + printed[start:].strip("\n") + "\n```\n<!-- /demo-loop -->"
text = guide.read_text(encoding="utf-8")
new, found = re.subn(r"<!-- demo-loop -->.*?<!-- /demo-loop -->", lambda _: block, text, flags=re.DOTALL)
if found != 1:
    sys.exit(f"{guide.name} has {found} places for the demo")
if "--check" not in sys.argv:
    guide.write_text(new, encoding="utf-8")
elif new != text:
    sys.exit(f"{guide.name} shows another demo than this: run `make loop-guide`\n{block}")
