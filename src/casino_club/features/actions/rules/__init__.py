"""Decisions about actions, pure: the tracking plan, the moment an action belongs to, and a user's standing."""
