"""Ctrl-C and SIGTERM stop a run where it stands, even if a library swallows them."""

import signal

_asked = False


def stop_on_signals() -> None:
    """Raise KeyboardInterrupt on SIGTERM as on SIGINT, and keep in mind that it was.

    Who started this process so that it ignores SIGINT (`nohup`, `&` in a script) is
    obeyed.
    """
    signal.signal(signal.SIGTERM, _stop)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _stop)


def stop_if_asked() -> None:
    """Stop now, if the request to was swallowed.

    Raises:
        KeyboardInterrupt: It was asked for.
    """
    if _asked:
        raise KeyboardInterrupt


def is_stop_asked() -> bool:
    """Whether it was asked for: what is raised after that follows from it."""
    return _asked


def _stop(*_: object) -> None:
    global _asked
    _asked = True
    raise KeyboardInterrupt
