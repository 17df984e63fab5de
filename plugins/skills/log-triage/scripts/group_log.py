#!/usr/bin/env python3
"""Groups the lines of logs by their pattern. usage: group_log.py FILE... [--level LEVEL] [--top N]"""

import argparse
import re

LEVEL = re.compile(r"\b(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|ERR|CRIT(?:ICAL)?|FATAL|ALERT|EMERG)\b", re.I)
TIME = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?|\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d|\w{3} [ \d]\d \d\d:\d\d:\d\d"
    r"|\b\d\d:\d\d:\d\d\b"
)
VARIABLE = [
    (TIME, "<time>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.I), "<id>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"\"[^\"]*\"|'[^']*'"), "<text>"),
    (re.compile(r"\b0x[0-9a-f]+\b|\b[0-9a-f]{12,}\b", re.I), "<id>"),
    (re.compile(r"\d+"), "<n>"),
]
SAME = {"WARNING": "WARN", "ERR": "ERROR", "CRITICAL": "CRIT"}


def pattern(line):
    for expression, word in VARIABLE:
        line = expression.sub(word, line)
    return " ".join(line.split())


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("files", nargs="+")
    options.add_argument("--level")
    options.add_argument("--top", type=int, default=20)
    options = options.parse_args()
    wanted = SAME.get((options.level or "").upper(), (options.level or "").upper())
    groups, total = {}, 0
    for path in options.files:
        with open(path, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                total += 1
                line = line.rstrip("\n")
                if not line.strip() or line[0] in " \t" or line.startswith("Traceback"):
                    continue  # belongs to the line before it
                level = LEVEL.search(line)
                level = level.group(1).upper() if level else "-"
                level = SAME.get(level, level)
                if wanted and level != wanted:
                    continue
                time = TIME.search(line)
                time = time.group(0) if time else "?"
                group = groups.setdefault(
                    (level, pattern(line)), {"count": 0, "first": time, "where": f"{path}:{number}", "line": line}
                )
                group["count"] += 1
                group["last"] = time
    print(f"{total} lines, {len(groups)} patterns" + (f" of level {wanted}" if wanted else ""))
    ranked = sorted(groups.items(), key=lambda item: -item[1]["count"])
    for (level, _), group in ranked[: options.top]:
        print(f"{group['count']:7} {level:5} {group['first']} .. {group['last']}  {group['where']}: {group['line'][:160]}")
    if len(ranked) > options.top:
        print(f"({len(ranked) - options.top} more patterns: --top {len(ranked)})")


if __name__ == "__main__":
    main()
