"""The process's logging: one handler at its root, for ours, the server's and the user's loggers alike."""

import logging
from collections.abc import Sequence

from mainstay.base.errors import ConfigurationError
from mainstay.telemetry.logs.formats import JsonFormatter, PlainFormatter
from mainstay.telemetry.logs.sinks import Both, Stream, TurnedFile
from mainstay.telemetry.options import LogOptions
from mainstay.telemetry.ports import Sink

# Servers give these handlers of their own, in a form of their own.
SERVERS = ("uvicorn", "uvicorn.error", "granian", "_granian", "gunicorn.error", "hypercorn.error")
# One line a request is ours to write; a server's own comes back when its level is set.
SERVERS_ACCESS = ("uvicorn.access", "granian.access", "gunicorn.access", "hypercorn.access")
# Says at each start, three times, which database it is on.
QUIET = ("alembic",)
_ALIASES = {"WARN": "WARNING", "FATAL": "CRITICAL"}


class LinesHandler(logging.Handler):
    """Hands each record, as a line, to where lines go."""

    def __init__(self, sink: Sink, form: logging.Formatter) -> None:
        super().__init__()
        self._sink = sink
        self.setFormatter(form)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._sink.write([self.format(record)])
        except Exception:
            self.handleError(record)


class ProcessLogs:
    """Takes the root of standard logging while it is open; all is as before once it is closed.

    Where the root has a handler already, logging is the user's own, and stays as it is: only the levels that were
    asked for are set.
    """

    def __init__(self, options: LogOptions, stream: Sink | None = None) -> None:
        self._options = options
        for name, level in {"": options.level, **options.levels}.items():
            level_of(level, name)
        self._file = None if options.file is None else TurnedFile(options.file, options.file_size, options.file_count)
        sinks: list[Sink] = [stream or Stream()]
        self._sink: Sink = sinks[0] if self._file is None else Both([*sinks, self._file])
        self._before: list[tuple[logging.Logger, int, list[logging.Handler], bool]] = []
        self._handler: LinesHandler | None = None

    def write(self, lines: Sequence[str]) -> None:
        """Lines that are made already: the access log's."""
        self._sink.write(lines)

    def open(self) -> None:
        """Take over. Raises ConfigurationError for a file that cannot be written."""
        options = self._options
        if options.form == "off":
            return
        if self._file is not None:
            self._file.open()
        root = logging.getLogger()
        if not root.handlers:
            self._handler = LinesHandler(self._sink, JsonFormatter() if options.form == "json" else PlainFormatter())
            self._keep(root)
            root.addHandler(self._handler)
            root.setLevel(level_of(options.level))
            logging.captureWarnings(True)
            for name in SERVERS:
                logger = self._keep(logging.getLogger(name))
                logger.handlers, logger.propagate = [], True
            for name in (*SERVERS_ACCESS, *QUIET):
                logger = self._keep(logging.getLogger(name))
                logger.handlers, logger.propagate = [], True
                logger.setLevel(logging.WARNING)
        for name, level in options.levels.items():
            self._keep(logging.getLogger(name)).setLevel(level_of(level))

    def close(self) -> None:
        """Let go, and leave every logger as it was found."""
        if self._handler is not None:
            logging.captureWarnings(False)
        for logger, level, handlers, propagate in reversed(self._before):
            logger.setLevel(level)
            logger.handlers, logger.propagate = handlers, propagate
        self._before, self._handler = [], None
        self._sink.close()

    def _keep(self, logger: logging.Logger) -> logging.Logger:
        self._before.append((logger, logger.level, list(logger.handlers), logger.propagate))
        return logger


def level_of(name: str, logger: str = "") -> int:
    """The number of a level. Raises ConfigurationError for a name that is none."""
    upper = name.upper()
    found = logging.getLevelNamesMapping().get(_ALIASES.get(upper, upper))
    if found is None:
        raise ConfigurationError(
            f"{name} is no level of logging{f' for {logger}' if logger else ''}.",
            fix="Use DEBUG, INFO, WARNING, ERROR or CRITICAL.",
        )
    return found
