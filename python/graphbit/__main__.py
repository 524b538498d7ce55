"""`graphbit` and `python -m graphbit`: the command that comes with the package.

It is a program of its own that takes this process's place; its node daemon runs Python functions with
this interpreter, unless GRAPHBIT_PYTHON names another.
"""

from __future__ import annotations

import os
import pathlib
import sys
from typing import NoReturn

COMMAND = pathlib.Path(__file__).parent / "bin" / "graphbit"


def main() -> NoReturn:
    os.environ.setdefault("GRAPHBIT_PYTHON", sys.executable)
    os.execv(COMMAND, ["graphbit", *sys.argv[1:]])


if __name__ == "__main__":
    main()
