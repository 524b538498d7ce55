#!/usr/bin/env python3
"""A FastAPI service: answers as JSON, tokens as server-sent events, statistics and health beside them.

    chat_service.py [--port N] [--base-url URL --model NAME]

Without a provider it runs on the embedded simulator. Needs fastapi and uvicorn. One client serves all
requests: connections, limits and the circuit breaker are shared. A browser that goes away cancels its call.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.middleware.base import RequestResponseEndpoint

import graphbit
from graphbit import LlmClient, LlmConfig
from graphbit.testing import Simulator


class Question(BaseModel):
    """The body of a request."""

    prompt: str
    timeout_s: float = 30.0


def create_app(config: LlmConfig) -> FastAPI:
    """Several workers (``uvicorn --workers``) each make their own client after the fork."""
    app = FastAPI(title="chat service")
    client = LlmClient(config)

    @app.middleware("http")
    async def follow_trace(request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Calls made for a request belong to the trace that its caller is in."""
        try:
            caller = graphbit.trace_context(request.headers.get("traceparent", ""))
        except ValueError:  # none, or none that the standard allows: a trace of our own
            return await call_next(request)
        with caller:
            return await call_next(request)

    @app.post("/ask")
    async def ask(question: Question) -> dict[str, Any]:
        try:
            response = await client.complete_full_async(question.prompt, timeout_s=question.timeout_s)
        except TimeoutError as error:
            raise HTTPException(504, str(error)) from error
        except (ConnectionError, RuntimeError) as error:  # every provider's failure; the text is fit to show
            raise HTTPException(502, str(error)) from error
        return {"answer": response.content, "tokens": response.usage.total_tokens}

    @app.post("/stream")
    async def stream(question: Question) -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            try:
                async for chunk in client.complete_stream(question.prompt, timeout_s=question.timeout_s):
                    yield f"data: {json.dumps(chunk)}\n\n"
            except (ConnectionError, RuntimeError) as error:
                yield f"event: error\ndata: {json.dumps(str(error))}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    @app.get("/stats")
    async def stats() -> dict[str, Any]:
        return client.get_stats()

    @app.get("/healthz")
    async def health() -> dict[str, Any]:
        return graphbit.health_check()

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="Serves a model over HTTP.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--base-url", help="an OpenAI-compatible server (default: the embedded simulator)")
    parser.add_argument("--model", default="simulated")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if options.base_url:
            config = LlmConfig.openai_compatible(options.base_url, model=options.model)
        else:
            config = stack.enter_context(Simulator()).llm_config()
        uvicorn.run(create_app(config), host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
