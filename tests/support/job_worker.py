"""A worker as a process of its own, to be killed: ``python -m tests.support.job_worker HOME CATALOG LEASE_SECONDS``."""

import json
import sys
import threading
from pathlib import Path

from regista.bootstrap.worker import enrolled
from regista.services.working.worker import Worker
from tests.support.workplace import Workplace


def say(word: str) -> None:
    """Tell whoever started this process."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    """Submit the documents in HOME/submit.json (a quiet success the second time), then work until killed.

    Says ``idle`` on stdout when every submitted job has ended."""
    home, catalog, lease = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    place = Workplace(home, catalog=catalog, confine=False)
    documents = home / "submit.json"
    names = []
    if documents.exists():
        for name, document in json.loads(documents.read_text()).items():
            place.submit(document, name)
            names.append(name)
    stop = threading.Event()
    worker = Worker(place.workshop, lease_seconds=lease, slots=2)
    roll = enrolled(worker, place.house, place.settings)
    thread = threading.Thread(target=worker.run, args=(stop,), daemon=True)
    thread.start()
    say("ready")
    while names and not all(place.job(name).status.is_final for name in names):
        stop.wait(0.05)
    if names:
        stop.set()
        thread.join()
        worker.join(10)
        worker.close()
        roll.leave()
        place.close()
        say("idle")
        return
    thread.join()


if __name__ == "__main__":
    main()
