"""Serve the built book on this machine and open it in the browser."""

import functools
import sys
import webbrowser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BOOK = Path("_build/html")


def main() -> None:
    """Serve until interrupted, on the first free port from 8000."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(BOOK))
    for port in range(8000, 8020):
        try:
            server = ThreadingHTTPServer(("127.0.0.1", port), handler)
            break
        except OSError:
            continue
    else:
        sys.exit("ports 8000 to 8019 are all taken: close a server and try again")
    address = f"http://127.0.0.1:{port}/"
    print(f"The book is at {address} (Ctrl-C stops it).", flush=True)
    webbrowser.open(address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
