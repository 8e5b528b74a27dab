"""Lists and calls tools as one person, with the official Python SDK of either line.

Reads one JSON job on standard input: url, token, mode (2.x only) and calls, each with tool and
arguments. Writes one JSON answer on standard output: protocol, tools and answers. The token is
never an argument and is never printed.
"""

import asyncio
import importlib.metadata
import json
import sys

from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


def text_of(result):
    return "\n".join(part.text for part in result.content if part.type == "text")


async def with_session(job, http):
    """1.x: a session over the transport's two streams."""
    from mcp import ClientSession

    async with streamable_http_client(job["url"], http_client=http) as (read, write, _):
        async with ClientSession(read, write) as session:
            started = await session.initialize()
            tools = (await session.list_tools()).tools
            answers = []
            for call in job["calls"]:
                result = await session.call_tool(call["tool"], call["arguments"])
                answers.append({"isError": result.isError, "text": text_of(result)})
            return started.protocolVersion, tools, answers


async def with_client(job, http):
    """2.x: one client object, which finds out what the server speaks."""
    from mcp import Client

    transport = streamable_http_client(job["url"], http_client=http)
    async with Client(transport, mode=job["mode"]) as client:
        tools = (await client.list_tools()).tools
        answers = []
        for call in job["calls"]:
            result = await client.call_tool(call["tool"], call["arguments"])
            answers.append({"isError": bool(result.is_error), "text": text_of(result)})
        return client.protocol_version, tools, answers


async def main():
    job = json.load(sys.stdin)
    is_first_line = importlib.metadata.version("mcp").startswith("1.")
    work = with_session if is_first_line else with_client
    headers = {"Authorization": f"Bearer {job['token']}"}
    async with create_mcp_http_client(headers=headers) as http:
        protocol, tools, answers = await work(job, http)
    names = [tool.name for tool in tools]
    json.dump({"protocol": protocol, "tools": names, "answers": answers}, sys.stdout)


asyncio.run(main())
