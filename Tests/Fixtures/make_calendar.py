#!/usr/bin/env python3
"""Writes Tests/Fixtures/calendar: offsets, local times and calendar windows by Python's zoneinfo.

Only instants from 1970 to 2025 are used: later ones change with the laws of countries. Run it from the root of the
repository after a change of the lists below, and read the difference before you commit it.
"""

import random
from bisect import bisect_left
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

FOLDER = Path("Tests/Fixtures/calendar")
FIRST, LAST = int(datetime(1970, 1, 3, tzinfo=timezone.utc).timestamp()), int(datetime(2025, 1, 1, tzinfo=timezone.utc).timestamp())

# Daylight saving in both hemispheres; offsets of quarters and halves of an hour; changes of half an hour and at midnight;
# days that were skipped (Apia, Kwajalein); zones that never change.
ZONES = [
    "UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/St_Johns", "America/Havana",
    "America/Sao_Paulo", "America/Santiago", "America/Caracas", "Africa/Cairo", "Africa/Casablanca", "Africa/Monrovia",
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran", "Asia/Beirut", "Asia/Amman", "Asia/Pyongyang", "Asia/Gaza",
    "Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Apia", "Pacific/Kwajalein", "Pacific/Chatham", "Pacific/Kiritimati",
    "Antarctica/Troll", "America/Godthab", "Etc/GMT+12", "Etc/GMT-14",
]

UNITS = ["day", "week", "month", "quarter", "year"]


def offset(zone, seconds):
    moment = datetime.fromtimestamp(seconds, zone)
    return int(moment.utcoffset().total_seconds())


def changes(zone):
    """The instants from which another offset holds, found by bisection between samples half a day apart."""
    found, step = [], 43_200
    before = offset(zone, FIRST)
    for start in range(FIRST, LAST, step):
        after = offset(zone, start + step)
        if after != before:
            low, high = start, start + step
            while high - low > 1:
                middle = (low + high) // 2
                if offset(zone, middle) == before:
                    low = middle
                else:
                    high = middle
            found.append(high)
            before = after
    return found


def first_instant(zone, local):
    """The first instant at which the local clock shows a naive time; in a gap, the first instant after it."""
    instant = int(local.replace(tzinfo=zone, fold=0).timestamp())
    if datetime.fromtimestamp(instant, zone).replace(tzinfo=None) == local:
        return instant
    low, high = instant - 2 * 86_400, instant + 2 * 86_400
    points = range(low, high)
    return low + bisect_left(points, local, key=lambda second: datetime.fromtimestamp(second, zone).replace(tzinfo=None))


def month_start(year, month, day):
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, min(day, (following - timedelta(days=1)).day))


def period(unit, first_day, day):
    """The first day of the period that holds a day, and of the next one."""
    if unit == "day":
        return day, day + timedelta(days=1)
    if unit == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    if unit == "month":
        start = month_start(day.year, day.month, first_day)
        if start > day:
            return month_start(day.year, day.month - 1, first_day), start
        return start, month_start(day.year, day.month + 1, first_day)
    if unit == "quarter":
        month = (day.month - 1) // 3 * 3 + 1
        return date(day.year, month, 1), month_start(day.year, month + 3, 1)
    return date(day.year, 1, 1), date(day.year + 1, 1, 1)


def window(zone, unit, first_day, seconds):
    day = datetime.fromtimestamp(seconds, zone).date()
    bounds = [first_instant(zone, datetime(each.year, each.month, each.day)) for each in period(unit, first_day, day)]
    assert bounds[0] <= seconds < bounds[1], (zone, unit, seconds, bounds)
    return bounds


def main():
    chance = random.Random(1)
    offsets, locals_, windows = [], [], []
    for name in ZONES:
        zone = ZoneInfo(name)
        moments = changes(zone)
        picked = chance.sample(moments, min(len(moments), 24))
        around = [moment + shift for moment in picked for shift in (-1, 0, 1, -3_600, 3_600)]
        anywhere = [chance.randrange(FIRST, LAST) for _ in range(20)]
        for seconds in sorted(around + anywhere):
            offsets.append(f"{name}\t{seconds}\t{offset(zone, seconds)}")
        for moment in picked:
            wall = datetime.fromtimestamp(moment, zone).replace(tzinfo=None)
            for minutes in (-90, -30, -1, 0, 1, 30, 90):
                local = wall + timedelta(minutes=minutes)
                shown = int(local.replace(tzinfo=timezone.utc).timestamp())
                locals_.append(f"{name}\t{shown}\t{first_instant(zone, local)}")
        for seconds in sorted(chance.sample(around, min(len(around), 12)) + anywhere[:4]):
            for unit in UNITS:
                for first_day in (1, 31) if unit == "month" else (1,):
                    start, end = window(zone, unit, first_day, seconds)
                    windows.append(f"{name}\t{unit}\t{first_day}\t{seconds}\t{start}\t{end}")
    for name, head, rows in [
        ("offsets.tsv", "zone\tutc\toffset", offsets),
        ("local-times.tsv", "zone\tlocal\tutc", locals_),
        ("windows.tsv", "zone\tunit\tfirst_day\tat\tstart\tend", windows),
    ]:
        FOLDER.joinpath(name).write_text("\n".join([head, *rows]) + "\n")


main()
