"""The errors a user can meet.

Every error says what was found, what was expected and what to do::

    HpeError
    ├── SourceError        the video cannot be opened or holds no pictures
    │   └── SourceDamaged  it could be read up to a point; what came before is kept
    ├── ModelError         a model file is missing, unreadable or of the wrong kind
    ├── DeviceError        the device that was asked for is not granted
    ├── OptionError        an option cannot be read or does not fit the source
    ├── OutputError        results cannot be written
    │   └── InUseError     another process is writing them
    └── ResultError        a result file cannot be read or compared
"""


class HpeError(Exception):
    """Base of all errors that are meant for the user; shown as one line, exit code 1."""


class SourceError(HpeError):
    """The video cannot be opened or holds no pictures."""


class SourceDamaged(SourceError):  # noqa: N818 - it names the state of the file
    """The video could be read up to a point only; every frame before it was delivered."""


class ModelError(HpeError):
    """A model file is missing, unreadable or of the wrong kind."""


class DeviceError(HpeError):
    """The device that was asked for is not granted."""


class OptionError(HpeError):
    """An option cannot be read or does not fit the source."""


class OutputError(HpeError):
    """Results cannot be written."""


class InUseError(OutputError):
    """Another process is writing the same results."""


class ResultError(HpeError):
    """A result file cannot be read or compared."""
