"""Signs a person in and calls tools, with the official Python SDK of either line.

Speaks JSON, one object a line. The first line on standard input is the job: url, mode (2.x only),
and client or client_metadata_url where it has one. Then it asks and answers: {"open": URL} wants a
person to sign in, and is answered {"callback": URL}; {"ready": true} says that it is connected.
After that each {"list": true} or {"call": TOOL, "arguments": {…}} is answered in one line, and it
ends with its standard input. Tokens are kept in memory and never printed.
"""

import asyncio
import importlib.metadata
import json
import sys
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

IS_FIRST_LINE = importlib.metadata.version("mcp").startswith("1.")
REDIRECT_URI = "http://127.0.0.1:41598/callback"


def say(message):
    print(json.dumps(message), flush=True)


async def hear():
    line = await asyncio.to_thread(sys.stdin.readline)
    return json.loads(line) if line else None


class Memory:
    """What the SDK keeps of a sign-in."""

    def __init__(self, client):
        self._tokens = None
        self._client = client

    async def get_tokens(self):
        return self._tokens

    async def set_tokens(self, tokens):
        self._tokens = tokens

    async def get_client_info(self):
        return self._client

    async def set_client_info(self, client_info):
        self._client = client_info


async def open_page(url):
    say({"open": url})


async def callback():
    query = parse_qs(urlsplit((await hear())["callback"]).query)
    answer = {name: values[0] for name, values in query.items()}
    if IS_FIRST_LINE:
        return answer.get("code", ""), answer.get("state")
    from mcp.shared.auth import AuthorizationCodeResult

    known = {name: answer[name] for name in ("code", "state", "iss") if name in answer}
    return AuthorizationCodeResult(**known)


def oauth_of(job):
    client = job.get("client")
    metadata = OAuthClientMetadata(
        client_name="rolecall-test",
        redirect_uris=[REDIRECT_URI],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
    )
    registered = client and OAuthClientInformationFull(redirect_uris=[REDIRECT_URI], **client)
    return OAuthClientProvider(
        server_url=job["url"],
        client_metadata=metadata,
        storage=Memory(registered),
        redirect_handler=open_page,
        callback_handler=callback,
        client_metadata_url=job.get("client_metadata_url"),
    )


@asynccontextmanager
async def session(job, http):
    """1.x: a session over the transport's two streams. 2.x: one client object."""
    if IS_FIRST_LINE:
        from mcp import ClientSession

        async with streamable_http_client(job["url"], http_client=http) as (read, write, _):
            async with ClientSession(read, write) as started:
                await started.initialize()
                yield started
    else:
        from mcp import Client

        transport = streamable_http_client(job["url"], http_client=http)
        async with Client(transport, mode=job["mode"]) as client:
            yield client


async def answer_to(client, command):
    if "list" in command:
        return {"tools": [tool.name for tool in (await client.list_tools()).tools]}
    result = await client.call_tool(command["call"], command["arguments"])
    text = "\n".join(part.text for part in result.content if part.type == "text")
    failed = result.isError if IS_FIRST_LINE else result.is_error
    return {"isError": bool(failed), "text": text}


async def main():
    job = await hear()
    async with create_mcp_http_client(auth=oauth_of(job)) as http:
        async with session(job, http) as client:
            say({"ready": True})
            while (command := await hear()) is not None:
                say(await answer_to(client, command))


asyncio.run(main())
