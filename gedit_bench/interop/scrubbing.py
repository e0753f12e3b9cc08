"""Records as strangers may see them: without secrets, and without the commands, paths and hosts of who wrote them.

What decides pixels (`settings`, `artifacts`) and what a judge said stay as they are: the first are what a run's
fingerprint is made of, the second is the evidence.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath

from gedit_bench.records import Edit, Json, Reply
from gedit_bench.secrets import redact
from gedit_bench.store.imported import ImportedScore
from gedit_bench.store.manifest import RunManifest
from gedit_bench.store.provenance import Writer

_NAMED_DETAILS = ("data", "judge", "endpoint")
_PART = r"[^\s/\\'\"`,;:()\[\]{}<>|*?]+"
_PATH = re.compile(
    r"(?:file://|(?<![\w/.~\\-]))"
    rf"(?:(?:~|[A-Za-z]:)[/\\]|[/\\](?={_PART}[/\\]))"  # one part alone, as in `and /or`, is no path
    rf"(?:{_PART}[/\\])*(?P<name>(?:{_PART})?)"
)


def scrubbed_text(text: str) -> str:
    """Return a text without secrets, in which of each absolute path only the last name is left."""
    return _PATH.sub(lambda found: found["name"] or "…", redact(text))


def scrubbed_manifest(manifest: RunManifest) -> RunManifest:
    """Return a run's manifest with the same fingerprint; see `paths_kept`."""
    return replace(
        manifest,
        spec=scrubbed_text(manifest.spec),
        handling=_scrubbed_fields(manifest.handling),
        notes=scrubbed_text(manifest.notes),
    )


def paths_kept(manifest: RunManifest) -> list[str]:
    """Return the settings and artifacts in which an absolute path stands, and stays, since it is part of the id."""
    settings = [name for name, value in manifest.settings.items() if _scrubbed(value) != value]
    return settings + [name for name in manifest.artifacts if _scrubbed(name) != name]


def scrubbed_writer(writer: Writer) -> Writer:
    """Return what was running and when; the command is left out, and so is where local data lay."""
    details = {name: value for name, value in writer.details.items() if name in _NAMED_DETAILS}
    return replace(
        writer,
        command="",
        details={name: value for name, value in details.items() if _scrubbed(value) == value},
    )


def scrubbed_edit(edit: Edit) -> Edit:
    """Return an edit whose messages name no path."""
    return replace(edit, message=scrubbed_text(edit.message), extra=_scrubbed_fields(edit.extra))


def scrubbed_reply(reply: Reply) -> Reply:
    """Return a reply that doesn't say which of a pool's servers answered."""
    message = scrubbed_text(reply.message)
    if reply.server:
        message = message.replace(reply.server, "the server")
    return replace(reply, message=message, server=None)


def scrubbed_score(score: ImportedScore) -> ImportedScore:
    """Return another tool's row without the places of its images."""
    return replace(score, original=_scrubbed_fields(score.original))


def scrubbed_json(value: Json) -> Json:
    """Return JSON with all its texts scrubbed."""
    return _scrubbed(value)


def _scrubbed_fields(value: Mapping[str, Json]) -> dict[str, Json]:
    return {name: _scrubbed(field) for name, field in value.items()}


def _scrubbed(value: Json) -> Json:
    if isinstance(value, str):
        return _last_name(value) if _is_path(value) else scrubbed_text(value)
    if isinstance(value, Mapping):
        return _scrubbed_fields(value)
    if isinstance(value, list | tuple):
        return [_scrubbed(one) for one in value]
    return value


def _is_path(text: str) -> bool:
    """True if the whole text is an absolute path, blanks and all; `/imagine a cat` is none."""
    absolute = PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()
    return absolute and "\n" not in text and (" " not in text or len(re.findall(r"[/\\]", text)) > 1)


def _last_name(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or "…"
