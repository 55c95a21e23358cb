"""The live desk's page: one server, which follows a session and shows its screen.

Data flows one way, and only acknowledging and releasing come back:

    changes  a `screen.Screen` in parts, and which of them changed since the last one
    follow   the thread that looks: session and watch -> changes -> stream
    stream   server-sent events: a full screen first, then what changed; bounded
    app      the routes; `access` says who may, `logins` who somebody is
    server   socket, TLS and the thread of the server

Whatever a browser shows was made here of one screen: the page computes no figure.
"""

from live.page.server import Page, serve

__all__ = ["Page", "serve"]
