"""The official SDK as the client of `ise mcp`. usage: sdk_client.py ISE OUT

Plays one session and checks it with assertions; says "ok" at its end.
"""

import asyncio
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError


def text(result):
    return result.content[0].text


async def failing(call):
    try:
        await call
    except MCPError as error:
        return error
    raise AssertionError("there is no error")


async def lists(session):
    tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    for name in ("exec", "read", "write", "edit"):
        assert name in tools, tools.keys()
        assert tools[name].input_schema["type"] == "object"
    assert tools["read"].annotations.read_only_hint is True
    assert tools["exec"].annotations.open_world_hint is False


async def calls(session):
    good = await session.call_tool("exec", {"command": "echo out; echo err >&2"})
    assert not good.is_error, good
    assert good.structured_content["exit_code"] == 0
    assert good.structured_content["stdout"] == "out\n"
    assert good.structured_content["stderr"] == "err\n"
    assert good.structured_content["wall_ms"] >= 0

    bad = await session.call_tool("exec", {"command": "exit 7"})
    assert bad.is_error and bad.structured_content["exit_code"] == 7

    wrong = await session.call_tool("exec", {"comand": "true"})
    assert wrong.is_error and "comand" in text(wrong), wrong

    unknown = await failing(session.call_tool("exce", {}))
    assert unknown.error.code == -32602 and "exec" in unknown.error.message, unknown.error

    await session.call_tool("write", {"path": "note.txt", "content": "kept\n"})
    assert text(await session.call_tool("read", {"path": "note.txt"})) == "kept\n"
    assert text(await session.call_tool("exec", {"command": "cat seed.txt"})) == "from the host\n"


async def parallel(session):
    # Each waits for the file that the other one makes.
    pairs = [("a", "b"), ("b", "a")]
    results = await asyncio.gather(
        *[
            session.call_tool("exec", {"command": f"touch {own}; until test -e {other}; do sleep 0.01; done; echo {own}"})
            for own, other in pairs
        ]
    )
    assert [text(result) for result in results] == ["a\n", "b\n"], results


async def progress(session):
    seen = []

    async def note(done, total, message):
        seen.append((done, message))

    waiting = "until test -e seen; do sleep 0.01; done"
    call = asyncio.create_task(session.call_tool("exec", {"command": waiting}, progress_callback=note))
    while len(seen) < 2:
        await asyncio.sleep(0.01)
    await session.call_tool("exec", {"command": "touch seen"})
    assert not (await call).is_error
    assert seen == sorted(seen) and seen[0] != seen[1], seen


async def cancellation(session):
    """The SDK cancels a call that it no longer waits for."""
    await failing(session.call_tool("exec", {"command": "sleep 7101 & sleep 7102"}, read_timeout_seconds=0.5))
    gone = "for i in $(seq 500); do ps ax | grep -q '[s]leep 710' || exit 0; sleep 0.01; done; exit 1"
    assert not (await session.call_tool("exec", {"command": gone})).is_error


async def main(ise, out, keep, workdir):
    arguments = ["mcp", "--out", out, "--keep", keep, "--workdir-from", workdir]
    async with stdio_client(StdioServerParameters(command=ise, args=arguments)) as (reading, writing):
        async with ClientSession(reading, writing) as session:
            answer = await session.initialize()
            assert answer.server_info.name == "ise" and answer.protocol_version == "2025-11-25"
            assert answer.instructions
            await session.send_ping()
            for part in (lists, calls, parallel, progress, cancellation):
                await part(session)
                print(part.__name__, file=sys.stderr)
    print("ok")


asyncio.run(main(*sys.argv[1:]))
