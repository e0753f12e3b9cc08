"""Every error that a user can cause or cure, each with the sentence that helps and an exit code.

    GeditBenchError             1  unexpected
    ├── UsageError              2  a wrong name, option or value
    ├── DataError               2  a benchmark or result folder that can't be what it claims to be
    ├── QuotaError              4  the judge's account is exhausted; the run can be resumed
    ├── UnavailableError        5  weights, key, network, GPU, rubric or disk are missing
    │   ├── RunLockedError      5  somebody else is writing to the same run
    │   └── UnreachableError    5  a server doesn't answer now, but may another time
    └── Interrupted           130  Ctrl-C; the run can be resumed

Anything else that escapes is a bug and keeps its traceback.
"""


class GeditBenchError(Exception):
    """An expected failure: one sentence that says what happened, and a hint that says what to do."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(GeditBenchError):
    """The command line or an argument can't be carried out as given."""

    exit_code = 2


class DataError(GeditBenchError):
    """A dataset, run folder or image folder doesn't hold what it must."""

    exit_code = 2


class QuotaError(GeditBenchError):
    """The judge refuses to go on until somebody pays; nothing was lost."""

    exit_code = 4


class UnavailableError(GeditBenchError):
    """Something that this machine lacks: weights, a key, a GPU, the network, a rubric, disk space."""

    exit_code = 5


class RunLockedError(UnavailableError):
    """Another process is writing to the same run and shard."""


class UnreachableError(UnavailableError):
    """A server doesn't answer now, or somebody else in its place; nothing says that it never will."""


class Interrupted(GeditBenchError):
    """Somebody asked to stop; everything that was in flight is saved."""

    exit_code = 130
