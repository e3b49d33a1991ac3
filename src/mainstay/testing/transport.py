"""Requests handed to the app on the loop it was opened on, whichever loop the test runs on."""

import asyncio
from collections.abc import AsyncIterator

import httpx2 as httpx
from anyio.from_thread import BlockingPortal
from starlette.types import ASGIApp


class PortalTransport(httpx.AsyncBaseTransport):
    """An async client's way to an app that lives on another loop: its database connections belong to that one."""

    def __init__(self, app: ASGIApp, portal: BlockingPortal, *, raise_exceptions: bool) -> None:
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=raise_exceptions)
        self._portal = portal

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        future = self._portal.start_task_soon(self._answer, request)
        return await asyncio.wrap_future(future)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        stream = answer.stream
        if not isinstance(stream, AsyncIterator | httpx.AsyncByteStream):
            raise TypeError("the app's answer cannot be read asynchronously")
        body = b"".join([part async for part in stream])
        return httpx.Response(answer.status_code, headers=answer.headers, content=body, request=request)
