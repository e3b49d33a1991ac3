"""The address to serve at, tried before anything else is started."""

import atexit
import errno
import socket
import sys

from mainstay.base.errors import ConfigurationError


def free_port(host: str, port: int) -> int:
    """The port, once it is sure that it can be had; for 0 another free one, ours then. Raises ConfigurationError.

    For 0 on Linux it stays bound, and is never listened at: nobody else is given the port before the workers listen
    there, and those get in, because they set SO_REUSEADDR as well.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        fix = "Use 127.0.0.1, 0.0.0.0, or a name of this machine: --host 127.0.0.1"
        raise ConfigurationError(f"{host} is no address of this machine.", fix=fix) from None
    probe = socket.socket(family, kind, protocol)
    # As the server will: a port whose last connections are still waiting to be forgotten is free.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(address)
        found = int(probe.getsockname()[1])
    except OSError as error:
        probe.close()
        raise _sentence(host, port, error) from None
    if port == 0 and sys.platform == "linux":
        atexit.register(probe.close)
    else:
        probe.close()
    return found


def _sentence(host: str, port: int, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        fix = f"Stop what is there, or choose another: --port {port + 1 if port < 65_535 else 8000}"
        return ConfigurationError(f"port {port} of {host} is in use.", fix=fix)
    if error.errno == errno.EACCES:
        return ConfigurationError(f"port {port} is not for ordinary users.", fix="Choose one above 1023: --port 8000")
    fix = "Use 127.0.0.1, 0.0.0.0, or a name of this machine: --host 127.0.0.1"
    return ConfigurationError(f"{host} is no address of this machine: {error.strerror}.", fix=fix)
