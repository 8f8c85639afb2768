"""Files that are complete only if all that belongs into them was written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from hpe_volleyball.errors import HpeError
from hpe_volleyball.interrupt import StoppedAtOnce


class CompletedFile(ABC):
    """A file under a partial name that gets its final one when the body of its `with` ends well.

    Where the body raised, the file is closed under its partial name. A stop at once closes nothing:
    the file stays as a kill would leave it.
    """

    @abstractmethod
    def close(self, *, complete: bool) -> Path:
        """End the file and say where it is; later calls only say so again.

        Raises:
            OutputError: the file cannot be written.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, StoppedAtOnce):
            return
        if error is None:
            self.close(complete=True)
            return
        # The error under way is the one to show.
        with suppress(HpeError):
            self.close(complete=False)
