"""A command that behaves like ``python -m focus_core init`` and does nothing: for tests of jobs.

Usage: ``fake_command.py BEHAVIOUR ... --output RUN`` with BEHAVIOUR one of finish, wait, fail, die, deaf; where it is
``init``, the variable FAKE_BEHAVIOUR names it. FAKE_RUN names a run folder to copy as the result, FAKE_GO a file that
has to be there before it finishes.
"""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path


def main() -> int:
    behaviour = os.environ["FAKE_BEHAVIOUR"] if sys.argv[1] == "init" else sys.argv[1]
    output = Path(sys.argv[sys.argv.index("--output") + 1])
    part = output.with_name(output.name + ".part")
    (part / "log").mkdir(parents=True)
    events = part / "log" / "events.jsonl"
    signal.signal(signal.SIGINT, signal.SIG_IGN if behaviour == "deaf" else signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if behaviour == "deaf" else signal.SIG_DFL)
    with events.open("w", encoding="utf-8") as stream:
        for stage, done in (("read the corpus", 1), ("train vectors", 0), ("train vectors", 3)):
            stream.write(json.dumps({"stage": stage, "done": done, "total": 4, "note": "", "time": time.time()}) + "\n")
        stream.write('{"stage": "half a li')
    if behaviour == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "fail":
        shutil.rmtree(part)
        told = "corpus.txt: expected some text, got an empty file; give a file with text"
        if "FAKE_ERROR" in os.environ:  # as the command line writes down what it prints
            Path(os.environ["FOCUS_LAB_ERROR_FILE"]).write_text(os.environ["FAKE_ERROR"])
        print(f"Error: {told}", file=sys.stderr)
        return 2
    try:
        while behaviour in {"wait", "deaf"} or not Path(os.environ.get("FAKE_GO", __file__)).exists():
            time.sleep(0.02)
    except KeyboardInterrupt:
        shutil.rmtree(part)
        return 130
    if os.environ.get("FAKE_RUN"):
        shutil.copytree(os.environ["FAKE_RUN"], part, dirs_exist_ok=True)
    part.rename(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
