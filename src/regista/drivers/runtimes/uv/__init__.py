"""Environments as hashed locks and shared virtual environments, made by the uv program.

EnvironmentSpec --translate--> PackageRequest --lock--> Lock --build--> <home>/envs/<id>
"""
