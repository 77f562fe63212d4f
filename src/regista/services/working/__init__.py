"""The worker's side of a job: lease, launch, staging, the attempt, its end."""
