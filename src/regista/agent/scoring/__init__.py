"""The scoring worker: one process that answers for one version of one model.

It runs in the model's environment, with any Python from 3.8, and imports nothing of Regista: ``__main__.py`` loads this
folder under a private name, so that a user's own module called ``config`` or ``scoring`` is still the user's. What it
needs beyond the standard library (uvicorn, msgspec, PyYAML; httptools and uvloop where there are wheels) comes from the
folders of the configuration's ``layer``, which are searched last: the model's own packages win.

    config.py      the JSON file that says what to serve
    program.py     load, listen, serve, drain, stop
    app.py         paths to doors: ``/score``, ``/invocations``, ``/v2``, health
    script.py      Azure scoring scripts: ``init()`` and ``run(raw)``; ``rawhttp.py`` for those that want the request
    models.py      MLflow models without code: flavours and how each is called
    invocations.py, azure.py, oip.py    three ways to write a table and its predictions down
    payload.py, signature.py, native.py, prediction.py    the table itself, what the model wants, numpy and pandas, the answer
    engine.py      threads, time limits and adaptive micro-batching
"""
