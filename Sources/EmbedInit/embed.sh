#!/bin/sh
# embed.sh SOURCES OUTPUT.swift NAME: compiles SOURCES/*.c statically and writes the program as the base64 Swift constant NAME.
# musl starts in a quarter of glibc's time; without musl-gcc the host compiler's static libc serves.
set -eu
sources=$1 output=$2 name=$3
work=$(mktemp -d "${TMPDIR:-/tmp}/ise-init.XXXXXX")
trap 'rm -rf "$work"' EXIT
flags="-I$(dirname "$0")/../WorkspaceShim/include -static -O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -s"
if command -v musl-gcc >/dev/null 2>&1; then
    # The kernel's headers come after musl's own, so that only what musl lacks is taken from there.
    cc="musl-gcc -idirafter /usr/include -idirafter /usr/include/$(uname -m)-linux-gnu"
else
    cc=${CC:-cc}
fi
$cc $flags -o "$work/init" "$sources"/*.c
{
    printf '// Made by embed.sh: a static program, in base64.\n'
    printf 'let %s: StaticString = "' "$name"
    base64 -w0 "$work/init"
    printf '"\n'
} >"$output"
