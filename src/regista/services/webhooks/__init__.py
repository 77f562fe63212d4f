"""Telling others outside what happens: webhooks, what they are to be told, and the sending of it."""
