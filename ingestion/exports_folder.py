"""What a folder of exports holds: what is read, and what is not and why."""

import re
from dataclasses import dataclass
from pathlib import Path

from ingestion.file_formats import readable_suffix, stem
from ingestion.reasons import SENTENCES, ReasonCode
from runtime.errors import UserError

# In quarantine, the resource of a file that belongs to none.
THE_FOLDER = "folder"
FILLS_FOLDER, SUMMARIES_FOLDER, ACCOUNTS_FILE = "fills", "summaryByDate", "accounts.csv"
# Others read these where they lie.
READ_ELSEWHERE = ("limits.csv",)
_COMPRESSED = (
    ".7z", ".br", ".bz2", ".gz", ".lz4", ".rar", ".tar", ".tgz", ".xz", ".z", ".zip",
    ".zst",
)  # fmt: skip
_SPREADSHEETS = (".numbers", ".ods", ".xls", ".xlsb", ".xlsm", ".xltx")
# Of editors, archivers and systems, and what explains a folder to people.
_OF_SYSTEMS = re.compile(
    r"\.|~\$|.*~$|#.*#$|readme(\.|$)|(thumbs\.db|desktop\.ini|__macosx|lost\+found|\$recycle\.bin|"
    r"system volume information)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class UnreadFile:
    """A file or folder that nothing is read of.

    Attributes:
        origin: Its path.
        code, reason: Why.
    """

    origin: str
    code: ReasonCode
    reason: str

    def __str__(self) -> str:
        return f"{self.origin} ({self.reason})"


class ExportsFolder:
    """A folder of exports: every entry is read, reported or a system's own.

    Attributes:
        accounts: The file of the list of accounts.
        fills: Files of fills.
        summaries: Files of the broker's daily summaries.
        unread: Everything else.

    Raises:
        UserError: The folder, the list of accounts or the fills are not there.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UserError(f"There is no folder {folder}. Set EXPORTS=<folder>.")
        self._root = folder.resolve()
        self.unread: list[UnreadFile] = []
        self.fills: list[Path] = []
        self.summaries: list[Path] = []
        found: list[Path] = []
        for path in _entries(folder):
            if self._is_special(path) or path.name in READ_ELSEWHERE:
                continue
            if path.is_dir():
                if path.name == FILLS_FOLDER:
                    self.fills = self._exports_in(path)
                elif path.name == SUMMARIES_FOLDER:
                    self.summaries = self._exports_in(path)
                else:
                    self._tell_folder(path)
            elif readable_suffix(path) and stem(path) == stem(Path(ACCOUNTS_FILE)):
                found.append(path)
            else:
                self._tell_file(path)
        if not found:
            raise UserError(
                f"{folder} has no {ACCOUNTS_FILE}. Export the accounts there."
                + self._told()
            )
        if len(found) > 1:
            raise UserError(
                f"{folder} has {' and '.join(path.name for path in found)}: which is "
                "the list of accounts? Move the other away."
            )
        if not self.fills:
            raise UserError(
                f"{folder} has no {FILLS_FOLDER}/*.csv. Export the fills there."
                + self._told()
            )
        (self.accounts,) = found

    def _exports_in(self, folder: Path) -> list[Path]:
        found = []
        for path in _entries(folder):
            if self._is_special(path):
                continue
            if path.is_dir():
                self._tell(path, ReasonCode.SUBFOLDER)
            elif readable_suffix(path):
                found.append(path)
            else:
                self._tell_file(path)
        return found

    def _is_special(self, path: Path) -> bool:
        """Whether it is no file or folder of this folder; reported if so."""
        # In this order: a link that leads to itself resolves to nothing.
        if (path.is_file() or path.is_dir()) and path.resolve().is_relative_to(
            self._root
        ):
            return False
        self._tell(path, ReasonCode.NO_REGULAR_FILE)
        return True

    def _tell_folder(self, path: Path) -> None:
        if not _entries(path):
            return
        for name in (FILLS_FOLDER, SUMMARIES_FOLDER):
            if _folded(path.name) == _folded(name):
                self._tell(path, ReasonCode.OTHER_SPELLING, name)
                return
        self._tell(path, ReasonCode.SUBFOLDER)

    def _tell_file(self, path: Path) -> None:
        name = path.name.casefold()
        if readable_suffix(path) and _folded(stem(path)).startswith("account"):
            self._tell(path, ReasonCode.OTHER_SPELLING, ACCOUNTS_FILE)
        elif name.endswith(_COMPRESSED):
            self._tell(path, ReasonCode.COMPRESSED)
        elif name.endswith(_SPREADSHEETS):
            self._tell(path, ReasonCode.SPREADSHEET)
        else:
            self._tell(path, ReasonCode.FOREIGN_FILE)

    def _tell(self, path: Path, code: ReasonCode, *details: object) -> None:
        reason = SENTENCES[code].format(*details)
        self.unread.append(UnreadFile(str(path), code, reason))

    def _told(self) -> str:
        """The first of what is there instead, for a message."""
        return f" There is {self.unread[0]}." if self.unread else ""


def _entries(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}).") from None
    return [path for path in entries if not _OF_SYSTEMS.match(path.name)]


def _folded(name: str) -> str:
    """A name without case, separators and plural."""
    return re.sub(r"[^a-z]", "", name.casefold()).rstrip("s")
