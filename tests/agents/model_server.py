"""Models that answer as they are told, on the loopback: Anthropic messages, OpenAI responses and chat, Gemini.

The first part of a URL's path is what is asked of the server: `/ok/…`, `/tool/…`, `/limit/…`, `/login/…`, `/hang/…`.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from executor import clock

ANSWER = "DONE: task finished."
COMMAND = "echo from-tool > made_by_agent.txt"
INPUT, CACHED, OUTPUT = 1000, 300, 50
_HANG_SECONDS = 3600
_CREATED = 1_795_000_000
_SHELLS = ("bash", "Bash", "shell", "run_shell_command", "exec_command", "shell_command")
_REFUSALS: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = {
    "limit": (
        429,
        {
            "type": "rate_limit_error",
            "message": "Quota exceeded. You have hit your usage limit",
            "code": "insufficient_quota",
            "status": "RESOURCE_EXHAUSTED",
        },
        {"retry-after": "18000"},
    ),
    "login": (
        401,
        {"type": "authentication_error", "message": "invalid x-api-key", "code": "invalid_api_key"},
        {},
    ),
}


@contextmanager
def serving() -> Iterator[str]:
    """The server's URL, as long as it is needed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        return

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        if "models" in self.path:
            self._json(200, {"object": "list", "data": [{"id": "mock-model", "object": "model", "owned_by": "mock"}]})
        else:
            self._json(404, {"error": {"message": "not found"}})

    def do_POST(self) -> None:
        raw = self._body()
        body = json.loads(raw or b"{}")
        asked, _, path = self.path.lstrip("/").partition("/")
        if asked == "hang":
            time.sleep(_HANG_SECONDS)
        elif asked in _REFUSALS and "count_tokens" not in path:
            status, error, headers = _REFUSALS[asked]
            if asked == "limit" and path.endswith("/responses"):
                error = _of_subscription()
            self._json(status, {"type": "error", "error": error}, headers)
        else:
            self._answer(path, body, wants_tool=asked == "tool")

    def _answer(self, path: str, body: dict[str, Any], *, wants_tool: bool) -> None:
        if "count_tokens" in path:
            self._json(200, {"input_tokens": INPUT})
        elif "/messages" in f"/{path}":
            self._send(body, _anthropic(body, wants_tool=wants_tool), named=True)
        elif path.partition("?")[0].endswith("/responses"):
            self._send(body, _responses(body, wants_tool=wants_tool), named=True)
        elif path.endswith("/chat/completions"):
            self._send(body, _chat(body, wants_tool=wants_tool), named=False, end="data: [DONE]\n\n")
        elif "enerateContent" in path:
            whole, events = _gemini(body, wants_tool=wants_tool)
            self._send({"stream": "stream" in path}, (whole, events), named=False)
        else:
            self._json(404, {"error": {"message": f"not found {path}"}})

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        raw = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            raw += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return raw

    def _send(
        self,
        body: dict[str, Any],
        answer: tuple[dict[str, Any], Sequence[dict[str, Any]]],
        *,
        named: bool,
        end: str = "",
    ) -> None:
        whole, events = answer
        if not body.get("stream"):
            self._json(200, whole)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events:
            name = f"event: {event['type']}\n" if named else ""
            self._chunk(f"{name}data: {json.dumps(event)}\n\n")
        if end:
            self._chunk(end)
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        raw = text.encode()
        self.wfile.write(b"%x\r\n" % len(raw) + raw + b"\r\n")

    def _json(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        for name, content in (headers or {}).items():
            self.send_header(name, content)
        self.end_headers()
        self.wfile.write(raw)


def _of_subscription() -> dict[str, Any]:
    """How a limit of a subscription is told: with the moment at which it is over."""
    seconds = 7200
    return {
        "type": "usage_limit_reached",
        "message": "The usage limit has been reached",
        "plan_type": "plus",
        "resets_at": clock.wall_ns() // 10**9 + seconds,
        "resets_in_seconds": seconds,
    }


def _tool(names: Sequence[str | None], has_result: bool, *, wants_tool: bool) -> str | None:
    """The tool to call for a command, if one is to be called and has not been."""
    return next((name for name in names if name in _SHELLS), None) if wants_tool and not has_result else None


def _arguments(tool: str) -> dict[str, Any]:
    if tool == "exec_command":
        return {"cmd": COMMAND}
    if tool == "shell":
        return {"command": ["bash", "-lc", COMMAND]}
    told: dict[str, Any] = {"command": COMMAND, "description": "make a file"}
    return told | ({"is_background": False} if tool == "run_shell_command" else {})


def _anthropic(body: dict[str, Any], *, wants_tool: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    tool = _tool(
        [one.get("name") for one in body.get("tools", [])], "tool_result" in json.dumps(body), wants_tool=wants_tool
    )
    if tool:
        part: dict[str, Any] = {
            "type": "tool_use",
            "id": f"toolu_{uuid.uuid4().hex[:20]}",
            "name": tool,
            "input": _arguments(tool),
        }
    else:
        part = {"type": "text", "text": ANSWER}
    reason = "tool_use" if tool else "end_turn"
    usage = {
        "input_tokens": INPUT,
        "cache_creation_input_tokens": 200,
        "cache_read_input_tokens": CACHED,
        "output_tokens": OUTPUT,
    }
    message = {"id": f"msg_{uuid.uuid4().hex[:20]}", "type": "message", "role": "assistant", "model": body.get("model")}
    message |= {"stop_sequence": None}
    whole = message | {"content": [part], "stop_reason": reason, "usage": usage}
    if tool:
        begin: dict[str, Any] = {**part, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(part["input"])}
    else:
        begin, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": ANSWER}
    events: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": message | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}},
        },
        {"type": "content_block_start", "index": 0, "content_block": begin},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": OUTPUT},
        },
        {"type": "message_stop"},
    ]
    return whole, events


