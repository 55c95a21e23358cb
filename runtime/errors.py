"""The one error a person is meant to read."""


class UserError(Exception):
    """Something a person can fix: the message says what, where and how, in one line.

    The command line prints it without a traceback and exits with code 1.
    """
