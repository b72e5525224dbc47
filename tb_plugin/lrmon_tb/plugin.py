"""The plugin: routes under ``/data/plugin/lrmon/``, described in http_api.md."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tensorboard import context as tb_context
from tensorboard import errors, plugin_util
from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug import Request, Response

from lrmon import schema
from lrmon.analysis.plateau.rule import SETTINGS
from lrmon.review.reading.data_provider import RecordReader
from lrmon.review.reading.run_cache import RunCache
from lrmon.review.report.plateau_settings import metric_names
from lrmon.review.report.report import analyzed_run, report
from lrmon.review.run.export import export
from lrmon.review.run.series import View, series_json
from lrmon.review.run_list import summarize
from lrmon_tb import page
from lrmon_tb.arguments import Arguments

P = TypeVar("P", bound="Plugin")


def _route(respond: Callable[[P, Request], Response]) -> Callable[[P, Any, Any], Any]:
    """Returns a WSGI application of a method; an error for the user becomes JSON with one sentence."""

    @functools.wraps(respond)
    def application(plugin: P, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        try:
            if request.method not in ("GET", "HEAD"):
                raise MethodNotAllowedError(request.method)
            response = respond(plugin, request)
        except errors.PublicError as error:
            sentence = schema.to_json({"error": str(error)})
            response = _respond(request, sentence, code=error.http_code, headers=error.headers)
        return response(environ, start_response)

    return application


class MethodNotAllowedError(errors.PublicError):
    """A route got a request with another method than GET or HEAD."""

    http_code = 405

    def __init__(self, method: str) -> None:
        super().__init__(f"Method not allowed: send GET, got {method[:20]}")
        self.headers.append(("Allow", "GET, HEAD"))


class Plugin(base_plugin.TBPlugin):
    """lrmon for TensorBoard."""

    plugin_name = schema.PLUGIN_NAME

    def __init__(self, context: Any) -> None:
        self._data_provider = context.data_provider
        self._log_dir = getattr(context, "logdir", None)
        samples = (context.sampling_hints or {}).get(schema.PLUGIN_NAME)
        self._cache = RunCache(samples=samples or 0, summarize=summarize)
        self._overview = ("", "")

    def get_plugin_apps(self) -> dict[str, Callable[..., Any]]:
        return {
            "/index.js": self.index_route,
            "/static/*": self.static_route,
            "/runs": self.runs_route,
            "/series": self.series_route,
            "/report": self.report_route,
            "/range_test": self.range_test_route,
            "/export": self.export_route,
        }

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        return base_plugin.FrontendMetadata(es_module_path="/index.js", tab_name="LR Monitor")

    def is_active(self) -> bool:
        """Returns whether a run has lrmon's scalars; TensorBoard itself checks for records."""
        reader = RecordReader(self._data_provider, tb_context.RequestContext(), "")
        return bool(reader.list_scalars(None, [schema.SCALAR_LEARNING_RATE]))

    def runs_impl(self, reader: RecordReader) -> str:
        overview = self._cache.overview(reader)
        version, text = self._overview
        if version != overview.version:
            text = schema.to_json(
                {"version": overview.version, "notices": overview.notices, "runs": overview.runs}
            )
            self._overview = (overview.version, text)
        return text

    def series_impl(self, reader: RecordReader, run: str, view: View) -> str:
        return series_json(self._cache.run(reader, run), view)

    def report_impl(self, reader: RecordReader, name: str, arguments: Arguments) -> str:
        run = self._cache.run(reader, name)
        rule = arguments.rule(analyzed_run(run).analysis.defaults.rule, metric_names(run))
        return report(run, rule).to_json()

    def range_test_impl(self, reader: RecordReader, name: str, training: str | None) -> str:
        test = analyzed_run(self._cache.run(reader, name)).range_test
        if test is None:
            raise errors.InvalidArgumentError(
                f"run {name[:100]!r} is a training, not a range test; the route runs says which kind each is"
            )
        if training is None:
            return test.to_json()
        trained = self._cache.run(reader, training)
        if trained.kind == "range_test":
            raise errors.InvalidArgumentError(
                f"training must name a training, got the range test {training[:100]!r}"
            )
        return test.to_json(trained)

    @_route
    def runs_route(self, request: Request) -> Response:
        Arguments.from_request(request)
        return _respond(request, self.runs_impl(self._reader(request)))

    @_route
    def series_route(self, request: Request) -> Response:
        arguments = Arguments.from_request(request, names=("run", "x", "start", "end", "width", "smoothing"))
        run, view = arguments.run(), arguments.view()
        return _respond(request, self.series_impl(self._reader(request), run, view))

    @_route
    def report_route(self, request: Request) -> Response:
        arguments = Arguments.from_request(request, names=("run", *SETTINGS))
        return _respond(request, self.report_impl(self._reader(request), arguments.run(), arguments))

    @_route
    def range_test_route(self, request: Request) -> Response:
        arguments = Arguments.from_request(request, names=("run", "training"))
        name, training = arguments.run(), arguments.training()
        return _respond(request, self.range_test_impl(self._reader(request), name, training))

    @_route
    def export_route(self, request: Request) -> Response:
        arguments = Arguments.from_request(request, names=("run", "format"))
        name, kind = arguments.run(), arguments.format()
        exported = export(self._cache.run(self._reader(request), name), kind)
        headers = {
            "Content-Disposition": f'attachment; filename="{exported.file_name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-cache, must-revalidate",
        }
        return Response(exported.parts, mimetype=exported.mime_type, headers=headers)

    @_route
    def index_route(self, request: Request) -> Response:
        file = page.read("index.js")
        return _respond(request, file.content, mime_type=file.mime_type)

    @_route
    def static_route(self, request: Request) -> Response:
        file = page.read(request.path.partition("/static/")[2])
        return _respond(request, file.content, mime_type=file.mime_type)

    def _reader(self, request: Request) -> RecordReader:
        environ = request.environ
        return RecordReader(
            self._data_provider,
            plugin_util.context(environ),
            plugin_util.experiment_id(environ),
            self._log_dir,
        )


def _respond(
    request: Request,
    content: str | bytes,
    *,
    mime_type: str = "application/json",
    code: int = 200,
    headers: Sequence[tuple[str, str]] = (),
) -> Response:
    response: Response = http_util.Respond(request, content, mime_type, code=code, headers=list(headers))
    return response