def _responses(body: dict[str, Any], *, wants_tool: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    tool = _tool(
        [one.get("name") for one in body.get("tools", [])],
        "function_call_output" in json.dumps(body),
        wants_tool=wants_tool,
    )
    if tool:
        item: dict[str, Any] = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": f"call_{uuid.uuid4().hex[:8]}",
            "name": tool,
        }
        item |= {"arguments": json.dumps(_arguments(tool)), "status": "completed"}
    else:
        content = [{"type": "output_text", "text": ANSWER, "annotations": []}]
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    usage = {
        "input_tokens": INPUT,
        "input_tokens_details": {"cached_tokens": CACHED},
        "output_tokens": OUTPUT,
        "output_tokens_details": {"reasoning_tokens": 10},
        "total_tokens": INPUT + OUTPUT,
    }
    named = {"id": f"resp_{uuid.uuid4().hex[:20]}", "object": "response", "model": body.get("model")}
    whole = {**named, "status": "completed", "output": [item], "usage": usage}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": named},
        {"type": "response.output_item.added", "output_index": 0, "item": item | ({} if tool else {"content": []})},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return whole, events


def _chat(body: dict[str, Any], *, wants_tool: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    names = [one.get("function", {}).get("name") for one in body.get("tools", [])]
    tool = _tool(names, any(one.get("role") == "tool" for one in body.get("messages", [])), wants_tool=wants_tool)
    if tool:
        call = {"index": 0, "id": f"call_{uuid.uuid4().hex[:8]}", "type": "function"}
        call |= {"function": {"name": tool, "arguments": json.dumps(_arguments(tool))}}
        message: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [call]}
    else:
        message = {"role": "assistant", "content": ANSWER}
    reason = "tool_calls" if tool else "stop"
    usage = {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT}
    usage_told = usage | {"prompt_tokens_details": {"cached_tokens": CACHED}}
    named = {"id": f"chatcmpl-{uuid.uuid4().hex[:12]}", "created": _CREATED, "model": body.get("model")}
    whole = named | {"object": "chat.completion", "usage": usage_told}
    whole |= {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}
    chunk = named | {"object": "chat.completion.chunk"}
    events: list[dict[str, Any]] = [
        chunk | {"choices": [{"index": 0, "delta": message, "finish_reason": None}]},
        chunk | {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
        chunk | {"choices": [], "usage": usage_told},
    ]
    return whole, events


def _gemini(body: dict[str, Any], *, wants_tool: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    names = [one.get("name") for tool in body.get("tools", []) for one in tool.get("functionDeclarations", [])]
    parts = [part for content in body.get("contents", []) for part in content.get("parts", [])]
    tool = _tool(names, any("functionResponse" in part for part in parts), wants_tool=wants_tool)
    part: dict[str, Any] = {"text": ANSWER}
    if tool:
        part = {"functionCall": {"name": tool, "args": {"command": COMMAND, "description": "make a file"}}}
    if body.get("generationConfig", {}).get("responseMimeType") == "application/json":  # which model it should ask
        part = {
            "text": json.dumps(
                {
                    "reasoning": "x",
                    "model_choice": "flash",
                    "next_speaker": "user",
                    "complexity_reasoning": "x",
                    "complexity_score": 10,
                }
            )
        }
    usage = {"promptTokenCount": INPUT, "candidatesTokenCount": OUTPUT, "totalTokenCount": INPUT + OUTPUT}
    whole = {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": usage | {"cachedContentTokenCount": CACHED},
        "modelVersion": "gemini-mock",
    }
    return whole, [whole]
