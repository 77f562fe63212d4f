"""Many clients that write until they are told to stop, and write down what was acknowledged to them.

Each thread is a client with a run of its own; the process is one of several. Whatever the server does meanwhile, no call may
raise: the client tries again by itself what can be tried again."""

import json
import os
import pathlib
import threading
import time

import mlflow
from mlflow.entities import Metric

client = mlflow.MlflowClient()
until = time.time() + float(os.environ["SECONDS"])
folder = pathlib.Path(os.environ["BOOK"])
faults: list[str] = []


def write(number: int) -> None:
    run = client.create_run("0", run_name=f"writer-{number}").info.run_id
    with (folder / f"{run}.jsonl").open("w") as book:
        step = 0
        while time.time() < until:
            if step % 3:
                client.log_metric(run, "single", float(step), timestamp=step, step=step)
                done = [["single", step]]
            else:
                batch = [Metric("batched", float(step), step, step * 100 + index) for index in range(100)]
                client.log_batch(run, metrics=batch)
                done = [["batched", step * 100 + index] for index in range(100)]
            book.write(json.dumps(done) + "\n")
            book.flush()
            step += 1


def guarded(number: int) -> None:
    try:
        write(number)
    except Exception as fault:  # noqa: BLE001 - told in the end
        faults.append(f"writer {number}: {type(fault).__name__}: {fault}")


threads = [threading.Thread(target=guarded, args=(number,)) for number in range(int(os.environ["THREADS"]))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if faults:
    raise SystemExit("\n".join(faults))
print("written")  # noqa: T201 - the test waits for it
