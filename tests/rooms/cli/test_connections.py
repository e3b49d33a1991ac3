"""How many connections a worker holds, and what is set on the listener it finds."""

import socket
import subprocess
import sys

import pytest

from mainstay.cli.serving.connections import STALLED_SECONDS, let_go_of_the_stalled, wait_for_listener
from tests.serving import until

ASK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
from mainstay.cli.serving.connections import connection_limit
print(connection_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "raised"),
    [(1024, 2048, 1792, 2048), (2048, 2048, 1792, 2048), (200, 200, 64, 200), (1024, 15_000, 10_000, 10_256)],
)
def test_connections_fit_under_the_limit_of_open_files_which_is_raised_as_far_as_it_may(
    soft: int, hard: int, connections: int, raised: int
) -> None:
    done = subprocess.run([sys.executable, "-c", ASK, str(soft), str(hard)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(connections), str(raised)]


def test_clients_that_stop_reading_are_let_go_of_by_what_is_set_on_the_listener() -> None:
    with socket.socket() as listener, socket.socket() as other:
        for each in (other, listener):
            each.bind(("127.0.0.1", 0))
            each.listen()
        port = listener.getsockname()[1]
        let_go_of_the_stalled(port)
        timeout = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        until(lambda: listener.getsockopt(*timeout) == STALLED_SECONDS * 1000, lambda: "nothing was set")
        assert other.getsockopt(*timeout) == 0
        wait_for_listener("0.0.0.0", port)
        with socket.create_connection(("127.0.0.1", port)), listener.accept()[0] as accepted:
            assert accepted.getsockopt(*timeout) in (0, STALLED_SECONDS * 1000)
