#!/usr/bin/env python3
"""Runs commands on large inputs that are built to be slow, and fails where one takes too long or too much memory.

    Tests/Hostile/run.py BURSAR [NAME...]      # inputs of 10 MB; every run must end in 10 s with less than 1 GiB

Each function in `inputs.py` writes one input and returns the command that reads it; `<` and a file may come before it. A command may refuse its input: it must
then end with 0, 1 or 2 and say why.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import inputs

SECONDS = float(os.environ.get("HOSTILE_SECONDS", 10))
MEBIBYTES = 1024


# What a command says of an input that it refuses for a count. Nothing after the count has then seen the input.
TOO_MANY = ["more than 1000000 values", "may take 2000000 steps", "make at most 200000 requests"]


def run(bursar, name, make, size):
    """Whether the input, and where it is refused for its number of values a smaller one of its kind, stays within bounds."""
    while True:
        is_good, was_refused = run_once(bursar, name, make, size)
        if not (is_good and was_refused) or size < 10_000:
            return is_good
        size = size * 2 // 3


def run_once(bursar, name, make, size):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        arguments = make(root, size)
        source = os.devnull
        if arguments[0] == "<":
            source, arguments = root / arguments[1], arguments[2:]
        written = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        start = time.monotonic()
        with open(root / ".out", "wb") as out, open(root / ".err", "wb") as err, open(source, "rb") as given:
            process = subprocess.Popen([bursar, *arguments], cwd=root, stdout=out, stderr=err, stdin=given)
            # A hang ends here, and is reported as one.
            signal.setitimer(signal.ITIMER_REAL, 6 * SECONDS)
            try:
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = 0
            except TimeoutError:
                process.kill()
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = 0
            signal.setitimer(signal.ITIMER_REAL, 0)
        seconds = time.monotonic() - start
        memory = usage.ru_maxrss / 1024
        # Of both threads that most commands use; on a busy machine a run waits longer than it works.
        work = usage.ru_utime + usage.ru_stime
        code = os.waitstatus_to_exitcode(status)
        problems = []
        if min(seconds, work) > SECONDS:
            problems.append("slow")
        if memory > MEBIBYTES:
            problems.append("memory")
        if code not in (0, 1, 2):
            problems.append(f"status {code}")
        said = last_line(root / ".err") or last_line(root / ".out")
        print(
            f"{name:28}{written / 1e6:6.1f} MB{seconds:8.2f} s{work:8.2f} s CPU{memory:8.0f} MiB  status {code}  {said[:90]}"
            + ("  <-- " + ", ".join(problems) if problems else ""),
            flush=True,
        )
        said = text(root / ".out", 4000) + text(root / ".err", 4000)
        return not problems, any(words in said for words in TOO_MANY)


def text(path, size):
    """The end of a file."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - size))
        return file.read().decode(errors="replace")


def last_line(path):
    lines = text(path, 4000).strip().splitlines()
    return lines[-1] if lines else ""


def on_alarm(*_):
    raise TimeoutError


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    bursar = os.path.abspath(sys.argv[1])
    wanted = sys.argv[2:]
    signal.signal(signal.SIGALRM, on_alarm)
    size = int(os.environ.get("HOSTILE_BYTES", 10_000_000))
    cases = {name: make for name, make in inputs.ALL.items() if not wanted or name in wanted}
    if not cases or len(cases) < len(wanted):
        sys.exit(f"there is no such input; there are {', '.join(inputs.ALL)}")
    failed = [name for name, make in cases.items() if not run(bursar, name, make, size)]
    print(f"{len(cases)} inputs, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
