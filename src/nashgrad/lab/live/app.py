"""What the server answers: a page, its data, pictures. It reads, and writes nothing.

| address | answer |
|---|---|
| `/` | the page |
| `/api/runs` | the runs, newest first |
| `/api/data?run=ID&run=ID` | what the report shows of them |
| `/image/ID/STEP` | a picture of samples |
"""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from nashgrad.lab.live.overview import Overview
from nashgrad.lab.pages import embedded, page
from nashgrad.lab.report.report import plotly

MOST_CHOSEN = 40
"""Runs that are compared at once."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def create_app(root: Path, hosts: tuple[str, ...] = LOOPBACK) -> Starlette:
    """The server's application.

    Args:
        root: the folder below which runs are shown.
        hosts: names under which it may be asked: a page of somebody else that is pointed at this
            machine by its own name server is refused.
    """
    overview = Overview(root)

    async def home(request: Request) -> Response:
        return HTMLResponse(
            page("live/live.html", plotly=plotly(), root=root.name), headers=HEADERS
        )

    async def runs(request: Request) -> Response:
        return _json({"runs": await run_in_threadpool(overview.runs)})

    async def data(request: Request) -> Response:
        ids = request.query_params.getlist("run")[:MOST_CHOSEN]
        return _json(await run_in_threadpool(overview.data, ids))

    async def image(request: Request) -> Response:
        name, step = request.path_params["name"], request.path_params["step"]
        path = await run_in_threadpool(overview.picture, name, step)
        if path is None or not path.is_file():
            return Response("no such picture", 404, headers=HEADERS)
        return FileResponse(path, media_type="image/png", headers=HEADERS)

    routes = [
        Route("/", home),
        Route("/api/runs", runs),
        Route("/api/data", data),
        Route("/image/{name:str}/{step:int}", image),
    ]
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    return Starlette(routes=routes, middleware=[trusted])


def _json(value: object) -> Response:
    """Escaped as in a page, so that it is harmless wherever it is shown."""
    return Response(str(embedded(value)), media_type="application/json", headers=HEADERS)
