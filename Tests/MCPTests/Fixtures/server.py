"""A small MCP server, and a bad one on request. usage: server.py [MODE]

Modes: "silent" (answers nothing), "ends" (exit 3 at once), "garbage" (no JSON before each answer), "old" (a version that
nobody knows), "odd" (a list with useless tools in it), "loop" (pages without end).
"""

import json
import os
import sys
import time

MODE = sys.argv[1] if len(sys.argv) > 1 else ""

OBJECT = {"type": "object"}
TOOLS = [
    {
        "name": "add",
        "description": "Adds two numbers.",
        "inputSchema": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
        },
    },
    {"name": "exec", "description": "Has the name of another tool.", "inputSchema": OBJECT},
    {"name": "fail", "inputSchema": OBJECT},
    {"name": "refuse", "inputSchema": OBJECT},
    {"name": "nothing", "inputSchema": OBJECT},
    {"name": "die", "inputSchema": OBJECT},
    {"name": "hang", "inputSchema": OBJECT},
    {"name": "ask", "inputSchema": OBJECT},
    {"name": "picture", "inputSchema": OBJECT},
    {"name": "where", "inputSchema": OBJECT},
    {"name": "my.tool/1", "inputSchema": OBJECT},
]


def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def text(value, **more):
    return {"content": [{"type": "text", "text": value}], **more}


def ask(method):
    send({"jsonrpc": "2.0", "id": "s-" + method, "method": method, "params": {}})
    answer = json.loads(sys.stdin.readline())
    return answer.get("result", answer.get("error"))


def call(name, arguments):
    if name == "add":
        return text(str(arguments["a"] + arguments["b"]), structuredContent={"sum": arguments["a"] + arguments["b"]})
    if name == "fail":
        return text("there is no such thing", isError=True)
    if name == "nothing":
        return {}
    if name == "die":
        print("out of luck", file=sys.stderr, flush=True)
        os._exit(7)
    if name == "hang":
        time.sleep(7301)
    if name == "ask":
        methods = ["ping", "roots/list", "sampling/createMessage", "elicitation/create", "made/up"]
        return text(json.dumps({method: ask(method) for method in methods}))
    if name == "picture":
        return {"content": [{"type": "image", "mimeType": "image/png", "data": "AAAA"}, {"type": "text", "text": "seen"}]}
    if name == "where":
        with open("made-by-server.txt", "w") as file:
            file.write("here\n")
        return text(os.getcwd())
    return text("called " + name)


def answer(request):
    method, params = request["method"], request.get("params") or {}
    if method == "initialize":
        version = "1999-01-01" if MODE == "old" else params["protocolVersion"]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "small", "version": "2"}}
    if method == "tools/list":
        if MODE == "loop":
            cursor = int(params.get("cursor", "0")) + 1
            return {"tools": [{"name": "t%d" % cursor, "inputSchema": OBJECT}], "nextCursor": str(cursor)}
        if MODE == "odd":
            return {"tools": [{"name": "good", "inputSchema": OBJECT}, {"name": "good", "inputSchema": OBJECT},
                              {"name": "", "inputSchema": OBJECT}, {"name": "no schema"}, 17]}
        start = int(params.get("cursor", "0"))
        page = {"tools": TOOLS[start : start + 4]}
        if start + 4 < len(TOOLS):
            page["nextCursor"] = str(start + 4)
        return page
    return call(params["name"], params.get("arguments") or {})


def main():
    if MODE == "ends":
        print("cannot go on", file=sys.stderr)
        sys.exit(3)
    print("server is up", file=sys.stderr, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request or "method" not in request or MODE == "silent":
            continue
        if MODE == "garbage":
            print("debug: got", request["method"])
            print("{" * 40, flush=True)
        if (request.get("params") or {}).get("name") == "refuse":
            send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32602, "message": "not like this"}})
        else:
            send({"jsonrpc": "2.0", "id": request["id"], "result": answer(request)})


main()
