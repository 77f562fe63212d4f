"""The gateway: one process per host between the callers of endpoints and their scoring workers.

    python -m regista.agent.gateway --table FILE --listen 127.0.0.1:PORT [--cert FILE --key FILE] [--access-log FILE]

It knows only its routing table, a file that the server replaces by rename, and is told nothing else: it goes on answering
while the server is away. It imports nothing of Regista's core.

    program.py      arguments, listening, signals, stopping
    table.py        the file; watch.py notices a new one; directory.py keeps what lives across tables
    channel.py      a socket as bytes that arrive; head.py and framing.py read HTTP/1.1 from it, strictly
    connection.py   one client: requests one after another; exchange.py one request from head to log line
    keys.py, split.py, gate.py, backend.py    who may, to which deployment, how many at once, which worker
    relay.py        one request to one worker and its answer back; mirror.py the same without an answer
    probe.py        asks the workers whether they are ready
    access_log.py   one JSON line per request
"""
