"""What the server answers: a page, its data, pictures. It reads, and writes nothing.

| address | answer |
|---|---|
| `/` | the page |
| `/api/runs` | the runs, newest first |
| `/api/data?run=ID&run=ID` | what the report shows of them |
| `/image/ID/STEP?v=VERSION` | a picture of samples |
"""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from nashgrad.lab.live.guard import POLICY, Guard, Trust, is_loopback
from nashgrad.lab.live.overview import Overview
from nashgrad.lab.pages import embedded, page, plotly


def create_app(root: Path, trusted: Trust = is_loopback) -> Guard:
    """The server's application.

    Args:
        root: the folder below which runs are shown.
        trusted: says under which names it may be asked.
    """
    overview = Overview(root)

    async def home(request: Request) -> Response:
        return HTMLResponse(
            page("live/live.html", plotly=plotly(), policy=POLICY, root=overview.root.name)
        )

    async def runs(request: Request) -> Response:
        return _json(await run_in_threadpool(overview.runs))

    async def data(request: Request) -> Response:
        ids = request.query_params.getlist("run")
        return _json(await run_in_threadpool(overview.data, ids))

    async def image(request: Request) -> Response:
        name, step = request.path_params["name"], request.path_params["step"]
        found = await run_in_threadpool(overview.picture, name, step)
        if found is None:
            return Response("no such picture", 404)
        return Response(found, media_type="image/png")

    routes = [
        Route("/", home),
        Route("/api/runs", runs),
        Route("/api/data", data),
        Route("/image/{name:str}/{step:int}", image),
    ]
    return Guard(Starlette(routes=routes), trusted)


def _json(value: object) -> Response:
    """Escaped as in a page, so that it is harmless wherever it is shown."""
    return Response(str(embedded(value)), media_type="application/json")
