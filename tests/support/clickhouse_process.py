"""The process of a ClickHouse server for tests: python clickhouse_process.py LIBRARY DIRECTORY TCP_PORT HTTP_PORT.

There is no small package of the server itself, but the chDB library of Node.js contains all of it: its entry point for
the command line runs ``clickhouse local``, which can be told to listen, and then serves until its last query ends. A
line "ready" on standard output says that both ports answer.
"""

import ctypes
import socket
import sys
import threading

_SERVE_FOREVER = (
    "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; SELECT sleepEachRow(3) FROM numbers(1000000) "
    "SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0 FORMAT Null"
)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _announce(ports: list[int], stop: threading.Event) -> None:
    while not all(map(_answers, ports)):
        if stop.wait(0.05):
            return
    print("ready", flush=True)


def main() -> None:
    library, directory, tcp_port, http_port = sys.argv[1:]
    arguments = [
        "clickhouse",
        f"--path={directory}",
        "--listen_host=127.0.0.1",
        f"--tcp_port={tcp_port}",
        f"--http_port={http_port}",
        f"--query={_SERVE_FOREVER}",
    ]
    stop = threading.Event()
    threading.Thread(target=_announce, args=([int(tcp_port), int(http_port)], stop), daemon=True).start()
    run = ctypes.CDLL(library).chdb_query_cmdline
    run.restype = ctypes.c_void_p
    run(len(arguments), (ctypes.c_char_p * len(arguments))(*map(str.encode, arguments)))
    stop.set()
    sys.exit("the server ended by itself")


if __name__ == "__main__":
    main()
