"""Drives HolmesGPT's own code, without a language model, a cluster or the Robusta platform.

Started with the path of a Unix socket, it imports HolmesGPT once, writes one line to standard output
and forks one HolmesGPT, with nothing remembered, for each connection: starting a second one is then
quick, and ending one is what the end of a pod is. On a connection come JSON commands, one a line, each
answered by one line: {"answer": …} or {"error": text}. It ends with its standard input.

What stands in for what is not there: a model that asks for the tool calls that it is told to, and the
platform's table of tokens, in a file. Tokens are never answered, only digests of them.
"""

import hashlib
import itertools
import json
import logging
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

FOLDER = tempfile.TemporaryDirectory(prefix="rolecall-holmes-")
os.environ.update(
    {
        # Else the import asks the network for prices.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        # Else ~/.holmes.
        "HOLMES_CONFIGPATH_DIR": FOLDER.name,
        "ROBUSTA_CONFIG_PATH": str(Path(FOLDER.name, "robusta.yaml")),
        "CLUSTER_NAME": "demo",
    }
)

import yaml  # noqa: E402
from holmes.config import Config  # noqa: E402
from holmes.core.llm import LLM, ContextWindowUsage  # noqa: E402
from holmes.core.models import OAuthCallbackRequest, ToolApprovalDecision  # noqa: E402
from holmes.core.oauth_config import OAuthConfigLookupError, OAuthTokenExchangeError  # noqa: E402
from holmes.core.oauth_server_callbacks import handle_oauth_callback  # noqa: E402
from holmes.core.oauth_utils import _get_token_manager, build_authorization_url  # noqa: E402
from holmes.core.prompt import build_system_prompt  # noqa: E402
from holmes.core.tool_calling_llm import ToolCallingLLM  # noqa: E402
from holmes.plugins.toolsets import load_builtin_toolsets  # noqa: E402
from holmes.utils.stream import StreamEvents  # noqa: E402
from litellm import ModelResponse  # noqa: E402


class ScriptedModel(LLM):
    """Asks for its tool calls in the one turn, and ends the conversation in the next."""

    def __init__(self, tool_calls):
        self.model = "scripted"
        self.turns = [tool_calls]

    def get_context_window_size(self):
        return 1_000_000

    def get_maximum_output_token(self):
        return 1_000

    def count_tokens(self, messages, tools=None):
        return ContextWindowUsage(**dict.fromkeys(ContextWindowUsage.model_fields, 0))

    def completion(self, *_args, **_options):
        tool_calls = self.turns.pop(0) if self.turns else []
        message = {"role": "assistant", "content": "done", "tool_calls": tool_calls or None}
        return ModelResponse(choices=[{"message": message}])


class TokenTable:
    """The platform's table of OAuth tokens, as far as HolmesGPT asks for it, in a file."""

    enabled = True

    def __init__(self, path):
        self._path = Path(path)
        self._lock = threading.Lock()

    def rows(self):
        with self._lock:
            return self._read()

    def get_oauth_token(self, provider_name, user_id, signing_key_hash):
        wanted = (provider_name, user_id, signing_key_hash)
        return next((row for row in self.rows() if self._key(row) == wanted), None)

    def get_all_oauth_tokens_for_cluster(self, signing_key_hash):
        return [row for row in self.rows() if row["signing_key_hash"] == signing_key_hash]

    def upsert_oauth_token(self, **row):
        with self._lock:
            others = [old for old in self._read() if self._key(old) != self._key(row)]
            self._write([*others, row])
        return True

    def delete_oauth_token(self, provider_name, user_id, signing_key_hash):
        wanted = (provider_name, user_id, signing_key_hash)
        with self._lock:
            self._write([row for row in self._read() if self._key(row) != wanted])

    @staticmethod
    def _key(row):
        return (row["provider_name"], row["user_id"], row["signing_key_hash"])

    def _read(self):
        return json.loads(self._path.read_text()) if self._path.exists() else []

    def _write(self, rows):
        self._path.write_text(json.dumps(rows))


def digest(token):
    return None if token is None else hashlib.sha256(token.encode()).hexdigest()[:12]


