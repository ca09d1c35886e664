"""Where SageMaker puts what a job gets, and from where it takes what the job leaves."""

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

# SageMaker's folder in a container. A process that is none may have another.
ROOT = Path(os.environ.get("ML_ROOT", "/opt/ml"))
INPUT = ROOT / "processing" / "input"
OUTPUT = ROOT / "processing" / "output"


def write_json(path: Path, document: Any) -> None:
    """Writes a document, which has no NaN: JSON does not know it, and no gate reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, allow_nan=False, indent=2)
    path.write_text(f"{text}\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Reads a document."""
    return json.loads(path.read_text(encoding="utf-8"))


def run(main: Callable[[], None]) -> None:
    """Runs a job. If it fails, over whatever, SageMaker is told why in one line.

    SageMaker shows `output/message` of a processing job and `output/failure` of a training
    job as the reason of the failure.
    """
    try:
        main()
    except Exception as error:
        traceback.print_exc()
        reason = f"{type(error).__name__}: {error}"
        for name in ("message", "failure"):
            path = ROOT / "output" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(reason[:1024], encoding="utf-8")
        sys.exit(reason)
