#!/bin/sh
# embed.sh OUTPUT.swift NAME musl|lua (-IDIR | SOURCES)...: compiles SOURCES/*.c statically and writes the program as the
# base64 Swift constant NAME. musl starts in a quarter of glibc's time; without musl-gcc the host compiler's static libc
# serves. The distribution's liblua is made for glibc.
set -eu
output=$1 name=$2 library=$3
shift 3
# The X's are mktemp(1)'s, which puts a free name there.
work=$(mktemp -d "${TMPDIR:-/tmp}/ise-embed.XXXXXX")
trap 'rm -rf "$work"' EXIT
flags="-static -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -s"
libraries=
cc=${CC:-cc}
case $library in
    musl)
        flags="$flags -O2"
        if command -v musl-gcc >/dev/null 2>&1; then
            # The kernel's headers come after musl's own, so that only what musl lacks is taken from there.
            cc="musl-gcc -idirafter /usr/include -idirafter /usr/include/$(uname -m)-linux-gnu"
        fi
        ;;
    lua)
        # The same optimization as the state inside ISE: plugins run as fast in both.
        flags="$flags -O2 -ffunction-sections -fdata-sections -Wl,--gc-sections $(pkg-config --cflags lua5.4)"
        libraries="-l:liblua5.4.a -lm"
        ;;
esac
for argument; do
    shift
    case $argument in
        -I*) set -- "$@" "$argument" ;;
        *) set -- "$@" "$argument"/*.c ;;
    esac
done
# shellcheck disable=SC2086 # lists of words
$cc $flags -o "$work/program" "$@" $libraries
{
    printf '// Made by embed.sh: a static program, in base64.\n'
    printf 'let %s: StaticString = "' "$name"
    base64 -w0 "$work/program"
    printf '"\n'
} >"$output"