class Holmes:
    """One HolmesGPT as its server has it: one configuration, one executor, people who chat."""

    def __init__(self):
        self._config = None
        self._table = None
        self._paused = {}
        self._call_ids = itertools.count(1)

    def start(self, mcp_servers, store=None):
        """Reads a configuration file with these servers; discovery is in the checks of the start."""
        path = Path(tempfile.mkdtemp(dir=FOLDER.name), "config.yaml")
        path.write_text(yaml.safe_dump({"model": "scripted", "mcp_servers": mcp_servers}))
        self._table = TokenTable(store) if store else None
        self._config = Config.load_from_file(path)
        names = [toolset for toolset in self._executor().toolsets if toolset.name in mcp_servers]
        return [self._describe(toolset) for toolset in names]

    @staticmethod
    def _describe(toolset):
        oauth = toolset._mcp_config.oauth
        return {
            "name": toolset.name,
            "status": toolset.status.value,
            "error": toolset.error,
            "tools": [tool.name for tool in toolset.tools],
            "authorization_url": oauth.authorization_url,
            "token_url": oauth.token_url,
            "client_id": oauth.client_id,
            "scopes": oauth.scopes,
            "resource": oauth.resource,
            "registration_endpoint": oauth.registration_endpoint,
        }

    def _executor(self):
        return self._config.create_server_tool_executor(self._table)

    def _oauth(self, toolset_name):
        toolsets = self._executor().toolsets
        return next(ts for ts in toolsets if ts.name == toolset_name)._mcp_config.oauth

    def tools(self, user):
        """What the model is offered in this person's chat, of the MCP servers."""
        return [function["name"] for function in self.definitions(user)]

    def system_prompt(self):
        """What the model is told before all else."""
        return build_system_prompt(self._executor().toolsets, None, None, None, False, {})

    def definitions(self, user):
        """The same with the schemas, as the model gets them."""
        executor = self._executor()
        offered = executor.get_all_tools_openai_format(user_id=user)
        functions = [tool["function"] for tool in offered]
        return [one for one in functions if self._is_of_mcp_server(executor, one["name"], user)]

    @staticmethod
    def _is_of_mcp_server(executor, name, user):
        tool = executor.get_tool_by_name(name, user_id=user)
        return hasattr(tool, "mcp_tool_name")

    def chat(self, user, calls):
        """A person's question, for which the model makes these calls at once."""
        tool_calls = [
            {
                "id": f"call_{next(self._call_ids)}",
                "type": "function",
                "function": {"name": call["tool"], "arguments": json.dumps(call["arguments"])},
            }
            for call in calls
        ]
        messages = [{"role": "user", "content": "?"}]
        return self._converse(user, ScriptedModel(tool_calls), messages, None)

    def decide(self, user, approval, decision):
        """Path A: the person has signed in, the page hands the code in with the approval."""
        decided = ToolApprovalDecision(tool_call_id=approval, approved=True, decision=decision)
        return self._converse(user, ScriptedModel([]), self._paused.pop(approval), [decided])

    def _converse(self, user, model, messages, decisions):
        conversation = ToolCallingLLM(self._executor(), 4, model, None)
        events = conversation.call_stream(
            msgs=messages,
            enable_tool_approval=True,
            tool_decisions=decisions,
            request_context={"user_id": user},
        )
        results, approvals = [], []
        for event in events:
            if event.event == StreamEvents.TOOL_RESULT:
                results.append(self._result(event.data))
            elif event.event == StreamEvents.APPROVAL_REQUIRED:
                for pending in event.data["pending_approvals"]:
                    self._paused[pending["tool_call_id"]] = event.data["messages"]
                    approvals.append(self._approval(pending))
        done = [result for result in results if result["status"] != "approval_required"]
        return {"results": done, "approvals": approvals}

    @staticmethod
    def _result(data):
        result = data["result"]
        text = result["error"] or result["data"] or ""
        return {"tool": data["tool_name"], "status": result["status"].value, "text": text}

    @staticmethod
    def _approval(pending):
        oauth = pending["params"]["__oauth_metadata"]
        return {"id": pending["tool_call_id"], "tool": pending["tool_name"], "oauth": oauth}

    @staticmethod
    def authorize_url(**parameters):
        """What the popup is opened with, by HolmesGPT's own builder."""
        return build_authorization_url(**parameters)

    def callback(self, **request):
        """Path B: POST /api/oauth/callback, as the "Login" button of the page causes it."""
        try:
            answer = handle_oauth_callback(
                OAuthCallbackRequest(**request), self._config, self._table
            )
            return {"success": answer.success, "error": answer.error}
        except (OAuthTokenExchangeError, OAuthConfigLookupError) as error:
            return {"success": False, "error": str(error)}

    def _cached(self, user, toolset):
        manager = _get_token_manager()
        key = manager.get_cache_key(self._oauth(toolset), {"user_id": user})
        return manager.cache._cache.get(key)

    def expire(self, user, toolset):
        """HolmesGPT's own clock says that the access token is over; the token itself is not."""
        self._cached(user, toolset).expires_at = time.monotonic() - 1

    def sweep(self):
        """What its background thread does once an hour."""
        manager = _get_token_manager()
        manager.preload_from_store()
        manager._refresh_expiring_tokens()

    def stored(self, user, toolset):
        """Which tokens it has: in memory, and how many rows there are for this person."""
        entry = self._cached(user, toolset)
        rows = self._table.rows() if self._table else []
        return {
            "access": digest(entry.access_token) if entry else None,
            "refresh": digest(entry.refresh_token) if entry else None,
            "expires_in": round(entry.expires_at - time.monotonic()) if entry else None,
            "rows": sum(row["user_id"] == user for row in rows),
        }


def serve(connection):
    holmes = Holmes()
    with connection, connection.makefile("rw") as lines:
        for line in lines:
            command = json.loads(line)
            method = getattr(holmes, command.pop("command"))
            try:
                answer = {"answer": method(**command)}
            except Exception as error:
                logging.exception("the command failed")
                answer = {"error": f"{type(error).__name__}: {error}"}
            lines.write(json.dumps(answer) + "\n")
            lines.flush()


def main(address):
    Path(os.environ["ROBUSTA_CONFIG_PATH"]).write_text(
        yaml.safe_dump({"sinks_config": [], "global_config": {"signing_key": "for-tests-only"}})
    )
    # For what it imports: each HolmesGPT would do so again.
    load_builtin_toolsets()
    # A child that ends is nobody's to wait for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listener.close()
                serve(connection)
                os._exit(0)
            connection.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    main(sys.argv[1])
    FOLDER.cleanup()
    # Taking hundreds of modules apart takes a second.
    os._exit(0)
