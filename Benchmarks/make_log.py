#!/usr/bin/env python3
"""Repeats a JSON-lines log to a number of records, with new request ids and later days.

usage: make_log.py SAMPLE[.gz] RECORDS OUT
"""
import datetime
import gzip
import re
import sys


def main():
    sample, wanted, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    opener = gzip.open if sample.endswith(".gz") else open
    with opener(sample, "rt") as file:
        lines = file.read().splitlines()
    days = [line[7:17] for line in lines]
    first, last = min(days), max(days)
    span = (datetime.date.fromisoformat(last) - datetime.date.fromisoformat(first)).days + 1
    ids = re.compile(r'"request_id":"([^"]*)"')
    written, turn = 0, 0
    with open(out, "w") as file:
        while written < wanted:
            moved = {
                day: (datetime.date.fromisoformat(day) + datetime.timedelta(days=turn * span)).isoformat()
                for day in sorted(set(days))
            }
            part = []
            for line, day in zip(lines, days):
                if written == wanted:
                    break
                line = line.replace(day, moved[day], 1)
                part.append(ids.sub(lambda match: f'"request_id":"{match[1]}-{turn}"', line, count=1))
                written += 1
            file.write("\n".join(part) + "\n")
            turn += 1


if __name__ == "__main__":
    main()
