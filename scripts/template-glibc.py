"""Fails if a function's zip needs a newer glibc: template-glibc.py 2.34 BOOTSTRAP.ZIP"""

import re
import sys
import zipfile


def version(text):
    """A version that compares as numbers do."""
    return tuple(map(int, text.split(".")))


def main():
    greatest, path = sys.argv[1:]
    with zipfile.ZipFile(path) as package:
        binary = package.read("bootstrap")
    needed = {found.decode() for found in re.findall(rb"GLIBC_(2\.[0-9]+)", binary)}
    newer = sorted((one for one in needed if version(one) > version(greatest)), key=version)
    if newer:
        sys.exit(
            f"package: {path} needs glibc {newer[-1]}, Lambda has {greatest}. Build on an older"
            " system, or with zig: see docs/DEPLOY.md"
        )


if __name__ == "__main__":
    main()
