#!/usr/bin/env python3
"""Says what is in CSV files. usage: profile_csv.py FILE..."""

import collections
import csv
import datetime
import sys

DATES = ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d %b %Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]


def decode(data):
    for encoding in ("utf-8-sig", "utf-16"):
        if encoding == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            continue
        try:
            return data.decode(encoding), "utf-8" if encoding == "utf-8-sig" else encoding
        except UnicodeDecodeError:
            pass
    return data.decode("cp1252", errors="replace"), "cp1252 (a guess)"


def kind(value):
    """Every kind that the value could be of."""
    text = value.strip()
    if text.lstrip("+-").isdigit():
        return ["integer"]
    kinds = []
    for pattern in DATES:
        try:
            datetime.datetime.strptime(text, pattern)
            kinds.append("date " + pattern)
        except ValueError:
            pass
    if kinds:
        return kinds
    for candidate in (text, text.replace(".", "").replace(",", "."), text.replace(",", "")):
        try:
            float(candidate)
            return ["number"]
        except ValueError:
            pass
    return ["text"]


def profile(path):
    with open(path, "rb") as file:
        text, encoding = decode(file.read())
    if not text.strip():
        print(f"{path}: empty")
        return
    try:
        dialect = csv.Sniffer().sniff(text[:65536], delimiters=",;\t|")
        delimiter = dialect.delimiter
    except csv.Error:
        delimiter = ","
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    header = next(reader)
    broken, rows, start = [], [], reader.line_num + 1
    for row in reader:
        if row:
            (rows if len(row) == len(header) else broken).append((start, row))
        start = reader.line_num + 1
    print(f"{path}: {encoding}, delimiter {delimiter!r}, {len(header)} columns, {len(rows)} whole rows, {len(broken)} broken")
    for line, row in broken[:10]:
        print(f"  line {line}: {len(row)} fields instead of {len(header)}: {delimiter.join(row)[:100]}")
    equal = len(rows) - len({tuple(row) for _, row in rows})
    if equal:
        print(f"  {equal} rows repeat an earlier one exactly")
    for index, name in enumerate(header):
        values = [row[index] for _, row in rows]
        filled = [value for value in values if value.strip()]
        kinds = collections.Counter(" or ".join(kind(value)) for value in filled)
        padded = sum(value != value.strip() for value in values)
        examples = ", ".join(repr(value) for value in list(dict.fromkeys(filled))[:3])
        folded = len({value.strip().lower() for value in filled})
        print(f"  {name!r}: {len(values) - len(filled)} empty, {len(set(filled))} distinct", end="")
        if folded != len(set(filled)):
            print(f" ({folded} when trimmed and in lower case)", end="")
        if padded:
            print(f", {padded} with spaces around", end="")
        print("; " + ", ".join(f"{count} {what}" for what, count in kinds.most_common(4)) + f"; {examples}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for path in sys.argv[1:]:
        profile(path)
