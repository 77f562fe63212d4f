"""Between the bodies of the SDK's jobs and Regista's: one translator a direction.

``documents`` reads a body into the document that jobs are submitted with everywhere; ``rendering`` shows any job, whichever
door it came through, as the SDK reads it, and ``history`` shows it as a run. ``kept`` holds what has a meaning in Azure alone.
"""
