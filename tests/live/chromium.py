"""A real Chromium that is clicked, typed into and looked at."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.browser import CHROMIUM

_LOCAL = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"


class Chromium:
    """One browser, with one window at a time; use it as a context manager.

    Attributes:
        complaints: What the console of its window was told, and what it refused to load
            or run.
    """

    def __init__(self, folder: Path, size: tuple[int, int] = (1440, 900)) -> None:
        read_by_it, self._to_it = os.pipe()
        self._from_it, written_by_it = os.pipe()
        # It reads from 3 and writes to 4, whatever the pipes are here.
        self._process = subprocess.Popen(
            [
                "bash", "-c", f'exec "$@" 3<&{read_by_it} 4>&{written_by_it}', "bash",
                CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
                "--remote-debugging-pipe", "--no-first-run",
                "--ignore-certificate-errors", f"--user-data-dir={folder / 'profile'}",
                f"--window-size={size[0]},{size[1]}", f"--host-resolver-rules={_LOCAL}",
            ],
            pass_fds=(read_by_it, written_by_it),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(read_by_it)
        os.close(written_by_it)
        self._rest = b""
        self._number = 0
        self._page: str | None = None
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to_it)
        os.close(self._from_it)

    @contextmanager
    def window(self) -> Iterator[Self]:
        """A new one, which knows nothing of those before."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call(
            "Target.createTarget", url="about:blank", browserContextId=context
        )["targetId"]
        self.complaints = []
        self._page = self.call(
            "Target.attachToTarget", targetId=target, flatten=True
        )["sessionId"]  # fmt: skip
        for name in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{name}.enable")
        try:
            yield self
        finally:
            self._page = None
            self.call("Target.disposeBrowserContext", browserContextId=context)

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        """A command of the DevTools protocol, and its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if self._page is not None:
            message["sessionId"] = self._page
        os.write(self._to_it, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def open(self, address: str) -> None:
        """Go to a page."""
        self.call("Page.navigate", url=address)

    def value(self, script: str) -> Any:
        """What an expression comes to on the page."""
        done = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True,
            awaitPromise=True, userGesture=True,
        )  # fmt: skip
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait_for(self, script: str, seconds: float = 10) -> None:
        """Let time pass until an expression is true."""
        asked = f"(() => {{ try {{ return Boolean({script}); }} catch {{}} }})()"
        until = time.monotonic() + seconds
        while not self.value(asked):
            if time.monotonic() > until:
                raise AssertionError(
                    f"{script}\nnot so after {seconds} s:\n{self.text()}"
                )
            time.sleep(0.05)

    def text(self) -> str:
        """What the page shows."""
        return self.value("document.body.innerText")

    def click(self, selector: str) -> None:
        """Click in the middle of what a selector finds first, as a mouse does."""
        x, y = self.value(
            f"""(() => {{
                const one = document.querySelector({json.dumps(selector)});
                one.scrollIntoView({{ block: "center", behavior: "instant" }});
                const {{ x, y, width, height }} = one.getBoundingClientRect();
                return [x + width / 2, y + height / 2];
            }})()"""
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, clickCount=1,
                button="none" if kind == "mouseMoved" else "left",
            )  # fmt: skip

    def move_away(self) -> None:
        """Point at nothing."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)

    def type(self, selector: str, text: str) -> None:
        """Click into a field and type."""
        self.click(selector)
        self.call("Input.insertText", text=text)

    def look(self, *, width: int, height: int, is_dark: bool = False) -> None:
        """Be a screen of a size and a taste."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        taste = {
            "name": "prefers-color-scheme",
            "value": "dark" if is_dark else "light",
        }
        self.call("Emulation.setEmulatedMedia", features=[taste])

    def screenshot(self, path: Path) -> None:
        """A PNG of what is seen."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=False)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._from_it, 2**20)
            assert part, "the browser ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("sessionId") != self._page:
            return
        values = event.get("params", {})
        if event["method"] == "Log.entryAdded":
            self.complaints.append(values["entry"]["text"])
        elif event["method"] == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(values["exceptionDetails"]))
        elif event["method"] == "Runtime.consoleAPICalled":
            self.complaints.append(str(values["args"]))
